#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The mount beside real daemons on the socket port: what SCSI does is seen here, what is done here
# is seen by SCSI, and nothing has to be started again for it.

load fs.bash

setup()
{
	[[ -x $VTLTAPE && -x $VTLLIBRARY && -x $VTLCDB ]] || skip "the daemons are not built"
	vtl_config 'library lib0 { slots = 6 map = 2 fill = 3 fill_media = "L8" }'
	M=$VTL_MNT
	vtl_start
	FIRST=$(in_element lib0/slots/0001)
}
teardown() { fs_teardown; }

told_has() { "$FSTOOL" read "$M/events" nonblock | grep -q -- "$1"; }

# put VALUE FILE
put() { printf '%s\n' "$1" >"$M/$2"; }

@test "daemons: identity and state are the daemons' own" {
	assert_file "$M/lib0/vendor" STK
	assert_file "$M/lib0/product" L700
	assert_file "$M/lib0/drives/1/vendor" IBM
	assert_file "$M/lib0/drives/1/product" ULT3580-TD8
	assert_file "$M/lib0/drives/1/state" empty
	assert_file "$M/lib0/drives/1/online" 1
	[[ $(<"$M/lib0/drives/1/serial") && $(<"$M/lib0/drives/1/revision") ]]
	[[ $(<"$M/lib0/state") != down ]]
}

@test "daemons: MOVE MEDIUM is seen in the mount and by who watches it" {
	fs_background "$BATS_TEST_TMPDIR/w" inotifywait -m --format '%w %e %f' \
		"$M/lib0/slots/0001" "$M/lib0/drives/1"
	wait_for 10 grep -q 'Watches established' "$BATS_TEST_TMPDIR/w"
	settle lib0
	move slot 1 drive 1
	assert_good
	[[ -d $M/lib0/drives/1/$FIRST && ! -e $M/lib0/slots/0001/$FIRST ]]
	wait_for 10 grep -q "slots/0001/ MOVED_FROM,ISDIR $FIRST" "$BATS_TEST_TMPDIR/w"
	wait_for 10 grep -q "drives/1/ MOVED_TO,ISDIR $FIRST" "$BATS_TEST_TMPDIR/w"
	wait_for 10 told_has "moved $FIRST lib0/slots/0001 lib0/drives/1"
	wait_for 10 told_has "state $FIRST lib0/drives/1 ready"
	assert_file "$M/lib0/drives/1/loaded" 1
}

@test "daemons: mv into a drive is a new medium for SCSI, at once" {
	settle lib0/drives/1
	cdb_sense 2/3a/00 lib0/drives/1 00 00 00 00 00 00
	mv "$M/lib0/slots/0001/$FIRST" "$M/lib0/drives/1/"
	cdb_sense 6/28/00 lib0/drives/1 00 00 00 00 00 00
	cdb_good lib0/drives/1 00 00 00 00 00 00
	mv "$M/lib0/drives/1/$FIRST" "$M/lib0/slots/0001/"
	cdb_sense 2/3a/00 lib0/drives/1 00 00 00 00 00 00
}

@test "daemons: what a host writes is read in the mount while the drive has the tape" {
	local i

	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	mv "$M/lib0/slots/0001/$FIRST" "$M/lib0/drives/1/"
	settle lib0/drives/1
	for i in 0 1 2; do
		tail -c +$((i * 100000 + 1)) "$BATS_TEST_TMPDIR/data" | head -c 100000 \
			>"$BATS_TEST_TMPDIR/block"
		cdb_good -o "$BATS_TEST_TMPDIR/block" lib0/drives/1 0a 00 01 86 a0 00
	done
	cdb_good lib0/drives/1 10 00 00 00 01 00
	cmp "$M/lib0/drives/1/$FIRST/files/0/0" "$BATS_TEST_TMPDIR/data"
	cmp "$M/cartridges/$FIRST/records/0/2" "$BATS_TEST_TMPDIR/block"
	[[ -e $M/cartridges/$FIRST/records/0/3.filemark ]]
	refused "resource busy" bash -c 'echo 1 >"$1"' - "$M/cartridges/$FIRST/write_protect"
	wait_for 10 grep -q 'block=4' "$M/lib0/drives/1/position"
}

