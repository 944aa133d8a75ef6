# SPDX-License-Identifier: GPL-2.0-only
# Packages of Debian 12 that vtl needs, by purpose, and their installation. Sourced.

deps_build=(
	gcc libc6-dev make meson ninja-build pkg-config
	libfuse3-dev zlib1g-dev liblzo2-dev libconfuse-dev libssl-dev
	libisal-dev liblz4-dev libzstd-dev libcmocka-dev
)

# What a user of a tape library has at hand.
deps_use=(fuse3 kmod mt-st mtx sg3-utils lsscsi tar)

# The VM in which the kernel module runs where the host's kernel cannot load it.
deps_vm=(
	qemu-system-x86 busybox-static cpio kmod udev fdisk e2fsprogs xfsprogs dmsetup
	binutils xz-utils zstd bzip2 gzip python3 util-linux libelf1 procps
	open-iscsi libiscsi-bin nfs-kernel-server nfs-common
)

deps_check=(
	bats clang clang-format shellcheck sparse inotify-tools attr procps psmisc
	iproute2 man-db git file bc strace parallel python3 rsync libclang-rt-14-dev
)

# Those of the arguments that are not installed, one a line.
deps_missing()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		awk '$1 == "installed" { print $2 }' | sort -u |
		comm -13 - <(printf '%s\n' "$@" | sort -u)
}

# Installs what is missing of the arguments. Says what it does; quiet when there is nothing to do. Some of them
# bring services, for the tests' guests: none is started here.
deps_install()
{
	local missing log policy=/usr/sbin/policy-rc.d rc=0
	# A machine that has just come up may be busy with its own updates.
	local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600)

	mapfile -t missing < <(deps_missing "$@")
	((${#missing[@]})) || return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing packages: ${missing[*]}" >&2
		echo "this is not a Debian system: install them (or their like) by hand" >&2
		return 1
	fi
	if ((EUID != 0)); then
		echo "missing packages: ${missing[*]}: run this as root to install them" >&2
		return 1
	fi
	echo "installing ${#missing[@]} packages: ${missing[*]}"
	log=$(mktemp)
	if [[ -e $policy ]]; then
		policy=
	else
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
	fi
	if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends \
		"${missing[@]}"; } </dev/null >"$log" 2>&1; then
		tail -n 25 "$log" >&2
		rc=1
	fi
	rm -f "$log" ${policy:+"$policy"}
	return $rc
}
