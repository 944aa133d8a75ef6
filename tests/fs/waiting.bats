# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Waiting has an end: a drive whose daemon has been stopped delays only who wants that drive. What is beside
# it takes milliseconds on an idle machine; the bound here only has to be well below the 10 s that
# a move waits.

load fs.bash

BOUND_MS=3000

setup()
{
	fs_config 'library lib0 { slots = 6 map = 2 fill = 3 }' && vtl_start && D=$M/lib0/drives S=$M/lib0/slots
	mv "$S/0001/E01001L8" "$D/1/"
	STOPPED=$(unit_pid lib0/drives/1)
	kill -STOP "$STOPPED"
}

teardown()
{
	kill -CONT "$STOPPED" 2>/dev/null
	fs_teardown
}

asked() { wait_for 10 grep -q "$1" "$VTL_RUN/lib0/drives/1/control/request"; }

# A move that waits for the stopped drive; its pid is $MOVER.
move_waits()
{
	mv "$1" "$2" 2>"$BATS_TEST_TMPDIR/mv.err" 3>&- 4>&- &
	MOVER=$!
	FS_BACKGROUND+=("$MOVER")
	asked eject
}

# quick COMMAND...: succeeds, soon. The slowest is kept in $WORST_MS.
WORST_MS=0
quick()
{
	local begin=${EPOCHREALTIME/[.,]/} ms

	timeout 60 "$@" >/dev/null || fail "$*" || return
	ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
	((ms <= WORST_MS)) || WORST_MS=$ms
	((ms < BOUND_MS)) || fail "$*: $ms ms"
}

alive() { kill -0 "$MOVER" 2>/dev/null; }

@test "beside a stopped drive: looking, reading, the other drive's SCSI commands" {
	local i

	move_waits "$D/1/E01001L8" "$S/0005/"
	for i in 1 2 3; do
		quick ls "$M" "$M/lib0" "$M/vault" "$S" "$S/0002" "$D/2" "$M/cartridges"
		quick stat "$S/0002/E01002L8" "$D/1/state" "$M/cartridges/E01001L8"
		quick cat "$D/1/state" "$D/2/state" "$S/0002/E01002L8/type"
		quick "$VTLCDB" -c "$VTL_CONF" lib0/drives/2 12 00 00 00 60 00
		quick "$VTLCDB" -c "$VTL_CONF" lib0 12 00 00 00 60 00
		quick "$VTL_BUILD/tests/fs/fstool" move "$VTL_HOME" lib0/slots/0002 lib0/drives/2
		quick "$VTL_BUILD/tests/fs/fstool" move "$VTL_HOME" lib0/drives/2 lib0/slots/0002
	done
	alive || fail "the move did not wait"
	echo "# beside a stopped drive the slowest took $WORST_MS ms"
}

@test "a move from a stopped drive gives up after 10 s, with words; the drive goes on later" {
	local begin=$SECONDS

	refused 'timed out' mv "$D/1/E01001L8" "$S/0005/"
	((SECONDS - begin < 40)) || fail "$((SECONDS - begin)) s"
	assert_match "$(<"$D/1/last_error")" 'does not answer'
	[[ -d $D/1/E01001L8 ]]
	kill -CONT "$STOPPED"
	mv "$D/1/E01001L8" "$S/0005/"
	[[ -d $S/0005/E01001L8 ]]
	wait_file 20 "$D/1/state" empty
}

@test "a move into a stopped drive is undone after 10 s, and the drive is right when it goes on" {
	kill -CONT "$STOPPED"
	mv "$D/1/E01001L8" "$S/0001/"
	kill -STOP "$STOPPED"
	refused 'timed out' mv "$S/0001/E01001L8" "$D/1/"
	[[ -d $S/0001/E01001L8 && ! -e $D/1/E01001L8 ]]
	kill -CONT "$STOPPED"
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/medium" ''
	wait_file 20 "$D/1/state" empty
	mv "$S/0001/E01001L8" "$D/1/"
	wait_file 20 "$D/1/state" ready
}

@test "SIGKILL and SIGTERM end a waiting mv at once, and writers of a drive's values, too" {
	local sig begin

	for sig in KILL TERM; do
		move_waits "$D/1/E01001L8" "$S/0005/"
		begin=${EPOCHREALTIME/[.,]/}
		kill -$sig "$MOVER"
		wait_for 5 process_gone "$MOVER"
		(((${EPOCHREALTIME/[.,]/} - begin) / 1000 < BOUND_MS)) || fail "SIG$sig: too late"
		[[ -d $D/1/E01001L8 ]]
		wait_for 5 test ! -e "$VTL_RUN/lib0/drives/1/control/request" # taken back
	done
	bash -c 'echo 0 >"$1"' - "$D/1/online" 3>&- 4>&- &
	MOVER=$!
	asked online
	kill -KILL "$MOVER"
	wait_for 5 process_gone "$MOVER"
}

@test "many wait for one drive, and nobody else notices" {
	local i

	for ((i = 0; i < 80; i++)); do
		bash -c 'echo 1 >"$1"' - "$D/1/online" 2>>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- &
		FS_BACKGROUND+=($!)
	done
	for i in 1 2 3; do
		quick ls "$M/lib0" "$S" "$D/2"
		quick cat "$D/2/state"
	done
}
