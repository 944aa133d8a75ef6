#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# vtlfs may be killed and started at any moment; and it ends when it is told to.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

mounts() { grep -c " $M " /proc/self/mountinfo || true; }

@test "crash: killed and started again: one mount, everything there" {
	mkdir "$M/vault/F00001L8"
	for i in 1 2 3; do
		fs_kill KILL
		fs_start
		assert_eq "$(mounts)" 1
		run -0 ls "$M/cartridges"
		assert_eq "${lines[*]}" "E01001L8 E01002L8 E01003L8 F00001L8"
	done
}

@test "crash: a reader of events and a waiting mv end when it is killed" {
	fs_background "$BATS_TEST_TMPDIR/a" cat "$M/events"
	wait_for 10 grep -q started "$BATS_TEST_TMPDIR/a"
	fs_kill KILL
	wait_for 10 process_gone "${FS_BACKGROUND[0]}"
	refused "not connected" stat "$M/lib0/slots/0001/E01001L8"
}

# bats test_tags=slow
@test "crash: kill -9 at any moment of 300 moves by mv and robot: every cartridge in one place" {
	local i n pids=()

	for i in 1 2; do
		( for n in {1..75}; do
			mv "$M/lib0/slots/000$i/E0100${i}L8" "$M/lib0/slots/000$((i + 3))/" || true
			mv "$M/lib0/slots/000$((i + 3))/E0100${i}L8" "$M/lib0/slots/000$i/" || true
			sleep 0.01
		done ) 3>&- 2>/dev/null & pids+=($!)
	done
	( for n in {1..50}; do
		"$FSTOOL" move "$VTL_HOME" lib0/slots/0003 vault || true
		"$FSTOOL" move "$VTL_HOME" vault lib0/slots/0003 E01003L8 || true
	done ) 3>&- >/dev/null & pids+=($!)
	FS_BACKGROUND=("${pids[@]}")
	for n in {1..12}; do
		sleep 0.0$((RANDOM % 10))
		fs_kill KILL
		fs_start
	done
	for i in "${pids[@]}"; do wait "$i"; done
	FS_BACKGROUND=()
	assert_eq "$(mounts)" 1
	for i in 1 2 3; do
		assert_eq "$(places "E0100${i}L8" | wc -l)" 1
		assert_file "$M/cartridges/E0100${i}L8/barcode" "E0100${i}L8"
		assert_eq "$(cd "$M" && find lib0 vault -name "E0100${i}L8" | wc -l)" 1
	done
}

@test "crash: a cartridge whose making was cut between pool and vault is in the vault" {
	fs_kill KILL
	cp -a "$VTL_HOME/pool/E01003L8" "$BATS_TEST_TMPDIR/save"
	fstool create "$VTL_HOME" F00001L8
	rm "$VTL_HOME/state/vault/F00001L8" "$VTL_HOME/state/.where/F00001L8"
	fs_start
	assert_eq "$(ls "$M/vault")" F00001L8
	refused "File exists" mkdir "$M/vault/F00001L8"
}

@test "crash: SIGTERM unmounts, also while somebody is in the mount" {
	local pid

	fs_background "$BATS_TEST_TMPDIR/a" bash -c 'cd "$1" && exec sleep 60' - "$M/lib0/slots"
	fs_background "$BATS_TEST_TMPDIR/b" cat "$M/events"
	wait_for 10 grep -q started "$BATS_TEST_TMPDIR/b"
	fs_kill TERM
	assert_eq "$(mounts)" 0
	wait_for 10 process_gone "${FS_BACKGROUND[1]}"
	fs_start
	assert_eq "$(ls "$M/cartridges" | wc -l)" 3
}

@test "crash: umount ends it" {
	umount "$M"
	wait_for 20 process_gone "$FS_PID"
	assert_eq "$(mounts)" 0
}

# bats test_tags=slow
@test "start: a second one is refused, and a mount point in use" {
	run timeout 30 "$VTLFS" -c "$VTL_CONF" "$BATS_TEST_TMPDIR/other"
	[[ $status == 1 ]]
	assert_match "$output" "another vtlfs serves"
	assert_file "$M/lib0/slots/0001/E01001L8/health" ok
}

@test "start: bad options and configurations are refused with words" {
	fs_kill TERM
	run -2 timeout 30 "$VTLFS" --nonsense
	run -2 timeout 30 "$VTLFS" a b
	run -2 timeout 30 "$VTLFS" -o mode=999
	run -2 timeout 30 "$VTLFS" -o gid=no-such-group
	run -1 timeout 30 "$VTLFS" -c /nonexistent
	run -1 timeout 30 "$VTLFS" -c "$VTL_CONF" -o no_such_option
	assert_eq "$(mounts)" 0
	run -0 timeout 30 "$VTLFS" --help
	assert_match "$output" "^Usage: vtlfs"
	run -0 timeout 30 "$VTLFS" --version
	assert_match "$output" "^vtlfs [0-9]"
}

@test "start: --help and the manual page know the same options" {
	local o man=$VTL_REPO/vtlfs/vtlfs.8

	for o in $("$VTLFS" --help | grep -o -- '--[a-z]*' | sort -u); do
		grep -q -- "${o//-/\\\\-}" "$man" || fail "$o is not in $man"
	done
}

@test "start: tells systemd when the mount is there" {
	fs_kill TERM
	# The name of a socket is at most 107 bytes long.
	local sock=/tmp/vtl-notify-$BASHPID-$RANDOM

	fs_background "$BATS_TEST_TMPDIR/said" "$FSTOOL" notify "$sock"
	wait_for 10 test -S "$sock"
	NOTIFY_SOCKET=$sock fs_start
	assert_eq "$(mounts)" 1
	wait_for 10 grep -q READY=1 "$BATS_TEST_TMPDIR/said"
	fs_kill TERM
	wait_for 10 grep -q STOPPING=1 "$BATS_TEST_TMPDIR/said"
	rm -f "$sock"
}

@test "crash: SIGTERM ends it while a mv waits for a drive that does not answer" {
	local pid

	fake status "$VTL_HOME" lib0/drives/1 state empty medium ""
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/drives/1/"
	pid=$(pgrep -P "$FAKE_PID" fstool || echo "$FAKE_PID")
	kill -STOP "$pid"
	fs_background "$BATS_TEST_TMPDIR/mv" mv "$M/lib0/drives/1/E01001L8" "$M/lib0/slots/0001/"
	wait_for 10 test -s "$VTL_RUN/lib0/drives/1/control/request"
	fs_kill TERM
	assert_eq "$(mounts)" 0
	wait_for 10 process_gone "${FS_BACKGROUND[1]}"
	kill -CONT "$pid"
	fake_end
	assert_eq "$(places E01001L8 | wc -l)" 1
	fs_start
	assert_file "$M/cartridges/E01001L8/barcode" E01001L8
}

@test "start: a read-only pool is an archive to look at: EROFS" {
	fs_kill TERM
	mount --bind "$VTL_HOME" "$VTL_HOME"
	mount -o remount,ro,bind "$VTL_HOME"
	fs_start_ro() { timeout 60 "$VTLFS" -c "$VTL_CONF" </dev/null 3>&- 4>&-; }
	fs_start_ro
	assert_file "$M/lib0/slots/0001/E01001L8/type" LTO-8
	refused "Read-only" mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
	refused "Read-only" mkdir "$M/vault/F00001L8"
	umount "$M"
	umount -l "$VTL_HOME"
}
