#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The module alone, under everything that a bad day can bring. Each test wants no word from the kernel's
# own checkers, no task that hangs or cannot be killed, and a unit that works when the noise is over.
#
# On the debug kernel (tests/vm/torture/run) KASAN, lockdep, kmemleak and object debugging look on.

load ../lib/guest.bash
load ../lib/echo.bash
load torture.bash

@test "units are attached and removed, over and over" {
	local i n

	n=$(times 1000)
	for ((i = 0; i < n; i++)); do
		progress $i $n
		echo_up
		((i % 2)) || sg_turs "$SG" || true
		kill "$PID"
		wait "$PID"
		echo 1 >$U/remove
		wait_for_gone 60 test -e $U
	done
	tell "attached and removed $n times"
	dmesg_clean
}

@test "kill -9 with commands in flight" {
	local i n pile

	n=$(times 300)
	for ((i = 0; i < n; i++)); do
		progress $i $n
		echo_up -o 0x3c
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
	echo_up
	works
	tell "killed $n times with 16 commands"
	dmesg_clean
}

@test "rmmod while sg has commands queued" {
	local i n pile

	n=$(times 200)
	for ((i = 0; i < n; i++)); do
		progress $i $n
		echo_start -o 0x3c -q 3600000
		vsg pile "$SG" 16 600 >"$BATS_TEST_TMPDIR/pile" 2>&1 3>&- &
		pile=$!
		wait_for 60 grep -q queued "$BATS_TEST_TMPDIR/pile"
		timeout 60 rmmod vtl 2>/dev/null && fail "round $i: rmmod with a daemon and an initiator"
		echo_kill
		((i % 2)) || timeout 60 rmmod vtl 2>/dev/null || true
		# What the daemon held has failed with it; what was behind waits.
		kill -KILL $pile 2>/dev/null || true
		wait $pile 2>/dev/null || true
		wait_for 60 unloaded
		vtl_module_load
	done
	tell "unloaded $n times behind commands"
	dmesg_clean
}

@test "aborts and resets in a storm" {
	local i n

	n=$(times 200)
	echo_start
	noise vsg turs "$SG" "$SG" 500
	noise vsg echo "$SG" 1000000
	for ((i = 0; i < n; i++)); do
		progress $i $n
		# A daemon that sleeps makes a short time limit run out.
		kill -STOP "$PID"
		sg_raw -t 1 "$SG" 00 00 00 00 00 00 >/dev/null 2>&1 || true
		kill -CONT "$PID"
	done
	noise sg_reset -d "$SG"
	noise sg_reset -t "$SG"
	for ((i = 0; i < n; i++)); do
		progress $i $n
		sg_reset -b "$SG" || true
		sg_reset -H "$SG" || true
	done
	quiet
	works
	tell "$(stat_of aborts) aborts, $(stat_of resets) resets, $(stat_of late_answers) late answers"
	dmesg_clean
}

@test "a daemon that lies, while initiators use what it serves" {
	local i n

	n=$(times 40)
	for ((i = 0; i < n; i++)); do
		progress $i $n
		"$VTL_BUILD/kernel/vtl-liar" -s "$i" -d 15 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
		PID=$!
		# Its units come and go under other names all the time.
		noise sh -c 'for sg in /dev/sg*; do timeout 5 sg_turs -n 100 $sg; done; sleep 0.1'
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
		progress $i $n
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
		progress $i $n
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
