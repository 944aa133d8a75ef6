#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The file `events`, and inotify on the mount: both tell of what people, robots and daemons do.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

# Events as they are without number and time, one per line.
told() { "$FSTOOL" read "$M/events" nonblock | grep '^[0-9]' | cut -d' ' -f3-; }
told_has() { told | grep -q -- "$1"; }

# watch FILE PATH...: inotifywait on paths of the mount, ready when this returns.
watch()
{
	local out=$1

	shift
	fs_background "$out" inotifywait -m --format '%w %e %f' "${@/#/$M/}"
	wait_for 10 grep -q 'Watches established' "$out"
}

saw() { grep -q -- "$2" "$1"; }

@test "events: one line each, in order, with everything in it" {
	mkdir "$M/vault/F00001L8"
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/drives/1/"
	fstool move "$VTL_HOME" lib0/slots/0002 lib0/slots/0005
	wait_for 10 told_has "E01002L8"
	rmdir "$M/vault/F00001L8"
	assert_eq "$(told)" "started - - -
created F00001L8 - vault
moved E01001L8 lib0/slots/0001 lib0/drives/1
moved E01002L8 lib0/slots/0002 lib0/slots/0005
destroyed F00001L8 vault -"
	run -1 "$FSTOOL" read "$M/events" nonblock
	assert_eq "$(cut -d' ' -f1 <<<"$output" | tr '\n' ' ')" "1 2 3 4 5 Resource "
	assert_match "$("$FSTOOL" read "$M/events" nonblock | sed -n 2p)" \
		'^2 20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z created F00001L8 - vault$'
}

@test "events: reading blocks at the end and goes on with the next event" {
	fs_background "$BATS_TEST_TMPDIR/a" cat "$M/events"
	fs_background "$BATS_TEST_TMPDIR/b" "$FSTOOL" read "$M/events" poll
	wait_for 10 saw "$BATS_TEST_TMPDIR/a" started
	wait_for 10 saw "$BATS_TEST_TMPDIR/b" started
	for i in 1 2 3; do
		mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
		mv "$M/vault/E01001L8" "$M/lib0/slots/0001/"
		wait_for 5 saw "$BATS_TEST_TMPDIR/a" "^$((2 * i + 1)) "
		wait_for 5 saw "$BATS_TEST_TMPDIR/b" "^$((2 * i + 1)) "
	done
	# A signal ends the wait.
	kill "${FS_BACKGROUND[0]}"
	wait_for 10 process_gone "${FS_BACKGROUND[0]}"
}

# bats test_tags=slow
@test "events: with O_NONBLOCK the end is EAGAIN, and poll says that there is nothing" {
	run "$FSTOOL" read "$M/events" nonblock
	assert_match "$output" 'Resource temporarily unavailable$'
	run "$FSTOOL" read "$M/events" poll
	assert_match "$output" 'nothing$'
}

# bats test_tags=slow
@test "events: who is too slow finds a gap, and the newest 4096" {
	local i

	exec {fd}<"$M/events"
	read -r -u "$fd" first
	fake status "$VTL_HOME" lib0/drives/1 state s0
	for i in {1..4200}; do echo "state s$i"; done >&"${FAKE[1]}"
	wait_for 60 file_is "$M/lib0/drives/1/state" s4200
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0006"
	wait_for 30 told_has 'moved E01001L8'
	exec {fd}<&-
	(($("$FSTOOL" read "$M/events" nonblock | grep -c '^[0-9]') <= 4096))
}

@test "events: a drive's state is told with the cartridge that is in it" {
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/drives/1/"
	fake status "$VTL_HOME" lib0/drives/1 state loading
	wait_for 10 told_has 'state E01001L8 lib0/drives/1 loading'
	fake_say "state ready"
	wait_for 10 told_has 'state E01001L8 lib0/drives/1 ready'
	fake_end
}

