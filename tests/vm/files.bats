#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What is written through /dev/nst0 is seen in the mount while the drive has it loaded, and what robot
# and drive do raises events there.

load lib/guest.bash
load lib/library.bash

setup_file() {
	local tape

	lib_up && tape=$(at slots/0001) && in_drive 1 "$tape"
	export TAPE=$tape DIR=$L/drives/1/$tape
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	[ -z "$DIR" ] || mt -f "$T1" rewind
}

teardown() {
	dump_on_failure
	if [ -n "${watcher:-}" ]; then
		kill "$watcher" || true
	fi
}

@test "files/0/0 is what was written, while the drive has it loaded" {
	head -c 5000000 $DATA | dd of="$T1" bs=65536 iflag=fullblock status=none
	cmp -n 5000000 "$DIR/files/0/0" $DATA
	assert_eq "$(stat -c %s "$DIR/files/0/0")" 5000000 "size of the file"
	cat "$DIR/files/0/0" | cmp -n 5000000 - $DATA
	# The drive's position has not moved.
	assert_pos "$T1" 1 0
	assert_eq "$(ls "$DIR/files/0")" 0 "files"
	dmesg_clean
}

@test "a file that grows on the tape grows in the mount; overwritten, it changes" {
	local i

	for i in 1 2 3; do
		head -c $((i * 100000)) $DATA | dd of="$T1" bs=1000 iflag=fullblock status=none
		cmp -n $((i * 100000)) "$DIR/files/0/$((i - 1))" $DATA
	done
	assert_eq "$(ls "$DIR/files/0" | tr '\n' ' ')" "0 1 2 "
	mt -f "$T1" asf 1
	tail -c 5000 $DATA | dd of="$T1" bs=5000 iflag=fullblock status=none
	tail -c 5000 $DATA | cmp - "$DIR/files/0/1"
	assert_eq "$(ls "$DIR/files/0" | tr '\n' ' ')" "0 1 "
	cmp -n 100000 "$DIR/files/0/0" $DATA
	dmesg_clean
}

@test "tar lists and extracts from the file in the mount" {
	mkdir src
	cp -r "$VTL_REPO/emul/util" src/
	tar -b 128 -cf "$T1" src
	run -0 tar -tf "$DIR/files/0/0"
	assert_match "$output" 'src/util/be.h'
	mkdir back
	tar -xf "$DIR/files/0/0" -C back
	diff -r src back/src
	tar -df "$DIR/files/0/0"
	dmesg_clean
}

@test "records/ shows each block and each filemark" {
	marked_tape "$T1" 2 3
	assert_eq "$(ls "$DIR/records/0" | wc -l)" 8 "records: $(ls "$DIR/records/0")"
	read -r name <"$(ls -d "$DIR"/records/0/*4*)"
	assert_eq "$name" f1b0 "block 4"
	dmesg_clean
}

@test "facts of a cartridge: type, capacity, used, density" {
	assert_eq "$(cat "$DIR/type")" LTO-8
	(($(cat "$DIR/capacity") > 10000000000000)) || fail "capacity: $(cat "$DIR/capacity")"
	mt -f "$T1" compression 0
	head -c 1000000 $DATA | dd of="$T1" bs=10000 iflag=fullblock status=none
	(($(cat "$DIR/used") >= 1000000)) || fail "used: $(cat "$DIR/used")"
	(($(cat "$DIR/used") < 1100000)) || fail "used: $(cat "$DIR/used")"
	mt -f "$T1" compression 1
	dmesg_clean
}

@test "mam/: the bar code, the load count, and an attribute written by the host" {
	local load

	ls "$DIR/mam" >list
	assert_match "$(cat list)" '0806_barcode'
	assert_match "$(cat "$DIR/mam/0806_barcode")" "^$TAPE *$"
	load=$(cat "$DIR"/mam/0003_*)
	mt -f "$T1" offline
	mt -f "$T1" load
	assert_eq "$(cat "$DIR"/mam/0003_*)" $((load + 1)) "load count"
	# READ ATTRIBUTE over SCSI sees what the mount wrote.
	run -0 sg_read_attr --filter=0x400 "$G1"
	dmesg_clean
}

