#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kill -9 of each daemon in the middle of its work. Nobody hangs, the nodes stay, and after a restart
# everything is where it was: the data up to the last filemark, and each cartridge in one place.

load lib/guest.bash
load lib/library.bash

setup_file() {
	lib_up
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
}

teardown() {
	dump_on_failure
	touch "$BATS_TEST_TMPDIR/stop"
}

# As setup_file left it: after a failed test the next one still finds the daemons.
restart() {
	vtl_start "$CONF"
}

# dd_running FILE...: dd writes to drive 1 in the background, $dd_pid; its words go to ./said, its
# status to ./status.
dd_begin() {
	rm -f said status
	(
		rc=0
		timeout -k 10 300 dd if=/dev/zero of="$T1" bs=64k >said 2>&1 3>&- || rc=$?
		echo $rc >status
	) 3>&- &
	wait_for 60 dd_wrote $((8 << 20))
}

# dd_wrote BYTES: so much has gone into the drive already.
dd_wrote() {
	local pid

	pid=$(pgrep -x dd) && (($(sed -n 's/^wchar: //p' "/proc/$pid/io") >= $1))
}

node_numbers() {
	stat -c '%n %t:%T' "$T1" "$R1" "$G1" "$CH" "$CHANGER"
}

@test "kill -9 of vtltape during dd: dd fails at once, the same node works again, the data is there" {
	local tape nodes pid

	tape=$(at slots/0001)
	nodes=$(node_numbers)
	in_drive 1 "$tape"
	head -c 5000000 $DATA | dd of="$T1" bs=100000 iflag=fullblock status=none
	head -c 3000000 $DATA | dd of="$T1" bs=4k iflag=fullblock status=none
	dd_begin
	pid=$(drive_pid 1)
	kill_hard "$pid"
	# Only timeout's own limit would make it 124 or 137.
	wait_for 120 test -s status
	assert_eq "$(cat status)" 1 "status of dd"
	assert_match "$(cat said)" 'Input/output error|No such device|Device or resource busy'
	not pgrep -x dd
	dmesg_clean

	restart
	assert_eq "$(node_numbers)" "$nodes" "nodes after the restart"
	assert_eq "$(nst_by_serial $SERIAL_1)" "$T1"
	assert_at drives/1 "$tape"
	mt -f "$T1" rewind
	dd if="$T1" bs=100000 of=out status=none
	cmp -n 5000000 out $DATA
	assert_eq "$(stat -c %s out)" 5000000
	dd if="$T1" bs=4k of=out status=none
	cmp -n 3000000 out $DATA
	assert_eq "$(stat -c %s out)" 3000000
	# Behind them whole blocks of what was being written, and then the end.
	run dd if="$T1" bs=64k of=out
	assert_match "$output" '[0-9]+\+0 records in'
	cmp -n "$(stat -c %s out)" out /dev/zero
	# And it goes on.
	mt -f "$T1" asf 2
	marked_tape "$T1" 1 2
	mt -f "$T1" asf 2
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "kill -9 of vtltape between commands: the next ones wait for the next daemon or fail, none hangs" {
	local i

	for i in 1 2 3; do
		in_drive 1 "$(at slots/0001)$(at drives/1)"
		marked_tape "$T1" 1 2
		kill_hard "$(drive_pid 1)"
		# No daemon: an answer in any case, once the module has given up waiting.
		timeout 60 sg_turs "$G1" || assert_eq "$(($? == 124))" 0 "timed out"
		restart
		timeout 60 mt -f "$T1" rewind
		assert_next "$T1" f0b0
		assert_next "$T1" f0b1
		mt -f "$T1" rewind
	done
	all_home
	dmesg_clean
}

@test "a drive whose daemon is dead: status and INQUIRY answer, and the cartridge can be taken out" {
	local tape

	tape=$(at slots/0001)
	in_drive 1 "$tape"
	kill_hard "$(drive_pid 1)"
	timeout 60 sg_inq "$G1"
	run timeout 60 mt -f "$T1" status
	((status != 124)) || fail "mt status hangs"
	assert_eq "$(cat "$L/drives/1/state")" down "state"
	mv "$L/drives/1/$tape" "$L/slots/0001/"
	restart
	assert_at slots/0001 "$tape"
	assert_match "$(mt -f "$T1" status)" DR_OPEN
	in_drive 1 "$tape"
	all_home
	dmesg_clean
}

# killer COMMAND...: kills what COMMAND finds and starts it again, until ./stop is there; counts in
# ./kills.
killer() {
	local kills=0 pid

	while [ ! -e stop ]; do
		sleep 2
		pid=$("$@") || continue
		kill -KILL "$pid" && wait_for 30 gone "$pid"
		if ! vtl_start "$CONF" >>restarts 2>&1; then
			echo "restart failed" >>restart-failed
		fi
		echo $((++kills)) >kills
	done
}

@test "kill -9 of vtllibrary during 1000 mtx moves: each cartridge stays in one place" {
	local i from=1 to=6 moved=0 all killer

	all_home
	all=$(census)
	rm -f stop kills restart-failed
	killer robot_pid 3>&- &
	killer=$!
	from=1
	to=5
	for ((i = 0; i < 1000; i++)); do
		if timeout 120 mtx -f "$CH" transfer $from $to >>mtx.log 2>&1; then
			moved=$((moved + 1))
		elif [ $? = 124 ]; then
			fail "mtx hangs in round $i"
		fi
		# It may have moved although nobody could say so any more.
		if [ -L "$HOME_DIR/state/lib0/slots/000$to/"* ]; then
			((from ^= to, to ^= from, from ^= to))
		fi
	done
	touch stop
	wait $killer
	[ ! -e restart-failed ] || fail "a restart failed: $(tail -n 20 restarts)"
	(($(cat kills) >= 3)) || fail "only $(cat kills) kills"
	((moved > 500)) || fail "only $moved moves: $(tail -n 5 mtx.log)"
	assert_eq "$(census)" "$all" "cartridges"
	each_in_one_place
	same_picture
	dmesg_clean
}

@test "kill -9 of vtlfs during 1000 mv: each cartridge stays in one place" {
	local i tape moved=0 all killer

	all_home
	all=$(census)
	tape=$(at slots/0002)
	rm -f stop kills restart-failed
	killer vtlfs_pid 3>&- &
	killer=$!
	for ((i = 0; i < 1000; i++)); do
		if timeout 120 mv "$L"/slots/000[256]/"$tape" "$L/slots/000$((5 + i % 2))/" \
			>>mv.log 2>&1; then
			moved=$((moved + 1))
		elif [ $? = 124 ]; then
			fail "mv hangs in round $i"
		fi
	done
	touch stop
	wait $killer
	[ ! -e restart-failed ] || fail "a restart failed: $(tail -n 20 restarts)"
	(($(cat kills) >= 3)) || fail "only $(cat kills) kills"
	((moved > 300)) || fail "only $moved moves: $(tail -n 5 mv.log)"
	wait_for 60 test -d "$L"
	assert_eq "$(census)" "$all" "cartridges"
	each_in_one_place
	same_picture
	dmesg_clean
}

@test "kill -9 of everything, and all is back with one command" {
	local before

	all_home
	in_drive 1 "$(at slots/0002)$(at slots/0005)"
	before=$(census)
	pkill -KILL -x 'vtl[tlf].*'
	wait_for_gone 30 pgrep -x 'vtl[tlf].*'
	restart
	lib_nodes
	assert_eq "$(census)" "$before"
	same_picture
	mt -f "$T1" rewind
	all_home
	dmesg_clean
}
