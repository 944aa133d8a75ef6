# SPDX-License-Identifier: GPL-2.0-only
# The daemons and the tree: requests through control files, cartridges that come and go.

load ../lib/vtl.bash

TUR='00 00 00 00 00 00'

setup()
{
	vtl_config && vtl_start -n && settle lib0 && settle lib0/drives/1
}
teardown() { vtl_teardown; }

# ask UNIT WORDS...: a request by hand, as ctl.h says; sets $errno and $words of the answer.
ask()
{
	local dir=$VTL_RUN/$1 id=$((RANDOM * 32768 + RANDOM + 1))

	shift
	echo "$id $*" >"$dir/control/.request.$id"
	mv "$dir/control/.request.$id" "$dir/control/request"
	wait_for 20 grep -q "^$id " "$dir/status/answer" || return
	read -r _ errno words <"$dir/status/answer"
}

status_of() { cat "$VTL_RUN/$1/status/$2"; }

# Writes two blocks and a filemark.
write_something()
{
	cdb_good -x '48 65 6c 6c 6f 20' lib0/drives/1 0a 00 00 00 06 00 &&
		cdb_good -x '77 6f 72 6c 64' lib0/drives/1 0a 00 00 00 05 00 &&
		cdb_good lib0/drives/1 10 00 00 00 01 00
}

load_first()
{
	move slot 1 drive 1 && assert_good && settle lib0/drives/1 && assert_good
}

@test "MOVE MEDIUM into a drive: the next command is told of a new medium, never of none" {
	local i

	for i in 1 2 3; do
		move slot 1 drive 1
		assert_good
		cdb_sense 6/28/00 lib0/drives/1 $TUR
		cdb_good lib0/drives/1 $TUR
		assert_eq "$(status_of lib0/drives/1 medium)" E01001L8
		move drive 1 slot 1
		assert_good
		cdb_sense 2/3a/00 lib0/drives/1 $TUR
		assert_eq "$(status_of lib0/drives/1 medium)" ''
	done
}

@test "a cartridge that is loaded moves out with everything that was written" {
	load_first
	write_something
	move drive 1 slot 5
	assert_good
	assert_eq "$(in_element lib0/slots/0005)" E01001L8
	move slot 5 drive 2
	assert_good
	settle lib0/drives/2
	cdb_good -r "$VTL_DIR/block" lib0/drives/2 08 02 00 01 00 00
	assert_eq "$(cat "$VTL_DIR/block")" 'Hello '
}

@test "a prevented removal refuses the move, and the drive goes on" {
	load_first
	write_something
	cdb_good lib0/drives/1 1e 00 00 00 01 00
	move drive 1 slot 1
	assert_sense 5/53/02
	assert_eq "$(in_element lib0/drives/1)" E01001L8
	cdb_good lib0/drives/1 01 00 00 00 00 00
	cdb_good lib0/drives/1 1e 00 00 00 00 00
	move drive 1 slot 1
	assert_good
}

@test "a cartridge that lies in the drive at start is loaded" {
	load_first
	write_something
	kill_unit KILL lib0/drives/1
	vtl_start -n lib0/drives/1
	cdb_sense 6/29/00 lib0/drives/1 $TUR
	cdb_good lib0/drives/1 $TUR
	cdb_good -r "$VTL_DIR/block" lib0/drives/1 08 02 00 01 00 00
	assert_eq "$(cat "$VTL_DIR/block")" 'Hello '
}

@test "a cartridge that was taken out while nobody looked is gone" {
	load_first
	kill_unit KILL lib0/drives/1
	move drive 1 slot 1
	assert_good
	vtl_start -n lib0/drives/1
	settle lib0/drives/1
	cdb_sense 2/3a/00 lib0/drives/1 $TUR
	assert_eq "$(status_of lib0/drives/1 medium)" ''
}

@test "a stopped drive has put what was in its buffer on the tape" {
	load_first
	cdb_good -x 'aa bb cc' lib0/drives/1 0a 00 00 00 03 00 # no filemark: it is in the buffer
	vtl_stop lib0/drives/1
	vtl_start -n lib0/drives/1
	settle lib0/drives/1
	cdb_good lib0/drives/1 08 02 00 01 00 00
	assert_eq "$CDB_DATA" aabbcc
}

@test "a cartridge torn out by hand is noticed, and one put in by hand" {
	load_first
	# Not the way of tree_move(): nobody asks the drive.
	mv "$VTL_HOME/state/lib0/drives/1/E01001L8" "$VTL_HOME/state/lib0/slots/0001/"
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/medium" ''
	settle lib0/drives/1
	cdb_sense 2/3a/00 lib0/drives/1 $TUR
	mv "$VTL_HOME/state/lib0/slots/0002/E01002L8" "$VTL_HOME/state/lib0/drives/1/"
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/medium" E01002L8
	settle lib0/drives/1
	assert_good
}

