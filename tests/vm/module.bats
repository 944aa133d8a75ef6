#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The module and the units as Linux and sg3_utils see them: nodes, links, sysfs, every kind of command,
# and that everything can be taken away again.

load lib/guest.bash
load lib/library.bash

setup_file() {
	lib_up
}

teardown_file() { lib_down; }
setup() { dmesg_mark; }
teardown() { dump_on_failure; }

@test "lsscsi shows a changer and two tape drives with all their nodes" {
	run -0 lsscsi -g
	assert_eq "$(grep -c 'tape *IBM' <<<"$output")" 2 "tape drives in $output"
	assert_eq "$(grep -c 'mediumx *STK' <<<"$output")" 1 "changers in $output"
	assert_match "$output" "/dev/st[0-9]+ +/dev/sg[0-9]+"
	assert_match "$output" "/dev/sch[0-9]+ +/dev/sg[0-9]+"
	dmesg_clean
}

@test "units stand at the configured addresses" {
	local host

	host=$(scsi_host vtl)
	assert_match "$(hctl_of_serial $SERIAL_L)" "^$host:"
	assert_eq "$host:$(cat "$L/address")" "$(hctl_of_serial $SERIAL_L)"
	assert_eq "$host:$(cat "$L/drives/1/address")" "$(hctl_of_serial $SERIAL_1)"
	assert_eq "$host:$(cat "$L/drives/2/address")" "$(hctl_of_serial $SERIAL_2)"
	dmesg_clean
}

@test "udev names the nodes by serial number" {
	local link

	link=$(tape_by_id $SERIAL_1)
	assert_eq "$(readlink -f "$link")" "$T1"
	wait_for 30 test -c "/dev/tape/by-id/scsi-$SERIAL_2-nst"
	assert_eq "$(readlink -f "/dev/tape/by-id/scsi-$SERIAL_2")" "$R2"
	wait_for 30 test -c "/dev/tape/by-id/scsi-$SERIAL_L"
	assert_eq "$(readlink -f "/dev/tape/by-id/scsi-$SERIAL_L")" "$CH"
	dmesg_clean
}

