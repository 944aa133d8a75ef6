#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Power cuts under a real file system: a run of the cartridge store on ext4 and on xfs is recorded by
# dm-log-writes, which knows what had reached the disk at every flush and FUA write. At such places
# the power is cut: what is on the disk then is mounted, the file system recovers, and the cartridge
# has to be as it was after the last step that it had acknowledged, or after one that was under way.
#
# VTL_POWERCUT (8) is how many of these places are looked at on each file system, evenly spread, or
# "all", which takes a quarter of an hour; VTL_POWERCUT_STEPS (90) and VTL_POWERCUT_SEED (7) make another
# run:
#
#   tests/vm/suite -k 6.1 -t 3600 --test-timeout 1700 -e VTL_POWERCUT=all tests/vm/powercut.bats

load lib/guest.bash

FAULT=$VTL_BUILD/tests/fault

setup_file() {
	modprobe -a dm-log-writes dm-snapshot loop
	export CUTS=${VTL_POWERCUT:-8} STEPS=${VTL_POWERCUT_STEPS:-90} SEED=${VTL_POWERCUT_SEED:-7}
	export BATS_TEST_TIMEOUT=1500
	[ "$CUTS" != all ] || BATS_TEST_TIMEOUT=20000
}

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	mkdir mnt
	touch loops
}

teardown() {
	local loop

	dump_on_failure
	mountpoint -q mnt && umount -l mnt
	dm_remove cut
	dm_remove run
	while read -r loop; do
		losetup -d "$loop"
	done <loops
	rm -f ./*.img
}

dm_create() { # NAME TABLE
	dmsetup create --noudevsync "$1" --table "$2" && wait_for 30 test -b "/dev/mapper/$1"
}

dm_remove() { # NAME
	[ ! -e "/sys/block/$(dm_node "$1")" ] || dmsetup remove --noudevsync --retry "$1"
}

dm_node() { # NAME: dm-0; something that is no node without it
	dmsetup info --noheadings -c -o blkdevname "$1" 2>/dev/null || echo none
}

# disk FILE MIB: a disk in memory; LOOP is its node.
disk() {
	truncate -s "$2M" "$1"
	LOOP=$(losetup -f --show "$1") && echo "$LOOP" >>loops
}

# record_run MIB MKFS-COMMAND...: the run, on the disk data.img with that file system, into log.img.
record_run() {
	local mib=$1 data

	shift
	disk data.img "$mib"
	data=$LOOP
	disk log.img 2000
	LOG=$LOOP
	"$@" "$data"
	cp --sparse=always data.img replay.img
	dm_create run "0 $((mib * 2048)) log-writes $data $LOG"
	mount -t "$FS" /dev/mapper/run mnt
	"$FAULT/powercut" record mnt run "$SEED" "$STEPS"
	umount mnt
	dm_remove run
	disk replay.img "$mib"
	REPLAY=$LOOP
	disk cow.img 256
	COW=$LOOP
}

# look FROM TO: what would be there if the power had gone now, looked at in a snapshot.
look() {
	local said

	dd if=/dev/zero of="$COW" bs=64k count=1 conv=notrunc status=none
	dm_create cut "0 $(blockdev --getsz "$REPLAY") snapshot $REPLAY $COW N 8"
	mount -t "$FS" -o "$MOUNT" /dev/mapper/cut mnt ||
		fail "cut $CUT: the file system does not come back" || return
	said=$("$FAULT/powercut" check mnt "$SEED" "$1" "$2") ||
		fail "cut $CUT of $TOTAL (acknowledged $1, next $2): $said" || return
	umount mnt
	dm_remove cut
}

power_cuts() {
	local place step=1 looked=0 rc=0

	TOTAL=$("$FAULT/replay" -c "$LOG")
	[ "$TOTAL" -gt 20 ] || fail "only $TOTAL flushes were recorded"
	[ "$CUTS" = all ] || step=$(((TOTAL + CUTS - 1) / CUTS))
	# The file system's own beginning is short: the first look is at the first cut.
	CUT=1
	place=$("$FAULT/replay" "$LOG" "$REPLAY" state 1)
	while :; do
		# shellcheck disable=SC2086
		look $place || return
		looked=$((looked + 1))
		place=$("$FAULT/replay" "$LOG" "$REPLAY" state $step) || rc=$?
		CUT=$((CUT + step))
		[ $rc = 0 ] || break
	done
	[ $rc = 3 ] || fail "replay: status $rc"
	echo "# $FS: $STEPS steps, $TOTAL flushes, the power cut at $looked of them, nothing lost" >&3
	dmesg_clean
}

@test "ext4: the power is cut at the flushes of a recorded run" {
	FS=ext4 MOUNT=defaults
	record_run 96 mkfs.ext4 -q -F
	power_cuts
}

@test "xfs: the power is cut at the flushes of a recorded run" {
	FS=xfs MOUNT=nouuid
	record_run 400 mkfs.xfs -q -f
	power_cuts
}
