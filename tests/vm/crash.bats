#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# kill -9 of each daemon in the middle of its work. Nobody hangs, the nodes stay, and after a restart
# everything is where it was: the data up to the last filemark, and each cartridge in one place.

load lib/guest.bash
load lib/library.bash

setup_file() {
	lib_up || return
	export TAPE
	TAPE=$(at slots/0001)
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	# After a failed test the next one still finds all daemons.
	restart
	all_home
}

teardown() {
	dump_on_failure
	touch "$BATS_TEST_TMPDIR/stop"
}

restart() {
	vtl_start "$CONF"
}

# dd_begin: dd writes to drive 1 in the background, and some of it has arrived. Its words go to ./said,
# its status to ./status.
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
	local nodes pid

	nodes=$(node_numbers)
	in_drive 1 "$TAPE"
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
	assert_at drives/1 "$TAPE"
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
		in_drive 1 "$TAPE"
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

@test "a program that tries again goes on with the same node, and how long it waits" {
	local nodes killed started gone back

	nodes=$(node_numbers)
	in_drive 1 "$TAPE"
	marked_tape "$T1" 1 2
	killed=${EPOCHREALTIME/./}
	kill_hard "$(drive_pid 1)"
	(
		until mt -f "$T1" rewind 2>/dev/null; do
			[ ! -e stop ] || exit
			sleep 0.1
		done
		echo "${EPOCHREALTIME/./}" >back
	) 3>&- &
	started=${EPOCHREALTIME/./}
	restart
	wait_for 120 test -s back
	back=$(<back)
	assert_eq "$(node_numbers)" "$nodes" "nodes after the restart"
	assert_next "$T1" f0b0
	assert_next "$T1" f0b1
	gone=$(((back - killed) / 1000))
	echo "# re-attached: $gone ms without service, $(((back - started) / 1000)) ms of them vtl start's" >&3
	dmesg_clean
}

@test "a drive whose daemon is dead: status and INQUIRY answer, and the cartridge can be taken out" {
	local slot

	in_drive 1 "$TAPE"
	kill_hard "$(drive_pid 1)"
	timeout 60 sg_inq "$G1"
	run timeout 60 mt -f "$T1" status
	((status != 124)) || fail "mt status hangs"
	assert_eq "$(cat "$L/drives/1/state")" down "state"
	slot=$(free_slot)
	mv "$L/drives/1/$TAPE" "$L/$slot/"
	restart
	assert_at "$slot" "$TAPE"
	assert_match "$(mt -f "$T1" status)" DR_OPEN
	in_drive 1 "$TAPE"
	dmesg_clean
}

# at_slot BARCODE: the number of the slot that has it; slot 5 is empty when that is another one.
at_slot() {
	local path

	path=$(readlink -f "$MNT/cartridges/$1")
	path=${path%/*}
	path=${path##*/}
	if [ "$path" = 0005 ]; then
		mv "$L/slots/0005/$1" "$L/slots/0006/" || return
		path=0006
	fi
	echo $((10#$path))
}

# kill_restart COMMAND: kills the process that COMMAND names, and starts it again; counts in ./kills.
kill_restart() {
	local pid

	pid=$("$1") && kill -KILL "$pid" && wait_for 60 gone "$pid"
	vtl_start "$CONF" >>restarts 2>&1 || echo "restart failed" >>restart-failed
	echo . >>kills
}

# a_thousand COMMAND MOVE: MOVE FROM TO moves the test's cartridge from slot to slot, a thousand times, while
# every now and then the process that COMMAND names is killed. Then nothing is lost or doubled.
a_thousand() {
	local from to=5 moved=0 failed=0 next=75 killer='' all n kills

	n=$(rounds 1000)
	kills=$(((n - 75 + 149) / 150))
	from=$(at_slot "$TAPE") || return
	all=$(census)
	while ((moved < n)); do
		if ((moved >= next)); then
			[ -z "$killer" ] || wait "$killer" || return
			kill_restart "$1" 3>&- &
			killer=$!
			((next += 150))
		fi
		if "$2" "$from" "$to" >>moves 2>&1; then
			((moved += 1, failed = 0)) || true
		elif [ $? = 124 ]; then
			fail "a move hangs after $moved" || return
		else
			((++failed < 600)) || fail "no move any more after $moved: $(tail -n 5 moves)" || return
			sleep 0.1
		fi
		# It may have moved although nobody could say so any more.
		if [ -L "$HOME_DIR/state/lib0/slots/000$to/$TAPE" ]; then
			((from ^= to, to ^= from, from ^= to))
		fi
	done
	wait "$killer" || return
	[ ! -e restart-failed ] || fail "a restart failed: $(tail -n 20 restarts)" || return
	assert_eq "$(wc -l <kills)" $kills "kills" && assert_eq "$(census)" "$all" "cartridges" &&
		each_in_one_place && same_picture
}

by_mtx() {
	timeout 120 mtx -f "$CH" transfer "$1" "$2"
}

by_mv() {
	timeout 120 mv "$L/slots/000$1/$TAPE" "$L/slots/000$2/"
}

@test "kill -9 of vtllibrary during a thousand mtx moves: each cartridge stays in one place" {
	a_thousand robot_pid by_mtx
	dmesg_clean
}

@test "kill -9 of vtlfs during a thousand mv: each cartridge stays in one place" {
	a_thousand vtlfs_pid by_mv
	dmesg_clean
}

@test "kill -9 of everything, and all is back with one command" {
	local before

	in_drive 1 "$TAPE"
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
