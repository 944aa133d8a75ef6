#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The module alone, under everything that a bad day can bring. Each test wants no word from the kernel's
# own checkers, no task that hangs or cannot be killed, and a unit that works when the noise is over.
#
# VTL_TORTURE is how much: 1 is the full run, N a share of 1/N of it (default 20). On the debug kernel
# (tests/vm/torture/run) KASAN, lockdep, kmemleak and object debugging look on, and memory fails as well.

load ../lib/guest.bash
load ../lib/echo.bash

setup_file() {
	# What is bad for a second on a slow machine is no hang.
	export SHARE=${VTL_TORTURE:-20}
	vtl_kill_all
}

teardown_file() {
	vtl_kill_all
}

setup() {
	dmesg_mark
	LOG=$BATS_TEST_TMPDIR/echo.log
	vtl_module_load
	NOISE=()
}

teardown() {
	dump_on_failure
	kill -KILL "${NOISE[@]}" 2>/dev/null || true
	no_failures
	echo_clean
}

# times N: N of the full run, and 3 at the least; prints it.
times() {
	local n=$(($1 / SHARE))

	echo $((n < 3 ? 3 : n))
}

# noise COMMAND...: repeats it in the background for the rest of the test; nothing of it counts.
noise() {
	while :; do
		"$@"
	done >/dev/null 2>&1 3>&- &
	NOISE+=($!)
}

# quiet: ends the noise, and all that it has left must be killable.
quiet() {
	kill -KILL "${NOISE[@]}" 2>/dev/null || true
	wait "${NOISE[@]}" 2>/dev/null || true
	NOISE=()
	pkill -KILL -x 'vtl-sg|sg_raw|sg_turs|sg_inq|dd|mt' || true
	wait_for_gone 120 pgrep -x 'vtl-sg|sg_raw|sg_turs|sg_inq|dd|mt'
}

# works: the unit serves as on its first day.
works() {
	wait_for 60 sg_turs "$SG"
	vsg echo "$SG" 65536
	vsg short "$SG"
}

tell() {
	echo "# $*" >&3
}

# ------------------------------------------------------------------------------------------------

@test "units are attached and removed, over and over" {
	local i n

	n=$(times 1000)
	for ((i = 0; i < n; i++)); do
		echo_start
		((i % 2)) || sg_turs "$SG" || true
		kill "$PID"
		wait "$PID"
		echo 1 >$U/remove
		[ ! -e $U ] || fail "round $i: $U is still there"
	done
	tell "attached and removed $n times"
	dmesg_clean
}

@test "kill -9 with commands in flight" {
	local i n pile

	n=$(times 300)
	for ((i = 0; i < n; i++)); do
		echo_start -o 0x3c
		vsg pile "$SG" 16 600 >"$BATS_TEST_TMPDIR/pile" 3>&- &
		pile=$!
		# At any moment: none may have come, or all.
		((i % 3)) || wait_for 60 stat_is held 16
		((i % 3 != 1)) || wait_for 60 grep -q queued "$BATS_TEST_TMPDIR/pile"
		echo_kill
		echo 100 >$U/quiesce_ms
		wait $pile
		assert_eq "$(grep -c '^[0-9a-f][0-9a-f] ' "$BATS_TEST_TMPDIR/pile")" 16 "answers"
	done
	echo_start
	works
	tell "killed $n times with 16 commands"
	dmesg_clean
}

@test "rmmod while sg has commands queued" {
	local i n pile

	n=$(times 200)
	for ((i = 0; i < n; i++)); do
		echo_start -o 0x3c -q 3600000
		vsg pile "$SG" 16 600 >"$BATS_TEST_TMPDIR/pile" 2>&1 3>&- &
		pile=$!
		wait_for 60 grep -q queued "$BATS_TEST_TMPDIR/pile"
		timeout 60 rmmod vtl 2>/dev/null && fail "round $i: rmmod with a daemon and an initiator"
		echo_kill
		((i % 2)) || timeout 60 rmmod vtl 2>/dev/null || true
		kill -KILL $pile
		wait $pile 2>/dev/null || true
		wait_for 60 unloaded
		vtl_module_load
	done
	tell "unloaded $n times behind commands"
	dmesg_clean
}

@test "aborts and resets in a storm" {
	local i n

	n=$(times 400)
	echo_start
	noise vsg turs "$SG" "$SG" 500
	noise vsg echo "$SG" 1000000
	noise sg_reset -d "$SG"
	noise sg_reset -t "$SG"
	for ((i = 0; i < n; i++)); do
		case $((i % 4)) in
		0) sg_reset -b "$SG" ;;
		1) sg_reset -H "$SG" ;;
		*)
			# A daemon that sleeps makes a short time limit run out: abort.
			kill -STOP "$PID"
			sg_raw -t 1 "$SG" 00 00 00 00 00 00 >/dev/null 2>&1 || true
			kill -CONT "$PID"
			;;
		esac || true
	done
	quiet
	works
	tell "$(stat_of aborts) aborts, $(stat_of resets) resets, $(stat_of late_answers) late answers"
	dmesg_clean
}

