#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is not to be had, at every place where the module, or what it has called, asks for it: only on
# the debug kernel, which has fault injection. (Everywhere would be too much: a guest whose files come by 9p
# does not live through that.)

load ../lib/guest.bash
load ../lib/echo.bash
load torture.bash

teardown() {
	no_failures
	torture_teardown
}

FAIL=/sys/kernel/debug/failslab

setup_file() {
	local dir

	# Most allocations may wait: by default none of these fails. A stack for each failure is what a test looks for.
	for dir in $FAIL /sys/kernel/debug/fail_page_alloc; do
		echo N >$dir/ignore-gfp-wait
		echo 0 >$dir/verbose
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

# failures PERCENT: from here on allocations of whoever has /proc/self/make-it-fail set and has come through
# the module fail so often.
failures() {
	local dir size at

	read -r size at < <(awk '$1 == "vtl" { print $2, $6 }' /proc/modules)
	for dir in $FAIL /sys/kernel/debug/fail_page_alloc; do
		echo Y >$dir/task-filter
		echo "$1" >$dir/probability
		echo 1 >$dir/interval
		echo -1 >$dir/times
		echo 0 >$dir/space
		echo 32 >$dir/stacktrace-depth
		echo "$at" >$dir/require-start
		printf '%#x\n' $((at + size)) >$dir/require-end
	done
}

no_failures() {
	echo 0 | tee $FAIL/probability /sys/kernel/debug/fail_page_alloc/probability >/dev/null
}

# failing COMMAND...: runs it with failing allocations.
failing() {
	# The switch is inherited by fork and kept by exec.
	(
		echo 1 >/proc/self/make-it-fail
		exec timeout -s KILL 60 "$@"
	)
}

@test "no memory: attaching, serving, asking" {
	local i n percent ended=0

	n=$(times 600)
	echo_start -j 4
	for ((i = 0; i < n; i++)); do
		progress $i $n
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

@test "no memory: each allocation of an attach, one after the other" {
	local n at failed=0 unfailed=0

	n=$((2000 / SHARE))
	# How many there are varies a little (lists that have to grow): 25 times none has failed, and it is the end.
	for ((at = 1; at <= n && unfailed < 25; at++)); do
		# The Nth allocation of the attach call itself fails.
		: >"$LOG"
		"$VTL_BUILD/kernel/vtl-echo" -a 0:0:1:0 -N "$at" >"$LOG" 2>&1 3>&- &
		PID=$!
		wait_for 60 attached_or_gone $PID
		kill $PID 2>/dev/null || true
		wait $PID || true
		[ ! -e $U/remove ] || echo 1 >$U/remove
		wait_for 60 not test -e $U
		if grep -q '^fewer allocations' "$LOG"; then
			((++unfailed))
		else
			unfailed=0
			failed=$at
		fi
	done
	((failed)) || fail "no allocation has failed"
	tell "$failed allocations of an attach failed in turn"
	echo_start
	works
	dmesg_clean
}

attached_or_gone() {
	! kill -0 "$1" || grep -q '^attached' "$LOG"
}
