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

told_has() { grep -q -- "$1" "$M/events"; }

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
	assert_match "$(<"$M/lib0/drives/1/last_error")" "a drive has $FIRST loaded"
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

# A library with an LTO-7 drive, and LTO-7 type M and LTO-7 cartridges in slots 4 and 5.
seventh()
{
	vtl_stop
	vtl_config 'library lib0 { slots = 6 map = 2 fill = 1 fill_media = "L7"
		drive 1 { personality = "IBM ULT3580-TD7" } }'
	vtl_start
	mkdir "$M/vault/F00001M8" "$M/vault/F00002L7"
	mv "$M/vault/F00001M8" "$M/lib0/slots/0004/"
	mv "$M/vault/F00002L7" "$M/lib0/slots/0005/"
}

@test "daemons: a cartridge that the drive refuses goes back; mv, events and last_error say why" {
	seventh
	refused "not permitted" mv "$M/lib0/slots/0004/F00001M8" "$M/lib0/drives/1/"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "F00001M8.*this drive does not take LTO-7"
	assert_match "$(<"$M/last_error")" "F00001M8.*this drive does not take LTO-7"
	assert_eq "$(places F00001M8)" lib0/slots/0004/F00001M8
	assert_file "$M/lib0/drives/1/state" empty
	wait_for 10 told_has "lib0/drives/1 incompatible"
	# The same drive takes another.
	mv "$M/lib0/slots/0005/F00002L7" "$M/lib0/drives/1/"
	assert_file "$M/lib0/drives/1/state" ready
	assert_file "$M/lib0/drives/1/last_error" ""
	mv "$M/lib0/drives/1/F00002L7" "$M/lib0/slots/0005/"

	printf garbage >"$VTL_HOME/pool/F00002L7/manifest"
	refused "Input/output" mv "$M/lib0/slots/0005/F00002L7" "$M/lib0/drives/1/"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "F00002L7.*files are damaged"
	assert_eq "$(places F00002L7)" lib0/slots/0005/F00002L7
}

@test "daemons: a robot leaves what the drive refuses in it, and state says why" {
	seventh
	settle lib0
	settle lib0/drives/1
	move slot 4 drive 1
	assert_good
	cdb_sense 2/30/00 lib0/drives/1 00 00 00 00 00 00
	assert_file "$M/lib0/drives/1/state" incompatible
	assert_file "$M/lib0/drives/1/loaded" 0
	assert_match "$(<"$M/lib0/drives/1/last_error")" "F00001M8: this drive does not take LTO-7"
	wait_for 10 told_has "state F00001M8 lib0/drives/1 incompatible"
	refused "not permitted" bash -c 'echo 1 >"$1"' - "$M/lib0/drives/1/loaded"
	mv "$M/lib0/drives/1/F00001M8" "$M/lib0/slots/0004/"
	assert_file "$M/lib0/drives/1/state" empty
	settle lib0
	move slot 5 drive 1
	assert_good
	printf garbage >"$VTL_HOME/pool/F00002L7/manifest"
	kill_unit KILL lib0/drives/1
	vtl_start -n lib0/drives/1
	assert_file "$M/lib0/drives/1/state" damaged
}

# The cartridge goes in and out of a drive, is unloaded and loaded there, until there is a file `end`.
load_and_unload()
{
	local loads=0 d=$M/lib0/drives/1

	while [[ ! -e $BATS_TEST_TMPDIR/end ]]; do
		mv "$M/lib0/slots/0001/$FIRST" "$d/" || return 1
		[[ $(<"$d/state") == ready ]] || return 2
		echo 0 >"$d/loaded" || return 3
		echo 1 >"$d/loaded" || return 4
		[[ $(<"$d/state") == ready ]] || return 5
		mv "$d/$FIRST" "$M/lib0/slots/0001/" || return 6
		echo $((loads += 2)) >"$BATS_TEST_TMPDIR/loads"
	done
}

# beside N: writes N values to an attribute beside that. Every load works; a value that was taken is there, and one
# that was not has been refused with words.
beside()
{
	local m=$M/cartridges/$FIRST/mam/0803_user_medium_text_label i fd value='' taken=0

	load_and_unload 3>&- 2>"$BATS_TEST_TMPDIR/mover" & FS_BACKGROUND+=($!)
	# Opened once: the way to it changes all the time.
	exec {fd}<>"$m"
	for ((i = 1; i <= $1; i++)); do
		if { echo "value $i" >&"$fd"; } 2>>"$BATS_TEST_TMPDIR/said"; then
			value="value $i" taken=$((taken + 1))
		fi
		assert_eq "$(<"/proc/self/fd/$fd")" "$value" || return
	done
	exec {fd}>&-
	touch "$BATS_TEST_TMPDIR/end"
	wait "${FS_BACKGROUND[0]}" || fail "step $? of the mover: $(<"$BATS_TEST_TMPDIR/mover")" || return
	FS_BACKGROUND=()
	((taken > 0)) || fail "none of $1 was taken" || return
	assert_eq "$(grep -cv 'resource busy' "$BATS_TEST_TMPDIR/said")" 0 "other errors" || return
	assert_file "$M/cartridges/$FIRST/load_count" "$(<"$BATS_TEST_TMPDIR/loads")" || return
	assert_file "$m" "$value" || return
	echo "# $taken of $1 values taken beside $(<"$BATS_TEST_TMPDIR/loads") loads" >&3
}

@test "daemons: attributes written beside loads: nothing is lost, no load fails" {
	beside 100
}

# bats test_tags=slow
@test "daemons: attributes written 1,000 times beside loads" {
	beside 1000
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
