#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The module alone, with the smallest of daemons (vtl-echo): what it promises in vtl_uapi.h about data,
# a daemon's death, task management, units that come and go, and unloading.

load lib/guest.bash
load lib/echo.bash

@test "data goes both ways, from one byte to 16 MiB, aligned or not, copied or direct" {
	local n

	echo_start
	echo 1 >/sys/module/sg/parameters/allow_dio
	for n in 1 511 4096 65537 1048576 8388608 16777215; do
		vsg echo "$SG" $n
		vsg echo "$SG" $n 3
	done
	for n in 4096 8388608; do
		vsg echo "$SG" $n 0 direct
		vsg echo "$SG" $n 12 direct
	done
	dmesg_clean
}

@test "a short read has its data, its sense and its residual" {
	echo_start
	vsg short "$SG"
	dmesg_clean
}

@test "st passes blocks of 8 MiB and 16 MiB less one byte" {
	local n

	echo_start
	head -c 16777215 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	mt -f "$ST" setblk 0
	for n in 8388608 16777215; do
		mt -f "$ST" rewind
		dd if="$BATS_TEST_TMPDIR/in" of="$ST" bs=$n count=1 iflag=fullblock status=none
		mt -f "$ST" rewind
		dd if="$ST" of="$BATS_TEST_TMPDIR/out" bs=16777215 count=1 status=none
		assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" $n
		cmp -n $n "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	done
	dmesg_clean
}

@test "a daemon that polls serves as well as one that sleeps" {
	echo_start -p
	vsg turs "$SG" 200
	vsg echo "$SG" 100000
	dmesg_clean
}

# Three threads, two of which say in turn that they will be back at once and are not.
@test "a thread that does not come back keeps nobody waiting" {
	echo_start -b 60000
	timeout 20 sg_requests -n 3 "$SG"
	echo_kill
	dmesg_clean
}

@test "threads that answer early and are back at once serve on" {
	echo_start -b 0
	sg_requests -n 500 "$SG"
	vsg echo "$SG" 100000
	dmesg_clean
}

@test "a host in a hurry is served without a thread going to sleep in between" {
	local before

	echo_start
	# So long that a busy machine may take its time.
	echo 100000 >/sys/module/vtl/parameters/poll_us
	sg_turs -n 500 "$SG"
	before=$(stat_of looked)
	(($(nproc) == 1 || before > 100)) || fail "only $before of 500"
	echo 0 >/sys/module/vtl/parameters/poll_us
	sg_turs -n 10 "$SG"
	before=$(stat_of looked)
	sg_turs -n 100 "$SG"
	assert_eq "$(stat_of looked)" "$before"
	dmesg_clean
}

@test "kill -9 ends what the daemon held at once, and st does not write on close" {
	local writer

	echo_start -o 0x0a
	mt -f "$ST" setblk 0
	(
		dd if=/dev/zero of="$ST" bs=64k count=3 2>"$BATS_TEST_TMPDIR/dd.log" && rc=0 || rc=$?
		echo "$rc" >"$BATS_TEST_TMPDIR/dd.rc"
	) 3>&- &
	writer=$!
	wait_for 60 grep -q '^held' "$LOG"
	# longer than the test may take: the end must not come from the unit's giving up
	echo 3600000 >$U/quiesce_ms
	echo_kill
	wait $writer
	assert_eq "$(cat "$BATS_TEST_TMPDIR/dd.rc")" 1 "dd"
	grep -q 'Input/output error' "$BATS_TEST_TMPDIR/dd.log"
	assert_eq "$(cat $U/state)" quiesced
	assert_match "$(stat_of orphaned)" '^[1-9]'
	dmesg_clean
}

@test "a command waits for the next daemon, which is found behind the same nodes" {
	local before waiter

	echo_start
	before=$(stat -c '%i %t:%T' "$ST" "$SG")
	echo 3600000 >$U/quiesce_ms
	echo_kill
	sg_raw -v "$SG" 00 00 00 00 00 00 >"$BATS_TEST_TMPDIR/tur" 2>&1 3>&- &
	waiter=$!
	wait_for 60 stat_is queued 1
	echo_start
	wait $waiter || true
	assert_match "$(cat "$BATS_TEST_TMPDIR/tur")" 'Unit Attention'
	assert_match "$(cat "$BATS_TEST_TMPDIR/tur")" 'Power on'
	assert_eq "$(stat -c '%i %t:%T' "$ST" "$SG")" "$before" "nodes"
	assert_eq "$(cat $U/attach_count)" 2
	raw 00 00 00 00 00 00
	assert_eq "$status" 0
	dmesg_clean
}

@test "when nobody comes the unit is not ready, but can be asked who it is" {
	echo_start
	echo 100 >$U/quiesce_ms
	echo_kill
	wait_for_value 60 $U/state failed
	raw 00 00 00 00 00 00
	assert_match "$output" 'Not Ready'
	assert_match "$output" 'manual intervention'
	run -0 sg_inq "$SG"
	assert_match "$output" 'ECHO'
	run -0 sg_vpd -p sn "$SG"
	assert_match "$output" 'ECHO000001000'
	run sg_requests "$SG"
	assert_match "$output" 'Not Ready'
	run -0 sg_luns "$SG"
	run ! timeout 10 mt -f "$ST" rewind
	echo_start
	raw 00 00 00 00 00 00
	raw 00 00 00 00 00 00
	assert_eq "$status" 0
	dmesg_clean
}