@test "inotify: a move by the robot is MOVED_FROM and MOVED_TO, as a person's is" {
	local out=$BATS_TEST_TMPDIR/watch

	watch "$out" lib0/slots/0001 lib0/slots/0002 lib0/drives/1 lib0/drives/2
	fstool move "$VTL_HOME" lib0/slots/0001 lib0/drives/1
	wait_for 10 saw "$out" "lib0/slots/0001/ MOVED_FROM,ISDIR E01001L8"
	wait_for 10 saw "$out" "lib0/drives/1/ MOVED_TO,ISDIR E01001L8"
	mv "$M/lib0/slots/0002/E01002L8" "$M/lib0/drives/2/"
	wait_for 10 saw "$out" "lib0/drives/2/ MOVED_TO,ISDIR E01002L8"
	fstool move "$VTL_HOME" lib0/drives/1 lib0/slots/0001
	wait_for 10 saw "$out" "lib0/slots/0001/ MOVED_TO,ISDIR E01001L8"
	# Each once: nothing is replayed that people saw already.
	assert_eq "$(grep -c 'MOVED_TO,ISDIR E01002L8' "$out")" 1
	assert_eq "$(grep -c 'MOVED_TO,ISDIR E01001L8' "$out")" 2
	assert_file "$M/lib0/slots/0001/E01001L8/barcode" E01001L8
}

@test "inotify: a watch on the cartridge itself goes with it" {
	local out=$BATS_TEST_TMPDIR/watch

	watch "$out" lib0/slots/0001/E01001L8
	fstool move "$VTL_HOME" lib0/slots/0001 lib0/drives/1
	wait_for 10 saw "$out" MOVE_SELF
	fstool move "$VTL_HOME" lib0/drives/1 lib0/slots/0006
	wait_for 10 [ "$(grep -c MOVE_SELF "$out")" -ge 1 ]
	(cd "$M/lib0/slots/0006/E01001L8" && assert_file ./location lib0/slots/0006)
}

@test "inotify: cartridges that others make are CREATE" {
	local out=$BATS_TEST_TMPDIR/watch

	watch "$out" vault lib0/slots/0006
	fstool create "$VTL_HOME" F00001L8
	wait_for 10 saw "$out" "vault/ CREATE,ISDIR F00001L8"
	fstool create "$VTL_HOME" F00002L8 lib0/slots/0006
	wait_for 10 saw "$out" "lib0/slots/0006/ CREATE,ISDIR F00002L8"
	rmdir "$M/vault/F00001L8"
	wait_for 10 saw "$out" "vault/ DELETE,ISDIR F00001L8"
}

@test "inotify: a value that a daemon changes is MODIFY" {
	local out=$BATS_TEST_TMPDIR/watch

	fake status "$VTL_HOME" lib0/drives/1 state empty tapealert 0000000000000000
	watch "$out" lib0/drives/1/state lib0/drives/1/tapealert
	fake_say "state ready"
	wait_for 10 saw "$out" "drives/1/state MODIFY"
	fake_say "tapealert 2000000000000000"
	wait_for 10 saw "$out" "drives/1/tapealert MODIFY"
	assert_file "$M/lib0/drives/1/tapealert" 3
	fake_end
}

@test "inotify: the helper that replays may die, the next one goes on" {
	local out=$BATS_TEST_TMPDIR/watch

	watch "$out" lib0/slots/0001 lib0/slots/0004
	pkill -KILL -P "$FS_PID"
	fstool move "$VTL_HOME" lib0/slots/0001 lib0/slots/0004
	wait_for 10 told_has "moved E01001L8"
	fstool move "$VTL_HOME" lib0/slots/0004 lib0/slots/0001
	wait_for 10 saw "$out" "lib0/slots/0001/ MOVED_TO,ISDIR E01001L8"
	assert_file "$M/lib0/slots/0001/E01001L8/location" lib0/slots/0001
}
