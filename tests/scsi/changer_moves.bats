# SPDX-License-Identifier: GPL-2.0-only
# MOVE and EXCHANGE MEDIUM over a port: the rules of mv, told in sense; nothing lost by kill -9.

load ../lib/vtl.bash

TUR='00 00 00 00 00 00'

setup()
{
	vtl_config 'library lib0 { slots = 6 map = 2 fill = 3 }' && vtl_start -n && settle lib0 &&
		settle lib0/drives/1 && settle lib0/drives/2
}
teardown() { vtl_teardown; }

# exchange KIND N KIND N KIND N
exchange()
{
	local a b c

	a=$(element_address "$1" "$2") && b=$(element_address "$3" "$4") &&
		c=$(element_address "$5" "$6") || return
	# shellcheck disable=SC2086
	cdb lib0 a6 00 00 00 $a $b $c 00 00
}

# Each cartridge lies in exactly one element.
each_in_one_place()
{
	local n c

	for c in "$@"; do
		n=$(find "$VTL_HOME/state" -mindepth 2 -name "$c" -type l \
			-not -path '*/.where/*' | wc -l)
		assert_eq "$n" 1 "places of $c" || return
	done
}

@test "what cannot be moved is refused with the reason, and stays where it is" {
	move slot 4 drive 1
	assert_sense 5/3b/0e
	move slot 1 slot 2
	assert_sense 5/3b/0d
	cdb_sense 5/21/01 lib0 a5 00 00 00 03 e8 7f ff 00 00 00 00
	cdb_sense 5/21/01 lib0 a5 00 00 00 7f ff 01 f4 00 00 00 00
	cdb_sense 5/21/01 lib0 a5 00 03 e8 03 e8 01 f4 00 00 00 00
	cdb_sense 5/24/00 lib0 a5 00 00 00 03 e8 01 f4 00 00 01 00
	assert_eq "$(in_element lib0/slots/0001)" E01001L8
	assert_match "$(<"$VTL_RUN/lib0/status/last_error")" \
		'^20[0-9T:.-]{21}Z lib0/slots/0002 is full: E01002L8 is in it$'
	# The next move that works ends it.
	move slot 1 slot 4
	assert_good
	assert_file "$VTL_RUN/lib0/status/last_error" ''
}

@test "a drive that is off line is not served, and is again when it is on line" {
	local dir=$VTL_RUN/lib0/drives/2

	echo '77 online 0' >"$dir/control/.r" && mv "$dir/control/.r" "$dir/control/request"
	wait_file 20 "$dir/status/online" 0
	move slot 1 drive 2
	assert_sense 2/04/12
	assert_eq "$(in_element lib0/slots/0001)" E01001L8
	echo '78 online 1' >"$dir/control/.r" && mv "$dir/control/.r" "$dir/control/request"
	wait_file 20 "$dir/status/online" 1
	move slot 1 drive 2
	assert_good
}

@test "EXCHANGE: two drives swap by way of the picker, and a third place takes what was there" {
	move slot 1 drive 1 && assert_good
	move slot 2 drive 2 && assert_good
	settle lib0/drives/1
	settle lib0/drives/2
	exchange drive 1 drive 2 drive 1
	assert_good
	assert_eq "$(in_element lib0/drives/1) $(in_element lib0/drives/2)" 'E01002L8 E01001L8'
	assert_eq "$(in_element lib0/pickers/1)" ''
	cdb_sense 6/28/00 lib0/drives/1 $TUR
	cdb_good lib0/drives/1 $TUR
	cdb_sense 6/28/00 lib0/drives/2 $TUR
	exchange slot 3 drive 1 slot 2
	assert_good
	assert_eq "$(in_element lib0/drives/1) $(in_element lib0/slots/0002)" 'E01003L8 E01002L8'
	# all or nothing: the drive that is to give up its cartridge may not
	settle lib0/drives/2
	cdb_good lib0/drives/2 1e 00 00 00 01 00
	exchange slot 2 drive 2 slot 2
	assert_sense 5/53/02
	assert_eq "$(in_element lib0/drives/2) $(in_element lib0/slots/0002)" 'E01001L8 E01002L8'
}

@test "the import/export door: open it is out of the robot's reach, locked it does not open" {
	cdb_good lib0 1b 00 00 0a 00 00
	wait_file 20 "$VTL_RUN/lib0/status/door/1" open
	move slot 1 map 1
	assert_sense 2/3a/02
	move slot 1 map 2
	assert_good
	cdb_good lib0 1b 00 00 0a 01 00
	wait_file 20 "$VTL_RUN/lib0/status/door/1" closed
	move map 2 map 1
	assert_good
	cdb_good lib0 1e 00 00 00 01 00
	cdb_sense 5/53/02 lib0 1b 00 00 0a 00 00
	assert_file "$VTL_RUN/lib0/status/door/1" closed
	assert_file "$VTL_RUN/lib0/status/prevent" 1
}

@test "kill -9 of the changer among moves: each cartridge in one place, the doors as they were" {
	local i pid

	cdb_good lib0 1b 00 00 0b 00 00
	for i in 1 2 3; do
		# from slot 1 to slot 5 and back, for ever
		(
			while cdb lib0 a5 00 00 00 03 e8 03 ec 00 00 00 00 &&
				cdb lib0 a5 00 00 00 03 ec 03 e8 00 00 00 00; do :; done
		) >/dev/null 2>&1 &
		pid=$!
		wait_for 20 test -L "$VTL_HOME/state/lib0/slots/0005/E01001L8"
		kill_unit KILL lib0
		wait "$pid" || true
		each_in_one_place E01001L8 E01002L8 E01003L8
		vtl_start -n lib0
		settle lib0
		assert_file "$VTL_RUN/lib0/status/door/2" open
	done
}