@test "daemons: PREVENT MEDIUM REMOVAL holds against mv: EBUSY with words" {
	mv "$M/lib0/slots/0001/$FIRST" "$M/lib0/drives/1/"
	settle lib0/drives/1
	cdb_good lib0/drives/1 1e 00 00 00 01 00
	wait_file 10 "$M/lib0/drives/1/prevent" 1
	refused "resource busy" mv "$M/lib0/drives/1/$FIRST" "$M/lib0/slots/0001/"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "prevent"
	cdb_good lib0/drives/1 1e 00 00 00 00 00
	mv "$M/lib0/drives/1/$FIRST" "$M/lib0/slots/0001/"
}

@test "daemons: tapealert, online, compression and loaded are asked of the drive" {
	put "3 20" lib0/drives/1/tapealert
	assert_file "$M/lib0/drives/1/tapealert" "3 20"
	put 0 lib0/drives/1/tapealert
	assert_file "$M/lib0/drives/1/tapealert" 0
	put "zlib 5" lib0/drives/1/compression
	assert_file "$M/lib0/drives/1/compression" "zlib 5"
	refused "Invalid argument" bash -c 'echo pkzip >"$1"' - "$M/lib0/drives/1/compression"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "pkzip"
	put 0 lib0/drives/1/online
	assert_file "$M/lib0/drives/1/state" offline
	put 1 lib0/drives/1/online
	mv "$M/lib0/slots/0001/$FIRST" "$M/lib0/drives/1/"
	put 0 lib0/drives/1/loaded
	assert_file "$M/lib0/drives/1/loaded" 0
	[[ -d $M/lib0/drives/1/$FIRST ]]
	put 1 lib0/drives/1/loaded
	assert_file "$M/lib0/drives/1/loaded" 1
}

@test "daemons: the door" {
	assert_file "$M/lib0/map/door" closed
	put open lib0/map/door
	assert_file "$M/lib0/map/door" open
	settle lib0
	move slot 1 map 1
	[[ $CDB_STATUS == 02 ]]
	mv "$M/lib0/slots/0002/$(in_element lib0/slots/0002)" "$M/vault/"
	put closed lib0/map/door
	assert_file "$M/lib0/map/door" closed
}

# bats test_tags=slow
@test "daemons: mtx-like and mv traffic at once: one place each, and both agree" {
	local n pids=()

	# What a person does is a UNIT ATTENTION for the host, which tries again.
	robot() {
		local i

		for i in {1..20}; do
			move "$@" && [[ $CDB_SENSE == 6/* ]] || break
		done
		assert_good
	}
	settle lib0
	element_address() { # asked once: MODE SENSE gets unit attentions too
		local -A first=([slot]=1000 [drive]=500)
		local n=$((first[$1] + $2 - 1))

		printf '%02x %02x\n' $((n >> 8)) $((n & 255))
	}
	( for n in {1..20}; do
		robot slot 1 drive 1 && robot drive 1 slot 1 || exit 1
	done ) 3>&- >/dev/null & pids+=($!)
	( b=$(in_element lib0/slots/0002)
	for n in {1..20}; do
		mv "$M/lib0/slots/0002/$b" "$M/lib0/drives/2/" &&
			mv "$M/lib0/drives/2/$b" "$M/lib0/slots/0002/" || exit 1
	done ) 3>&- & pids+=($!)
	FS_BACKGROUND+=("${pids[@]}")
	for n in "${pids[@]}"; do wait "$n"; done
	FS_BACKGROUND=()
	assert_eq "$(places "$FIRST")" "lib0/slots/0001/$FIRST"
	assert_eq "$(ls "$M/lib0/slots/0001")" "$FIRST"
}
