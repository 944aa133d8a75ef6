#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The files `events` and `events.wait`, and inotify on the mount: both tell of what people, robots and daemons do.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

# Events as they are without number and time, one per line.
told() { cut -d' ' -f3- "$M/events"; }
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
	assert_eq "$(cut -d' ' -f1 "$M/events" | tr '\n' ' ')" "1 2 3 4 5 "
	assert_match "$(sed -n 2p "$M/events")" \
		'^2 20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z created F00001L8 - vault$'
}

@test "events: an ordinary file: it has a length and an end, and every place can be read again" {
	local c=$BATS_TEST_TMPDIR/copy

	for i in 1 2 3; do
		mkdir "$M/vault/F0000${i}L8"
	done
	cat "$M/events" >"$c"
	assert_eq "$(stat -c %s "$M/events")" "$(stat -c %s "$c")"
	assert_eq "$(wc -l <"$M/events")" 4
	assert_eq "$(tail -n 2 "$M/events")" "$(tail -n 2 "$c")"
	assert_eq "$(tail -c +50 "$M/events" | head -c 30)" "$(tail -c +50 "$c" | head -c 30)"
	assert_eq "$(tac "$M/events")" "$(tac "$c")"
	assert_eq "$(grep -c created "$M/events")" 3
	cp -a "$M/events" "$BATS_TEST_TMPDIR/kept"
	cmp "$BATS_TEST_TMPDIR/kept" "$c"
	assert_eq "$(stat -c %Y "$BATS_TEST_TMPDIR/kept")" "$(stat -c %Y "$M/events")"
	# Whatever reads all that it finds comes to an end.
	(cd "$M" && timeout 20 md5sum -- * 2>/dev/null | grep -q ' events$')
	timeout 20 grep -rq F00002L8 "$M" --include=events
	timeout 20 tar -cf "$BATS_TEST_TMPDIR/tar" -C "$M" events
	assert_eq "$(tar -xOf "$BATS_TEST_TMPDIR/tar" events)" "$(<"$c")"
	refused "not permitted" bash -c 'echo x >"$1"' - "$M/events"
	refused "not permitted" truncate -s 0 "$M/events"
	refused "not permitted" rm -f "$M/events"
}

@test "events: tail -f and tail -F go on with what comes, each line once" {
	fs_background "$BATS_TEST_TMPDIR/f" tail -n 1 -f "$M/events"
	fs_background "$BATS_TEST_TMPDIR/F" tail -n 1 -s 0.1 -F "$M/events"
	wait_for 10 saw "$BATS_TEST_TMPDIR/f" "^1 .* started"
	wait_for 10 saw "$BATS_TEST_TMPDIR/F" "^1 .* started"
	for i in 1 2 3; do
		mkdir "$M/vault/F0000${i}L8"
		wait_for 10 saw "$BATS_TEST_TMPDIR/f" "^$((i + 1)) .* created F0000${i}L8"
		wait_for 10 saw "$BATS_TEST_TMPDIR/F" "^$((i + 1)) .* created F0000${i}L8"
	done
	cmp "$BATS_TEST_TMPDIR/f" "$M/events"
	cmp "$BATS_TEST_TMPDIR/F" "$M/events"
}

@test "events: a watch with inotify hears of each" {
	local out=$BATS_TEST_TMPDIR/watch

	watch "$out" events
	fstool move "$VTL_HOME" lib0/slots/0001 lib0/slots/0005
	wait_for 10 saw "$out" "/events MODIFY"
	: >"$out"
	mkdir "$M/vault/F00001L8"
	wait_for 10 saw "$out" "/events MODIFY"
}

# many N: until there are N events: a drive whose state has long words. Of two states that follow each other at
# once the first may not be seen.
many()
{
	local i=0 end word seq=0

	printf -v word '%055d' 0
	fake status "$VTL_HOME" lib0/drives/1 state s0
	while ((seq < $1)); do
		for ((end = i + 500; i < end; i++)); do echo "state $word$i"; done >&"${FAKE[1]}"
		wait_for 60 file_is "$M/lib0/drives/1/state" "$word$((i - 1))"
		wait_for 60 told_has "$word$((i - 1))"
		seq=$(tail -n 1 "$M/events") seq=${seq%% *}
	done
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0006"
}

# bats test_tags=slow
@test "events: begins anew when it is long, and who follows it misses nothing" {
	local out=$BATS_TEST_TMPDIR/watch before

	before=$(stat -c %i "$M/events")
	exec {fd}<"$M/events"
	read -r -u "$fd" first
	exec {wait}<"$M/events.wait"
	read -r -u "$wait" first
	fs_background "$BATS_TEST_TMPDIR/f" tail -n +1 -s 0.1 -f "$M/events"
	fs_background "$BATS_TEST_TMPDIR/F" tail -n +1 -s 0.1 -F "$M/events"
	wait_for 10 saw "$BATS_TEST_TMPDIR/f" "^1 "
	wait_for 10 saw "$BATS_TEST_TMPDIR/F" "^1 "
	watch "$out" .
	many 9800

	# Another file now, with the newest half of what is kept, in whole lines without a gap.
	wait_for 10 saw "$out" "/ CREATE events"
	grep -q "/ DELETE events" "$out"
	[[ $(stat -c %i "$M/events") != "$before" ]]
	(($(stat -c %s "$M/events") < 1048576 && $(wc -l <"$M/events") > 3000))
	awk 'NR > 1 && $1 != n + 1 { exit 1 } { n = $1 } END { exit n < 9800 }' "$M/events"
	# tail -f has the old one, and every line once; tail -F follows the name.
	wait_for 10 saw "$BATS_TEST_TMPDIR/f" "moved E01001L8"
	wait_for 10 saw "$BATS_TEST_TMPDIR/F" "moved E01001L8"
	awk '$1 != NR { exit 1 }' "$BATS_TEST_TMPDIR/f"
	assert_eq "$(grep '^[0-9]' "$BATS_TEST_TMPDIR/F" | sort -nu | awk '$1 != NR' | head -1)" ""
	# Who was too slow is told so, or finds a gap.
	refused "Stale file handle" cat <&"$fd"
	read -r -u "$wait" line
	((${line%% *} > 500))
	exec {fd}<&- {wait}<&-
}

@test "events.wait: blocks at the end and goes on with the next event" {
	fs_background "$BATS_TEST_TMPDIR/a" cat "$M/events.wait"
	fs_background "$BATS_TEST_TMPDIR/b" "$FSTOOL" read "$M/events.wait" poll
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
@test "events.wait: with O_NONBLOCK the end is EAGAIN, and poll says that there is nothing" {
	run "$FSTOOL" read "$M/events.wait" nonblock
	assert_match "$output" 'Resource temporarily unavailable$'
	run "$FSTOOL" read "$M/events.wait" poll
	assert_match "$output" 'nothing$'
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
