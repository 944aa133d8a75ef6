#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The pool goes away under a library that runs, and comes back: unmounted, its disk gone, read-only. No inventory
# is lost, what cannot be done is said in words, and afterwards all is as it was.

load lib/guest.bash
load lib/library.bash

DISK=/dev/mapper/vtl-pool
IMAGE=/run/vtl-pool.img
MIB=200

setup_file() {
	export POOL LOOP
	POOL=$(vtl_home)/home/pool
	modprobe -a loop dm-mod || return
	truncate -s ${MIB}M $IMAGE && LOOP=$(losetup -f --show $IMAGE) || return
	dmsetup create --noudevsync vtl-pool --table "$(linear)" && wait_for 30 test -b $DISK || return
	mkfs.ext4 -q -F $DISK && mkdir -p "$POOL" && mount $DISK "$POOL" && lib_up
}

teardown_file() {
	local ret=0

	lib_down || ret=1
	umount -l "$POOL"
	dmsetup remove --noudevsync --retry --force vtl-pool || ret=1
	losetup -d "$LOOP"
	rm -f $IMAGE
	return $ret
}

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	pool_back
	vtl_start "$CONF" && all_home
	BEFORE=$(census) PLACES=$(mtx_picture)
}

teardown() {
	dump_on_failure
	[ -z "${writer:-}" ] || kill "$writer" || true
}

linear() { echo "0 $((MIB * 2048)) linear $LOOP 0"; }

# table TABLE: gives the disk another one, at once.
table() {
	dmsetup load vtl-pool --table "$1" && dmsetup suspend --nolockfs --noflush --noudevsync vtl-pool &&
		dmsetup resume --noudevsync vtl-pool
}

disk_gone() { table "0 $((MIB * 2048)) error"; }
disk_back() { table "$(linear)"; }

# The file system is there, and not as a failed test left it.
pool_back() {
	disk_back || return
	if read_only; then
		umount -l "$POOL"
	fi
	mountpoint -q "$POOL" || mount $DISK "$POOL"
}

read_only() {
	[[ $(grep " $POOL " /proc/mounts) =~ \ ro, ]]
}

put() { # BYTES BLOCK
	head -c "$1" $DATA | dd of="$T1" bs="$2" iflag=fullblock status=none
}

get() { # BYTES BLOCK
	dd if="$T1" bs="$2" of=out status=none && cmp -n "$1" out $DATA && assert_eq "$(stat -c %s out)" "$1" bytes
}

# begin_dd: dd writes to drive 1 in the background, and some of it has arrived.
begin_dd() {
	timeout -k 10 300 dd of="$T1" bs=64k iflag=fullblock >said 2>&1 3>&- < <(
		while :; do cat $DATA; done
	) &
	writer=$!
	wait_for 60 dd_wrote $((4 << 20))
}

dd_wrote() {
	local pid

	pid=$(pgrep -x dd) && (($(sed -n 's/^wchar: //p' "/proc/$pid/io") >= $1))
}

# Every cartridge is where it was, for the robot, the mount and the disk.
nothing_lost() {
	assert_eq "$(census)" "$BEFORE" "cartridges" && assert_eq "$(mtx_picture)" "$PLACES" "places" && same_picture
}

good() { # BARCODE...
	"$VTL_BUILD/emul/tools/vtl-verify" -c "$CONF" "$@"
}

# It is not a cartridge that can be had now, and its `health' says why. REGEX of that.
assert_missing() { # BARCODE [REGEX]
	assert_match "$(cat "$MNT/cartridges/$1/health")" "^missing: .*${2:-}" "health of $1"
}

@test "umount -l with all cartridges in their slots: they are missing, move, and are back with the pool" {
	local tape

	tape=$(at slots/0001)
	in_drive 1 "$tape"
	put 1000000 10000
	all_home
	umount -l "$POOL"
	nothing_lost
	assert_missing "$tape" 'not mounted'
	# The robot can move it, and the shelf is not out of reach.
	mtx -f "$CH" transfer 1 5
	assert_at slots/0005 "$tape"
	mv "$L/slots/0005/$tape" "$MNT/vault/"
	mv "$MNT/vault/$tape" "$L/slots/0001/"
	nothing_lost
	# A drive says why it has nothing to give, whether the robot brings it or a person.
	run mv "$L/slots/0001/$tape" "$L/drives/1/"
	wait_for_match 30 "$L/drives/1/last_error" 'pool'
	run -1 timeout 60 dd if="$T1" of=/dev/null bs=64k count=1 iflag=nonblock status=none
	[ "$(at drives/1)" != "$tape" ] || mv "$L/drives/1/$tape" "$L/slots/0001/"
	nothing_lost
	# No new cartridge is made beside the pool, and none is destroyed.
	run ! mkdir "$MNT/vault/VM7101L8"
	mv "$L/slots/0001/$tape" "$MNT/vault/"
	run ! rmdir "$MNT/vault/$tape"
	mv "$MNT/vault/$tape" "$L/slots/0001/"
	assert_eq "$(ls -A "$POOL")" "" "files in the place of the pool"

	pool_back
	in_drive 1 "$tape"
	get 1000000 10000
	all_home
	nothing_lost
	good "$tape"
	dmesg_clean
}

