# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Helpers for the files that test the module alone, with vtl-echo as its daemon and vtl-sg as initiator.

# The unit's directory in sysfs.
U=/sys/class/vtl/vtl0:0:1:0

unloaded() {
	[ ! -e /sys/module/vtl ] || rmmod vtl
}

# echo_start [ARGS]: a daemon for 0:0:1:0; PID, SG and ST are its. No command comes but the caller's.
echo_start() {
	echo_up "$@" && udevadm settle --timeout=60
}

# echo_up [ARGS]: the same, while udev may still be asking it questions.
echo_up() {
	: >"$LOG"
	"$VTL_BUILD/kernel/vtl-echo" -a 0:0:1:0 -j 3 "$@" >"$LOG" 2>&1 3>&- &
	PID=$!
	wait_for 60 file_matches "$LOG" $'(^|\n)ready 0 0'
	read -r HCTL <$U/address
	_find_node "$HCTL" scsi_generic 'sg[0-9]+' && SG=$NODE
	_find_node "$HCTL" scsi_tape 'nst[0-9]+' && ST=$NODE
}

# echo_kill: as it comes.
echo_kill() {
	kill -KILL "$PID"
	wait "$PID" 2>/dev/null || true
}

stat_of() {
	awk -v k="$1" '$1 == k { print $2 }' $U/stats
}

stat_is() {
	file_matches $U/stats "(^|"$'\n'")$1 $2("$'\n'"|$)"
}

vsg() {
	"$VTL_BUILD/kernel/vtl-sg" "$@"
}

# raw CDB...: sense and status of a command, as text
raw() {
	run sg_raw -v -t 60 "$SG" "$@"
}

# What every test begins and ends with, for a file that says nothing else.
setup_file() {
	vtl_kill_all
}

teardown_file() {
	vtl_kill_all
}

setup() {
	dmesg_mark
	LOG=$BATS_TEST_TMPDIR/echo.log
	vtl_module_load
}

teardown() {
	echo_clean
}

# Shows what there is of a failure, ends the daemons and takes the module away.
echo_clean() {
	dump_on_failure
	[ -n "${BATS_TEST_COMPLETED:-}" ] || cat "$LOG" || true
	pkill -KILL -x vtl-echo || true
	wait_for 60 unloaded
}