@test "sysfs shows the units' life" {
	local dir hctl

	hctl=$(hctl_of_serial $SERIAL_1)
	for dir in /sys/class/vtl/*/; do
		if [ "$(cat "$dir/address" 2>/dev/null)" = "$hctl" ]; then
			break
		fi
		dir=
	done
	[ -n "$dir" ] || fail "no unit of address $hctl in /sys/class/vtl"
	assert_eq "$(cat "$dir/state")" live
	assert_eq "$(cat "$dir/scanned")" 1
	assert_eq "$(cat "$dir/attach_count")" 1
	assert_match "$(cat "$dir/name")" 'lib0/drives/1'
	assert_match "$(cat "$dir/daemon")" "^$(drive_pid 1) vtltape"
	assert_match "$(cat "$dir/stats")" 'commands [1-9]'
	assert_match "$(cat "$dir/stats")" 'queued 0'
	assert_match "$(cat "$dir/stats")" 'bad_answers 0'
	for dir in /sys/class/vtl/*/; do
		cat "$dir"/* >/dev/null 2>&1 || true
	done
	dmesg_clean
}

@test "sg_inq and sg_vpd: identity, and every VPD page that is announced" {
	local sg page

	run -0 sg_inq "$G1"
	assert_match "$output" 'Vendor identification: IBM'
	assert_match "$output" 'Product identification: ULT3580-TD8'
	assert_match "$output" "Unit serial number: $SERIAL_1"
	assert_match "$output" 'RMB=1'
	run -0 sg_inq "$CH"
	assert_match "$output" 'Vendor identification: STK'
	assert_match "$output" 'Product identification: L700'
	for sg in "$G1" "$G2" "$CH"; do
		run -0 sg_vpd -p sv "$sg"
		# Four bytes of header, then the pages.
		for page in $(sg_vpd -r -p sv "$sg" | od -An -v -tx1 -j4); do
			sg_vpd -p "0x$page" "$sg" >/dev/null || fail "VPD page $page of $sg"
		done
		run -0 sg_vpd -p di "$sg"
		assert_match "$output" 'NAA|T10'
		run ! sg_vpd -p 0xef "$sg"
	done
	dmesg_clean
}

@test "sg_luns, sg_turs, sg_requests, sg_start" {
	run -0 sg_luns "$G1"
	assert_match "$output" '0000000000000000'
	in_drive 1 "$(at slots/0001)"
	wait_for 60 sg_turs "$G1"
	run -0 sg_turs -n 1000 "$G1"
	wait_for 60 sg_turs "$CH"
	run -0 sg_turs -n 200 "$CH"
	run -0 sg_requests "$G1"
	dmesg_clean
}

@test "sg_opcodes lists what the units know, and each with its mask" {
	run -0 sg_opcodes "$G1"
	assert_match "$output" 'Write filemarks'
	assert_match "$output" 'Read position'
	run -0 sg_opcodes -R "$G1"
	run -0 sg_opcodes -o 0x08 "$G1"
	run -0 sg_opcodes "$CH"
	assert_match "$output" 'Move medium'
	dmesg_clean
}

@test "sg_modes: all pages" {
	run -0 sg_modes -a "$G1"
	assert_match "$output" 'Compression'
	run -0 sg_modes -a "$CH"
	assert_match "$output" '[Ee]lement address'
	run -0 sg_modes -6 -a "$G1"
	dmesg_clean
}

@test "sg_logs: all pages" {
	local page

	run -0 sg_logs -a "$G1"
	assert_match "$output" '[Tt]ape ?[Aa]lert'
	run -0 sg_logs "$G1"
	run -0 sg_logs "$CH"
	dmesg_clean
}

@test "sg_raw: big transfers in both directions, and the residue of short ones" {
	local tape out=${BATS_TEST_TMPDIR:?}/out

	tape=$(at drives/1)
	[ -n "$tape" ] || in_drive 1 "$(at slots/0001)"
	mt -f "$T1" rewind
	head -c 1048576 $DATA >"$BATS_TEST_TMPDIR/in"
	sg_raw -s 1048576 -i "$BATS_TEST_TMPDIR/in" "$G1" 0a 00 10 00 00 00
	sg_raw -s 524288 -i "$BATS_TEST_TMPDIR/in" "$G1" 0a 00 08 00 00 00
	sg_raw "$G1" 01 00 00 00 00 00
	run -0 sg_raw -r 1048576 -o "$out" "$G1" 08 00 10 00 00 00
	cmp "$out" "$BATS_TEST_TMPDIR/in"
	# sg_raw takes 1 MiB at the most. Asked for that, the block has half of it: it comes whole, with ILI and the residue.
	run sg_raw -r 1048576 -o "$out" "$G1" 08 00 10 00 00 00
	assert_match "$output" 'ILI'
	cmp -n 524288 "$out" "$BATS_TEST_TMPDIR/in"
	assert_eq "$(stat -c %s "$out")" 524288
	# An unknown op code, a reserved bit.
	run ! sg_raw "$G1" ff 00 00 00 00 00
	assert_match "$output" 'Invalid command operation code'
	run ! sg_raw "$G1" 00 00 00 80 00 00
	assert_match "$output" 'Invalid field in cdb'
	dmesg_clean
}

@test "many commands at once on all units" {
	local pids=() sg pid

	for sg in "$G1" "$G1" "$G2" "$CH" "$CH"; do
		sg_turs -n 300 "$sg" >/dev/null 2>&1 3>&- &
		pids+=($!)
		bash -c "for i in {1..15}; do sg_inq $sg; sg_logs $sg; done" >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	sg_inq "$G1" | grep -q ULT3580
	same_picture
	dmesg_clean
}

@test "sg_reset: a unit, its target, the bus, the host; then all goes on" {
	local how

	in_drive 1 "$(at drives/1)$([ -n "$(at drives/1)" ] || at slots/0001)"
	marked_tape "$T1" 1 2
	for how in -d -t -b -H; do
		sg_reset $how "$G1"
		wait_for 60 sg_turs "$G1"
		mt -f "$T1" rewind || mt -f "$T1" rewind
		assert_next "$T1" f0b0
	done
	sg_reset -d "$CH"
	same_picture
	dmesg_clean
}

@test "sg_persist: register, reserve, read, release" {
	run -0 sg_persist -i -c "$G1"
	run -0 sg_persist --out --register --param-sark=0xabc "$G1"
	run -0 sg_persist -i -k "$G1"
	assert_match "$output" '0xabc'
	run -0 sg_persist --out --reserve --param-rk=0xabc --prout-type=3 "$G1"
	run -0 sg_persist -i -r "$G1"
	assert_match "$output" 'Exclusive Access'
	run -0 sg_persist --out --release --param-rk=0xabc --prout-type=3 "$G1"
	run -0 sg_persist --out --register --param-rk=0xabc --param-sark=0 "$G1"
	run -0 sg_persist -i -k "$G1"
	assert_match "$output" 'no registered|there are NO registered'
	dmesg_clean
}

@test "rmmod is refused while a daemon lives, and works after vtl stop" {
	run ! rmmod vtl
	vtl_stop "$CONF"
	wait_for_gone 30 test -e "$T1"
	assert_eq "$(lsscsi | wc -l)" 0 "units after vtl stop: $(lsscsi)"
	rmmod vtl
	[ ! -e /dev/vtl ]
	dmesg_clean
	vtl_module_load
	vtl_start "$CONF"
	lib_nodes
	same_picture
	dmesg_clean
}

@test "fifty times load, start, use, stop, unload: no trace in dmesg" {
	local i n dir conf

	vtl_stop "$CONF"
	vtl_module_unload
	dir=${BATS_TEST_TMPDIR:?}/tiny
	mkdir -p "$dir"/{home,run,mnt}
	conf=$(vtl_config "$dir" kernel 'library lib0 {
		serial = "VTLTINY0"
		slots = 1
		map = 1
		fill = 1
		drive 1 { serial = "VTLTINY1" }
	}')
	n=$(rounds 50)
	for ((i = 0; i < n; i++)); do
		vtl_module_load
		vtl_start "$conf"
		sg_turs "$(sg_by_serial VTLTINY1)" || true
		vtl_stop "$conf"
		vtl_module_unload
	done
	dmesg_clean
	not grep -q ^vtl /proc/modules
	vtl_module_load
	vtl_start "$CONF"
	lib_nodes
	dmesg_clean
}