@test "without the pool nothing starts, nothing is made or repaired away; with it all is back" {
	local tape

	tape=$(at slots/0001)
	in_drive 1 "$tape"
	put 1000000 10000
	all_home
	vtl_stop "$CONF"
	umount "$POOL"
	run ! env VTL_BUILD="$VTL_BUILD" VTL_START_LIMIT=60 timeout 120 "$VTL_REPO/scripts/vtl" start -c "$CONF" 3>&-
	assert_match "$output$(cat "${HOME_DIR%/home}"/run/*.log)" 'pool .* is not the one that is meant.*is its file system mounted'
	assert_eq "$(census)" "$BEFORE" "cartridges"
	assert_eq "$(ls -A "$POOL")" "" "files in the place of the pool"
	VTL_BUILD=$VTL_BUILD timeout 120 "$VTL_REPO/scripts/vtl" stop -c "$CONF" 3>&- || true
	pool_back
	vtl_start "$CONF"
	lib_nodes
	nothing_lost
	in_drive 1 "$tape"
	get 1000000 10000
	dmesg_clean
}

@test "umount -l under a drive that writes: it goes on with the disk it has, the others miss theirs" {
	local tape other

	tape=$(at slots/0002) other=$(at slots/0003)
	in_drive 1 "$tape"
	put 2000000 65536
	umount -l "$POOL"
	put 1000000 10000
	mt -f "$T1" rewind
	get 2000000 65536
	get 1000000 10000
	assert_missing "$other" 'not mounted'
	all_home
	nothing_lost
	# Now it misses its own as well.
	run mv "$L/slots/0002/$tape" "$L/drives/1/"
	wait_for_match 30 "$L/drives/1/last_error" 'pool'
	[ "$(at drives/1)" != "$tape" ] || mv "$L/drives/1/$tape" "$L/slots/0002/"
	pool_back
	in_drive 1 "$tape"
	get 2000000 65536
	get 1000000 10000
	all_home
	good "$tape"
	dmesg_clean
}

@test "the pool's disk fails under a drive that writes: the host is told, and what was acknowledged is there" {
	local tape

	tape=$(at slots/0004)
	in_drive 1 "$tape"
	put 3000000 65536
	begin_dd
	disk_gone
	wait "$writer" && fail "dd has noticed nothing: $(cat said)"
	writer=
	assert_match "$(cat said)" 'Input/output error'
	wait_for_match 30 "$L/drives/1/last_error" .
	# What could not be kept is told to who unloads the tape; the library goes on without the disk.
	mt -f "$T1" offline || true
	all_home
	nothing_lost
	mtx -f "$CH" transfer 4 5
	mtx -f "$CH" transfer 5 4
	run mv "$L/slots/0003/$(at slots/0003)" "$L/drives/1/"
	all_home
	nothing_lost
	# A person looks after the file system: nobody holds it.
	wait_for 30 umount "$POOL"
	disk_back
	e2fsck -p $DISK || (($? == 1))
	pool_back
	in_drive 1 "$tape"
	get 3000000 65536
	mt -f "$T1" asf 1
	put 500000 1000
	mt -f "$T1" asf 1
	get 500000 1000
	all_home
	good "$tape"
	nothing_lost
}

@test "remounted read-only under a drive that writes: the host is told; tapes are write-protected until it ends" {
	local tape

	tape=$(at slots/0001)
	in_drive 1 "$tape"
	put 1000000 10000
	begin_dd
	# What the kernel does when a file system is in trouble: it asks no writer.
	echo u >/proc/sysrq-trigger
	wait "$writer" && fail "dd has noticed nothing: $(cat said)"
	writer=
	wait_for 30 read_only
	mt -f "$T1" rewind
	get 1000000 10000
	mt -f "$T1" offline || true
	all_home
	nothing_lost
	in_drive 1 "$tape"
	get 1000000 10000
	assert_match "$(mt_bits "$T1")" WR_PROT
	run -1 dd if=$DATA of="$T1" bs=64k count=1
	assert_match "$output" 'Read-only file system|Operation not permitted|Permission denied'
	all_home
	mount -o remount,rw "$POOL"
	in_drive 1 "$tape"
	get 1000000 10000
	mt -f "$T1" asf 1
	put 500000 1000
	mt -f "$T1" rewind
	get 1000000 10000
	get 500000 1000
	all_home
	good "$tape"
	nothing_lost
}