@test "tapealert: set in the mount, seen by LOG SENSE; cleared by being read, seen in the mount" {
	assert_eq "$(cat "$L/drives/1/tapealert")" 0
	echo "3 20" >"$L/drives/1/tapealert"
	assert_eq "$(cat "$L/drives/1/tapealert")" "3 20"
	run -0 sg_logs -p 0x2e "$G1"
	assert_match "$output" 'Hard error: 1'
	assert_match "$output" 'Cleaning required: 1'
	assert_eq "$(cat "$L/drives/1/tapealert")" 0 "after it was read"
	run -0 sg_logs -p 0x2e "$G1"
	assert_match "$output" 'Hard error: 0'
	run ! bash -c "echo 65 >'$L/drives/1/tapealert'"
	assert_match "$output" 'Invalid argument'
	dmesg_clean
}

@test "position, state and prevent of a drive follow what mt does" {
	marked_tape "$T1" 2 3
	# What changes with each command is published a few times in a second.
	wait_for_match 30 "$L/drives/1/position" 'block=8 file=2'
	assert_eq "$(cat "$L/drives/1/state")" ready
	mt -f "$T1" lock
	assert_eq "$(cat "$L/drives/1/prevent")" 1
	mt -f "$T1" unlock
	assert_eq "$(cat "$L/drives/1/prevent")" 0
	mt -f "$T1" offline
	wait_for_value 30 "$L/drives/1/state" unloaded
	mt -f "$T1" load
	wait_for_value 30 "$L/drives/1/state" ready
	dmesg_clean
}

@test "identity files name the units as Linux does" {
	assert_match "$(cat "$L/vendor")" STK
	assert_match "$(cat "$L/product")" L700
	assert_eq "$(cat "$L/serial")" $SERIAL_L
	assert_eq "$(cat "$L/drives/1/serial")" $SERIAL_1
	assert_match " $(cat "$L/drives/1/device") " " $T1 "
	assert_match " $(cat "$L/device") " " $CH "
	dmesg_clean
}

# inotify_begin DIRECTORY...: what happens there goes to ./seen.
inotify_begin() {
	inotifywait -m -e create -e delete -e move -e moved_to -e moved_from --format '%w%f %e' "$@" \
		>seen 2>ready 3>&- &
	watcher=$!
	wait_for 30 grep -q 'Watches established' ready
}

@test "inotify on the mount sees what mtx moves, and what mv moves" {
	local other

	other=$(at slots/0002)
	inotify_begin "$L/slots/0002" "$L/slots/0006" "$L/drives/2"
	mtx -f "$CH" load 2 1
	wait_for 30 grep -q "drives/2/$other" seen
	wait_for 30 grep -q "slots/0002/$other" seen
	mtx -f "$CH" unload 6 1
	wait_for 30 grep -q "slots/0006/$other" seen
	: >seen
	mv "$L/slots/0006/$other" "$L/slots/0002/"
	wait_for 30 grep -q "slots/0002/$other" seen
	wait_for 30 grep -q "slots/0006/$other" seen
	dmesg_clean
}

@test "events has a line for each move, by mtx as by mv" {
	local other

	other=$(at slots/0003)
	timeout 170 cat "$MNT/events" >events 3>&- &
	watcher=$!
	mtx -f "$CH" transfer 3 6
	wait_for 30 grep -q "moved $other lib0/slots/0003 lib0/slots/0006" events
	mv "$L/slots/0006/$other" "$L/slots/0003/"
	wait_for 30 grep -q "moved $other lib0/slots/0006 lib0/slots/0003" events
	mt -f "$T1" offline
	wait_for 30 grep -q 'state.* lib0/drives/1 unloaded' events
	mt -f "$T1" load
	dmesg_clean
}

@test "a cartridge's files are there in its slot, too, and nothing is written behind them" {
	head -c 200000 $DATA | dd of="$T1" bs=20000 iflag=fullblock status=none
	all_home
	cmp -n 200000 "$MNT/cartridges/$TAPE/files/0/0" $DATA
	assert_eq "$(stat -L -c %s "$MNT/cartridges/$TAPE/files/0/0")" 200000
	in_drive 1 "$TAPE"
	dd if="$T1" bs=20000 of=out status=none
	cmp -n 200000 out $DATA
	dmesg_clean
}
