#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The pool on NFS, with the kernel's own server and client: what is written, read, overwritten and moved there
# is as on a disk, also when a drive is killed or the server goes away in the middle.

load lib/guest.bash
load lib/library.bash
load lib/nfs.bash

setup_file() {
	export POOL
	POOL=$(vtl_home)/home/pool
	nfs_up && nfs_mount "$POOL" && lib_up
}

teardown_file() {
	local ret=0

	lib_down || ret=1
	nfs_down
	return $ret
}

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	# After a failed test the next one still finds a server, all daemons and no cartridge in a drive.
	nfs_start && vtl_start "$CONF" && all_home
}

teardown() {
	dump_on_failure
	[ -z "${writer:-}" ] || kill "$writer" || true
}

# put BYTES BLOCK: so much of the data as one file of the tape.
put() {
	head -c "$1" $DATA | dd of="$T1" bs="$2" iflag=fullblock status=none
}

# get BYTES BLOCK: the next file of the tape is that.
get() {
	dd if="$T1" bs="$2" of=out status=none && cmp -n "$1" out $DATA && assert_eq "$(stat -c %s out)" "$1" bytes
}

# Every block of it is good on the server's own disk, and the drive's and the pool's files are those of a
# cartridge: no name that NFS keeps for a file that is open and gone.
all_good() { # BARCODE...
	local tape

	all_home
	for tape; do
		"$VTL_BUILD/emul/tools/vtl-verify" "$NFS_DIR/$tape"
	done
	assert_eq "$(find "$NFS_DIR" -name '.nfs*' -o -name '.new.*' -o -name '.gone.*')" "" "crumbs in the pool"
}

# write_read_overwrite BARCODE
write_read_overwrite() {
	in_drive 1 "$1"
	put 5000000 100000
	put 3000000 4096
	put 1000000 262144
	mt -f "$T1" rewind
	get 5000000 100000
	get 3000000 4096
	get 1000000 262144
	cmp -n 3000000 "$L/drives/1/$1/files/0/1" $DATA
	# In the middle, and what stood behind it is gone.
	mt -f "$T1" asf 1
	put 700000 1000
	mt -f "$T1" rewind
	get 5000000 100000
	get 700000 1000
	run dd if="$T1" bs=64k
	assert_match "$output" '^0\+0 records in' "behind the last file"
	assert_eq "$(ls "$L/drives/1/$1/files/0" | tr '\n' ' ')" "0 1 "
	mt -f "$T1" offline
	mt -f "$T1" load
	mt -f "$T1" asf 1
	get 700000 1000
}

# killed_in_the_middle BARCODE: kill -9 of its drive while dd writes the second file.
killed_in_the_middle() {
	local status=0

	in_drive 1 "$1"
	put 4000000 65536
	begin_dd /dev/zero
	kill_hard "$(drive_pid 1)"
	wait "$writer" || status=$?
	writer=
	assert_eq $status 1 "status of dd"
	vtl_start "$CONF"
	assert_at drives/1 "$1"
	mt -f "$T1" rewind
	get 4000000 65536
	# Whole blocks of what was under way, and then the end.
	run dd if="$T1" bs=64k of=out
	cmp -n "$(stat -c %s out)" out /dev/zero
	mt -f "$T1" asf 1
	put 100000 1000
	mt -f "$T1" asf 1
	get 100000 1000
}

# begin_dd FILE...: dd writes them to drive 1 in the background, and some of it has arrived.
begin_dd() {
	timeout -k 10 600 dd of="$T1" bs=64k iflag=fullblock status=none 3>&- < <(exec cat "$@") &
	writer=$!
	wait_for 60 dd_wrote $((4 << 20))
}

# dd_wrote BYTES: so much has gone into the drive already.
dd_wrote() {
	local pid

	pid=$(pgrep -x dd) && (($(sed -n 's/^wchar: //p' "/proc/$pid/io") >= $1))
}

dd_writes() {
	pgrep -x dd >/dev/null
}

@test "NFSv4: written, read, overwritten in the middle, and verified on the server" {
	assert_match "$(grep " $POOL " /proc/mounts)" ' nfs4 .*local_lock=none'
	TAPE=$(at slots/0001)
	write_read_overwrite "$TAPE"
	all_good "$TAPE"
	dmesg_clean
}

@test "NFSv4: kill -9 of a drive that writes: what was acknowledged is there, and it goes on" {
	TAPE=$(at slots/0002)
	killed_in_the_middle "$TAPE"
	all_good "$TAPE"
	dmesg_clean
}

@test "NFSv4: the server goes away and comes again under a drive that writes, and under one that reads" {
	TAPE=$(at slots/0003)
	in_drive 1 "$TAPE"
	put 3000000 65536
	begin_dd $DATA $DATA $DATA $DATA
	dd_writes
	nfs_stop
	nfs_start
	wait "$writer"
	writer=
	mt -f "$T1" rewind
	get 3000000 65536
	dd if="$T1" bs=64k status=none | cmp - <(cat $DATA $DATA $DATA $DATA)
	# The reader has a part of it when the server goes, and nothing of the tape is in the client's memory.
	mt -f "$T1" rewind
	mt -f "$T1" offline
	echo 3 >/proc/sys/vm/drop_caches
	mt -f "$T1" load
	{
		head -c 1000000
		nfs_stop
		nfs_start
		cat
	} < <(dd if="$T1" bs=65536 status=none) >out
	cmp -n 3000000 out $DATA
	assert_eq "$(stat -c %s out)" 3000000
	all_good "$TAPE"
	dmesg_clean
}

@test "NFSv4: cartridges are made, moved by robot and by mv, and destroyed" {
	local tape other slot

	tape=$(at slots/0001) other=$(at slots/0002)
	mtx -f "$CH" load 1 0
	assert_at drives/1 "$tape"
	mt -f "$T1" rewind
	mtx -f "$CH" transfer 2 5
	assert_at slots/0005 "$other"
	mv "$L/slots/0005/$other" "$L/slots/0002/"
	mtx -f "$CH" unload 1 0
	fresh VM7001L8
	slot=$(free_slot)
	mv "$MNT/vault/VM7001L8" "$L/$slot/"
	in_drive 1 VM7001L8
	put 1000000 10000
	mv "$L/drives/1/VM7001L8" "$MNT/vault/"
	cmp -n 1000000 "$MNT/vault/VM7001L8/files/0/0" $DATA
	rmdir "$MNT/vault/VM7001L8"
	[ ! -e "$NFS_DIR/VM7001L8" ]
	same_picture
	each_in_one_place
	all_good "$tape" "$other"
	dmesg_clean
}

# Last, for the library goes down in it.
@test "NFSv3 with locks of its own only: the same pool by another mount, written, overwritten, killed" {
	local tape other

	vtl_stop "$CONF"
	umount "$POOL"
	nfs_mount "$POOL" local
	assert_match "$(grep " $POOL " /proc/mounts)" ' nfs .*vers=3.*local_lock=all'
	vtl_start "$CONF"
	lib_nodes
	# What NFSv4 has brought there is there.
	tape=$(at slots/0003)
	in_drive 1 "$tape"
	get 3000000 65536
	mt -f "$T1" rewind
	write_read_overwrite "$tape"
	all_home
	other=$(at slots/0004)
	killed_in_the_middle "$other"
	each_in_one_place
	all_good "$tape" "$other"
	dmesg_clean
}
