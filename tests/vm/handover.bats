#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# A cartridge is put into the drive and the drive is used in the next moment, a hundred times: by
# mv on the mount and by mtx. There is nothing to wait for.

load lib/guest.bash
load lib/library.bash

setup_file() {
	lib_up || return
	mkdir "$BATS_FILE_TMPDIR/dir"
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	cd "$BATS_FILE_TMPDIR/dir"
}

teardown() { dump_on_failure; }

ROUNDS=$(rounds 100)

@test "mv into the drive, then tar at once, a hundred times" {
	local i tape

	tape=$(at slots/0001)
	for ((i = 0; i < ROUNDS; i++)); do
		echo "by mv, round $i" >file
		mv "$L/slots/0001/$tape" "$L/drives/1/"
		tar -cf "$T1" file || fail "round $i: tar does not write"
		mt -f "$T1" rewind
		assert_eq "$(tar -xOf "$T1")" "by mv, round $i"
		mv "$L/drives/1/$tape" "$L/slots/0001/"
	done
	same_picture
	dmesg_clean
}

@test "mtx load, then tar at once, a hundred times" {
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		echo "by mtx, round $i" >file
		mtx -f "$CH" load 1 0 >/dev/null
		tar -cf "$R1" file || fail "round $i: tar does not write"
		assert_eq "$(tar -xOf "$R1")" "by mtx, round $i"
		mtx -f "$CH" unload 1 0 >/dev/null
	done
	same_picture
	dmesg_clean
}

@test "two cartridges in turn: the drive never shows the one before" {
	local i a b

	a=$(at slots/0001)
	b=$(at slots/0002)
	for tape in 1 2; do
		echo "cartridge $tape" >file
		mtx -f "$CH" load $tape 0
		tar -cf "$R1" file
		mtx -f "$CH" unload $tape 0
	done
	for ((i = 0; i < ROUNDS / 5; i++)); do
		mv "$L/slots/0001/$a" "$L/drives/1/"
		assert_eq "$(tar -xOf "$R1")" "cartridge 1"
		mtx -f "$CH" unload 1 0 >/dev/null
		mtx -f "$CH" load 2 0 >/dev/null
		assert_eq "$(tar -xOf "$R1")" "cartridge 2"
		mv "$L/drives/1/$b" "$L/slots/0002/"
	done
	same_picture
	dmesg_clean
}
