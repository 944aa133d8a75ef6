# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernel's own NFS server and client in the guest, over the loopback. Load it after guest.bash.
#
# NFS_DIR is what the server exports: a file system in memory. One of NFSv4's clients is one host: two mounts
# of it are two for the server's locks. NFSv3 with `nolock' has locks that nobody but the mount itself knows.

NFS_DIR=/run/nfs/export
# The server gives its clients no longer than that, before it forgets them and after its start.
NFS_LEASE=10

# nfs_up [OPTION...]: the file system, with options of mount, and the server.
nfs_up() {
	modprobe -a nfsd nfs nfsv3 nfsv4 lockd || return
	# The locks of NFSv3 have a time of grace of their own, and until it is over NFSv4 gives none either.
	echo 3 >/proc/sys/fs/nfs/nlm_timeout
	echo 3 >/proc/sys/fs/nfs/nlm_grace_period
	mkdir -p "$NFS_DIR" /run/rpcbind
	mount -t tmpfs -o "mode=0755,size=1g${1:+,$1}" nfs-export "$NFS_DIR" || return
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd || return
	pgrep -x rpcbind >/dev/null || rpcbind 3>&- || return
	echo $NFS_LEASE >/proc/fs/nfsd/nfsv4leasetime && echo $NFS_LEASE >/proc/fs/nfsd/nfsv4gracetime || return
	nfs_export rw && rpc.mountd 3>&- && nfs_start
}

# nfs_export rw|ro: exports NFS_DIR, or exports it otherwise.
nfs_export() {
	exportfs -o "$1,no_root_squash,fsid=0,no_subtree_check,sync" "127.0.0.1:$NFS_DIR"
}

# Whoever uses it gets ESTALE.
nfs_unexport() {
	exportfs -u "127.0.0.1:$NFS_DIR"
}

nfs_start() {
	rpc.nfsd 4 3>&-
}

# As when its host goes down: all it knew of its clients is gone but for what it has to keep.
nfs_stop() {
	rpc.nfsd 0 3>&-
}

# nfs_mount DIRECTORY [OPTIONS [DIRECTORY-OF-THE-EXPORT]]: over NFSv4, or with `local' for OPTIONS over NFSv3
# with locks of its own.
nfs_mount() {
	mkdir -p "$1" || return
	case ${2:-} in
	local)
		mount -t nfs -o vers=3,nolock,local_lock=all,nosharecache,retry=0 \
			"127.0.0.1:$NFS_DIR${3:+/$3}" "$1"
		;;
	*) mount -t nfs4 -o "vers=4.2,retry=0${2:+,$2}" "127.0.0.1:/${3:-}" "$1" ;;
	esac
}

# Without mercy, and in silence: the mounts, the server, the file system.
nfs_down() {
	local dir

	while read -r _ dir _; do
		umount -lf "$dir"
	done < <(grep -E '^[^ ]+ [^ ]+ nfs4? ' /proc/mounts)
	nfs_stop
	exportfs -ua
	pkill -x rpc.mountd
	pkill -x rpcbind
	umount -l "$NFS_DIR"
	true
} 2>/dev/null