@test "a daemon that lies, while initiators use what it serves" {
	local i n sg

	n=$(times 40)
	for ((i = 0; i < n; i++)); do
		"$VTL_BUILD/kernel/vtl-liar" -s "$i" -d 15 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
		PID=$!
		for sg in /dev/sg*; do
			[ ! -c "$sg" ] || noise timeout 5 sg_turs -n 100 "$sg"
		done
		wait $PID || fail "seed $i: $(head -n 5 "$BATS_TEST_TMPDIR/said")"
		quiet
	done
	tell "$n times 15 s of lies"
	dmesg_clean
}

@test "many readers on one unit" {
	local i n

	n=$(times 40)
	echo_start -j 8
	for ((i = 0; i < 8; i++)); do
		noise vsg echo "$SG" 300000
	done
	for ((i = 0; i < n; i++)); do
		vsg turs "$SG" "$SG" "$SG" "$SG" 200 >/dev/null
	done
	quiet
	works
	tell "$n rounds with 12 initiators and 8 daemon threads"
	dmesg_clean
}

@test "scan and delete through sysfs while commands run" {
	local i n host hctl

	n=$(times 200)
	echo_start
	hctl=$(cat $U/address)
	host=/sys/class/scsi_host/host${hctl%%:*}
	for ((i = 0; i < n; i++)); do
		SG=$(sg_of "$hctl")
		noise vsg turs "$SG" 100
		noise vsg echo "$SG" 100000
		echo '- - -' >"$host/scan"
		echo 1 >"/sys/bus/scsi/devices/$hctl/delete"
		wait_for_gone 60 scsi_unit "$hctl"
		quiet
		echo '0 1 0' >"$host/scan"
		wait_for 60 sg_of "$hctl"
		wait_for 60 nst_of "$hctl"
	done
	SG=$(sg_of "$hctl")
	works
	tell "$n times deleted and found again"
	dmesg_clean
}

# ------------------------------------------------------------------------------------------------
# Memory

FAIL=/sys/kernel/debug/failslab

# failures PERCENT: from here on allocations of whoever has /proc/self/make-it-fail set fail so often.
failures() {
	local dir

	for dir in $FAIL /sys/kernel/debug/fail_page_alloc; do
		echo Y >$dir/task-filter
		echo "$1" >$dir/probability
		echo 1 >$dir/interval
		echo -1 >$dir/times
		echo 0 >$dir/space
		echo 0 >$dir/verbose
		echo N >$dir/ignore-gfp-wait
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

no_failures() {
	[ ! -d $FAIL ] || echo 0 | tee $FAIL/probability /sys/kernel/debug/fail_page_alloc/probability >/dev/null
}

# failing COMMAND...: runs it with failing allocations.
failing() {
	# The switch is inherited by fork and kept by exec.
	(
		echo 1 >/proc/self/make-it-fail
		exec timeout -s KILL 60 "$@"
	)
}

memory_can_fail() {
	[ -d $FAIL ]
}

# bats test_tags=debug
@test "no memory: attaching, serving, asking" {
	local i n percent ended=0

	memory_can_fail || skip "this kernel cannot make allocations fail"
	n=$(times 600)
	echo_start -j 4
	for ((i = 0; i < n; i++)); do
		percent=$((1 + i % 20))
		failures $percent
		# A daemon of another unit, from its attach to its end.
		failing sh -c "'$VTL_BUILD/kernel/vtl-echo' -a 0:2:$((i % 8)):0 -r -s & sleep 0.3; kill \$!; wait" \
			>/dev/null 2>&1 || ((++ended))
		failing "$VTL_BUILD/kernel/vtl-sg" echo "$SG" 1000000 >/dev/null 2>&1 || ((++ended))
		failing sg_inq "$SG" >/dev/null 2>&1 || ((++ended))
		failing cat $U/stats $U/state >/dev/null 2>&1 || ((++ended))
		failing dd if="$ST" of=/dev/null bs=64k count=1 >/dev/null 2>&1 || ((++ended))
		no_failures
	done
	pkill -x vtl-echo || true
	wait_for_gone 60 pgrep -x vtl-echo
	echo_start
	works
	tell "$n rounds with failing allocations; $ended programs ended early"
	dmesg_clean
}

# bats test_tags=debug
@test "no memory: each allocation of an attach, one after the other" {
	local n at last=0

	memory_can_fail || skip "this kernel cannot make allocations fail"
	n=$((2000 / SHARE))
	for ((at = 1; at <= n; at++)); do
		# The Nth allocation of the open or attach call itself fails.
		"$VTL_BUILD/kernel/vtl-echo" -a 0:0:1:0 -s -N "$at" >"$BATS_TEST_TMPDIR/nth" 2>&1 3>&- &
		PID=$!
		wait_for 60 attached_or_gone $PID
		if [ -e $U/state ] && kill -0 $PID 2>/dev/null; then
			kill $PID
			last=$at
		fi
		wait $PID || true
		[ ! -e $U/remove ] || echo 1 >$U/remove
	done
	tell "$n allocations of an attach failed in turn"
	echo_start
	works
	dmesg_clean
}

attached_or_gone() {
	! kill -0 "$1" || [ -e $U/scanned ]
}