@test "what a person moves is told to initiators: slots 28/00, import/export 28/01" {
	local fstool=$VTL_BUILD/tests/fs/fstool

	"$fstool" move "$VTL_HOME" lib0/slots/0001 lib0/slots/0005
	wait_for 20 ua_is lib0 6/28/00
	"$fstool" move "$VTL_HOME" lib0/slots/0005 lib0/map/1
	wait_for 20 ua_is lib0 6/28/01
}

watches_of()
{
	cat /proc/"$1"/fdinfo/* 2>/dev/null | grep -c '^inotify wd:'
}

@test "a library of 10,000 slots needs no more inotify watches than one of 500" {
	local few many

	vtl_stop
	vtl_config 'library lib0 { slots = 500 map = 2 fill = 1 }'
	vtl_start -n lib0
	few=$(watches_of "$(unit_pid lib0)")
	vtl_stop
	vtl_config 'library lib0 { slots = 10000 map = 2 fill = 1 }'
	vtl_start -n lib0
	many=$(watches_of "$(unit_pid lib0)")
	echo "# vtllibrary: $few watches for 500 slots, $many for 10,000"
	((few > 0 && few <= 16)) || fail "$few watches"
	assert_eq "$many" "$few" "watches for 10,000 slots"
}

ua_is() { cdb "$1" $TUR && [ "$CDB_SENSE" = "$2" ]; }

@test "the changer's own moves raise no attention for who asked" {
	local i

	for i in 1 2 3; do
		move slot 1 slot 4
		assert_good
		move slot 4 slot 1
		assert_good
		ask lib0 look # all that has happened is seen
		assert_eq "$errno" 0
		cdb_good lib0 $TUR
	done
}

@test "requests: look, eject, load, unload" {
	load_first
	ask lib0/drives/1 look
	assert_eq "$errno" 0
	ask lib0/drives/1 unload
	assert_eq "$errno" 0
	cdb lib0/drives/1 $TUR
	assert_match "$CDB_SENSE" '^2/'
	assert_eq "$(<"$VTL_RUN/lib0/drives/1/status/state")" unloaded
	ask lib0/drives/1 look # does not load what somebody unloaded
	cdb lib0/drives/1 $TUR
	assert_match "$CDB_SENSE" '^2/'
	ask lib0/drives/1 load
	assert_eq "$errno" 0
	settle lib0/drives/1
	assert_good
	# A mover that dies between asking and moving leaves a cartridge that can be loaded again.
	ask lib0/drives/1 eject
	assert_eq "$errno" 0
	ask lib0/drives/1 look
	settle lib0/drives/1
	assert_good
	ask lib0/drives/2 load
	assert_match "$errno" '^[1-9]'
	ask lib0/drives/2 eject # nothing is in the way
	assert_eq "$errno" 0
}

@test "requests: what makes no sense is answered with an error and words" {
	ask lib0/drives/1 dance
	assert_match "$errno $words" '^[1-9][0-9]* .+'
	ask lib0 dance
	assert_match "$errno $words" '^[1-9][0-9]* .+'
	ask lib0/drives/1 tapealert zzz
	assert_match "$errno" '^[1-9]'
	ask lib0/drives/1 online maybe
	assert_match "$errno" '^[1-9]'
	# longer than a request may be
	printf '7 look %0400d\n' 0 >"$VTL_RUN/lib0/drives/1/control/request"
	wait_for 20 grep -q '^0 [1-9]' "$VTL_RUN/lib0/drives/1/status/answer"
	ask lib0/drives/1 look
	assert_eq "$errno" 0
	cdb lib0/drives/1 12 00 00 00 60 00
	assert_good
}

@test "requests: tapealert is set, published, and seen by SCSI" {
	ask lib0/drives/1 tapealert 8000000000000000
	assert_eq "$errno" 0
	assert_match "$(status_of lib0/drives/1 tapealert)" '8000000000000000|1'
	cdb_good lib0/drives/1 4d 00 6e 00 00 00 00 02 00 00
	assert_match "${CDB_DATA:8}" '^0001..0101' "flag 1 of log page 2E"
}

@test "requests: off line and on line" {
	load_first
	ask lib0/drives/1 online 0
	assert_eq "$errno" 0
	settle lib0/drives/1
	assert_match "$CDB_SENSE" '^2/'
	ask lib0/drives/1 online 1
	assert_eq "$errno" 0
	settle lib0/drives/1
	assert_good
}

@test "garbage in control files hurts nobody" {
	local f=$VTL_RUN/lib0/drives/1/control/request pid

	pid=$(unit_pid lib0/drives/1)
	head -c 70000 /dev/urandom >"$f"
	printf '\n\n\n' >"$f"
	printf '99999999999999999999999999 look\n' >"$f"
	rm "$f"
	mkdir "$f"
	rmdir "$f"
	ask lib0/drives/1 look
	assert_eq "$errno" 0
	assert_eq "$(unit_pid lib0/drives/1)" "$pid"
}
