#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# mv is a move of the robot; every refusal has its errno and its words.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

m() { timeout 60 mv "$M/$1" "$M/$2"; }
at() { assert_eq "$(places "$1")" "$2" "place of $1"; }

@test "move: slot, drive, map, vault and back, one place each time" {
	m lib0/slots/0003/E01003L8 lib0/drives/1/
	at E01003L8 lib0/drives/1/E01003L8
	assert_eq "$(ls "$M/lib0/slots/0003")" ""
	m lib0/drives/1/E01003L8 lib0/slots/0005
	at E01003L8 lib0/slots/0005/E01003L8
	m lib0/slots/0005/E01003L8 vault
	at E01003L8 vault/E01003L8
	m vault/E01003L8 lib0/drives/2/E01003L8
	at E01003L8 lib0/drives/2/E01003L8
	assert_file "$M/lib0/drives/2/E01003L8/barcode" E01003L8
}

@test "move: a full element never takes a second cartridge: EBUSY, with words" {
	refused "resource busy" mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0002/"
	at E01001L8 lib0/slots/0001/E01001L8
	at E01002L8 lib0/slots/0002/E01002L8
	assert_match "$(<"$M/lib0/last_error")" "E01001L8 .*E01002L8"
	m lib0/slots/0001/E01001L8 lib0/drives/1/
	refused "resource busy" mv "$M/lib0/slots/0002/E01002L8" "$M/lib0/drives/1/"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "E01001L8"
	assert_match "$(<"$M/last_error")" "E01001L8"
	assert_eq "$(<"$M/lib0/drives/2/last_error")" ""
}

@test "move: onto another cartridge, a new name, nothing, attributes, other directories" {
	cd "$M"
	refused "not permitted" mv -T lib0/slots/0001/E01001L8 lib0/slots/0005/OTHERL8
	refused "not permitted" mv -T lib0/slots/0001/E01001L8 lib0/slots/0002/E01002L8
	refused "not permitted" mv lib0/slots/0001/E01001L8 lib0/slots/0002/E01002L8
	refused "No such file" mv lib0/slots/0004/E01001L8 lib0/slots/0005
	refused "not permitted" mv lib0/slots/0001/E01001L8 lib0/
	refused "not permitted" mv lib0/slots/0001/E01001L8 cartridges/E01001L8x
	refused "not permitted" mv lib0/slots/0001/E01001L8/type lib0/slots/0005/
	refused "not permitted" mv lib0/drives/1/state lib0/drives/2/statex
	refused "not permitted" mv lib0/slots/0001 lib0/slots/0009
	refused "not permitted" mv lib0 lib9
	refused "No such device or address" mv lib0/slots/0001/E01001L8 lib0/slots/0099/
	at E01001L8 lib0/slots/0001/E01001L8
}

@test "move: never EXDEV, so nothing is ever copied" {
	refused "" mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0002/"
	[[ -d $M/lib0/slots/0001/E01001L8 ]]
	# Out of the mount is another file system: mv copies, and must not be able to remove.
	refused "not permitted" mv "$M/lib0/slots/0001/E01001L8" "$BATS_TEST_TMPDIR/"
	at E01001L8 lib0/slots/0001/E01001L8
	[[ -d $VTL_HOME/pool/E01001L8 ]]
}

@test "move: RENAME_EXCHANGE exchanges" {
	exch() { (cd "$M" && "$FSTOOL" exchange "$VTL_HOME" "$1" "$2"); }
	m lib0/slots/0003/E01003L8 lib0/drives/1/
	exch lib0/slots/0001/E01001L8 lib0/drives/1/E01003L8
	at E01001L8 lib0/drives/1/E01001L8
	at E01003L8 lib0/slots/0001/E01003L8
	# The kernel had swapped the names' cartridges; what is seen is what is.
	assert_eq "$(ls "$M/lib0/slots/0001")" E01003L8
	assert_file "$M/lib0/slots/0001/E01003L8/barcode" E01003L8
	assert_file "$M/lib0/drives/1/E01001L8/barcode" E01001L8
	refused "No such file" stat "$M/lib0/slots/0001/E01001L8"
	run exch lib0/slots/0001/E01003L8 lib0/drives/1/state
	[[ $status != 0 ]]
	at E01003L8 lib0/slots/0001/E01003L8
}

@test "move: a drive that lives is asked, and what it refuses is refused" {
	fake status "$VTL_HOME" lib0/drives/1 state empty medium ""
	m lib0/slots/0001/E01001L8 lib0/drives/1/
	assert_file "$VTL_RUN/lib0/drives/1/status/medium" E01001L8
	m lib0/drives/1/E01001L8 lib0/slots/0001/
	at E01001L8 lib0/slots/0001/E01001L8
	assert_file "$M/lib0/drives/1/state" empty
	fake_end
}

@test "move: looking goes on while a drive takes its time to unload" {
	local i pid

	# A drive that lives and answers nothing: a stopped one.
	fake status "$VTL_HOME" lib0/drives/1 state empty medium ""
	m lib0/slots/0001/E01001L8 lib0/drives/1/
	pid=$(pgrep -P "$FAKE_PID" fstool || echo "$FAKE_PID")
	kill -STOP "$pid"
	fs_background "$BATS_TEST_TMPDIR/mv" mv "$M/lib0/drives/1/E01001L8" "$M/lib0/slots/0001/"
	wait_for 10 test -s "$VTL_RUN/lib0/drives/1/control/request"
	for i in lib0/drives/1/state lib0/slots/0002 lib0/slots/0002/E01002L8/type vault \
		cartridges/E01001L8; do
		timeout 5 stat "$M/$i"
	done
	timeout 5 ls -lR "$M/lib0/slots/0002" "$M/lib0/map" "$M/vault"
	assert_file "$M/lib0/slots/0002/E01002L8/health" ok
	kill -CONT "$pid"
	wait_for 20 test -e "$M/lib0/slots/0001/E01001L8"
	fake_end
}

# bats test_tags=slow
@test "move: moves by the mount and by the robot at once leave one place each" {
	local i pids=()

	for i in 1 2; do
		( for n in {1..40}; do
			mv "$M/lib0/slots/000$i/E0100${i}L8" "$M/lib0/drives/$i/" &&
				mv "$M/lib0/drives/$i/E0100${i}L8" "$M/lib0/slots/000$i/" || exit 1
		done ) 3>&- & pids+=($!)
	done
	( for n in {1..40}; do
		fstool move "$VTL_HOME" lib0/slots/0003 lib0/slots/0004 &&
			fstool move "$VTL_HOME" lib0/slots/0004 lib0/slots/0003 || exit 1
	done ) 3>&- & pids+=($!)
	FS_BACKGROUND+=("${pids[@]}")
	for i in {1..40}; do
		ls "$M"/lib0/slots/*/ "$M"/lib0/drives/* >/dev/null
		cat "$M/cartridges/E01003L8/barcode" >/dev/null || true
	done
	for i in "${pids[@]}"; do wait "$i"; done
	FS_BACKGROUND=()
	for i in 1 2 3; do
		at "E0100${i}L8" "lib0/slots/000$i/E0100${i}L8"
		assert_file "$M/lib0/slots/000$i/E0100${i}L8/location" "lib0/slots/000$i"
	done
}