@test "an orderly stop leaves the queue to the next daemon" {
	local waiter

	echo_start -q 3600000
	kill "$PID"
	wait "$PID"
	assert_eq "$(cat $U/state)" quiesced
	sg_inq "$SG" >"$BATS_TEST_TMPDIR/inq" 2>&1 3>&- &
	waiter=$!
	wait_for 60 stat_is queued 1
	echo_start
	wait $waiter
	assert_eq "$(stat_of orphaned)" 0
	dmesg_clean
}

@test "an abort reaches the daemon in order, and its late answer is refused" {
	echo_start -o 0x3c
	run ! sg_raw -t 1 -r 512 "$SG" 3c 02 00 00 00 00 00 02 00 00
	wait_for 60 grep -q '^late' "$LOG"
	assert_match "$(cat "$LOG")" 'event 1 '
	assert_match "$(grep '^late' "$LOG")" " $((125))\$" # ECANCELED
	assert_eq "$(stat_of aborts)" 1
	assert_eq "$(stat_of late_answers)" 1
	raw 00 00 00 00 00 00
	assert_eq "$status" 0
	dmesg_clean
}

@test "resets reach the daemon, each by its name, before the next command" {
	local code=2 what

	echo_start
	for what in -d -t -b -H; do
		sg_reset $what "$SG"
		raw 00 00 00 00 00 00
		assert_match "$output" 'Unit Attention'
		if [ $code -lt 4 ]; then
			assert_match "$output" 'Bus device reset'
		else
			assert_match "$output" 'SCSI bus reset'
		fi
		grep -q "^event $code " "$LOG" || fail "no event $code"
		code=$((code + 1))
	done
	assert_eq "$(stat_of resets)" 4
	dmesg_clean
}

@test "a stopped daemon costs its commands their timeout, and resets do not need it" {
	echo_start
	kill -STOP "$PID"
	run ! sg_raw -t 2 "$SG" 00 00 00 00 00 00
	sg_reset -d "$SG"
	assert_eq "$(stat_of aborts)" 1
	assert_eq "$(cat $U/state)" live
	kill -CONT "$PID"
	wait_for 60 grep -q '^event 2' "$LOG"
	raw 00 00 00 00 00 00
	assert_match "$output" 'Bus device reset'
	raw 00 00 00 00 00 00
	assert_eq "$status" 0
	dmesg_clean
}

@test "many commands are outstanding at once, and all end when the daemon dies" {
	local pile

	echo_start -o 0x3c
	vsg pile "$SG" 16 600 >"$BATS_TEST_TMPDIR/pile" 3>&- &
	pile=$!
	wait_for 60 stat_is held 16
	echo_kill
	wait $pile
	assert_eq "$(grep -c '^02 00 b 0800' "$BATS_TEST_TMPDIR/pile")" 16 "ABORTED COMMAND 08/00"
	assert_eq "$(stat_of orphaned)" 16
	dmesg_clean
}

@test "units come and go while others work" {
	local i other

	echo_start
	other=$SG
	vsg turs "$other" 20000 >/dev/null 3>&- &
	for i in 1 2 3 4 5; do
		: >"$LOG.2"
		"$VTL_BUILD/kernel/vtl-echo" -a 0:3:$i:2 -r >"$LOG.2" 2>&1 3>&- &
		wait_for 60 grep -q '^ready 0 0' "$LOG.2"
		kill $!
		wait $!
		[ ! -e /sys/class/vtl/vtl0:3:$i:2 ] || fail "unit $i is still there"
	done
	run ! sh -c "echo 1 >$U/remove"
	assert_eq "$(cat $U/state)" live
	pkill -x vtl-sg || true
	dmesg_clean
}

@test "a unit without a daemon can be unplugged, and all LUNs of a target are reported" {
	local i pids=()

	for i in 0 1 5; do
		: >"$LOG.$i"
		"$VTL_BUILD/kernel/vtl-echo" -a 0:0:1:$i >"$LOG.$i" 2>&1 3>&- &
		pids+=($!)
		wait_for 60 grep -q '^ready 0 0' "$LOG.$i"
	done
	SG=$(sg_of "$(cat $U/address)")
	run -0 sg_luns "$SG"
	assert_match "$output" '0000000000000000'
	assert_match "$output" '0001000000000000'
	assert_match "$output" '0005000000000000'
	kill -KILL "${pids[@]}"
	wait_for_value 60 $U/state quiesced
	echo 1 >$U/remove
	wait_for_gone 60 test -e $U
	dmesg_clean
}

@test "the module goes with units that wait, and comes again, many times" {
	local i pid

	for i in $(seq 12); do
		"$VTL_BUILD/kernel/vtl-echo" -a 0:0:1:0 -s 3>&- &
		pid=$!
		# at another moment each time: before the attach, in the scan, after it
		[ $((i % 3)) -ne 0 ] || wait_for 60 grep -q 1 $U/scanned
		[ $((i % 3)) -ne 1 ] || wait_for 60 test -e $U
		kill -KILL $pid
		wait $pid 2>/dev/null || true
		wait_for 60 unloaded
		vtl_module_load
	done
	dmesg_clean
}

@test "lies are refused, and hurt nobody" {
	run -0 timeout 120 "$VTL_BUILD/kernel/vtl-liar" -s 7 -d 15
	assert_eq "$output" ''
	dmesg_clean
}
