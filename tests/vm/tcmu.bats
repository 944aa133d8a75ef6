#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The library on the kernel's own target_core_user and tcm_loop, without vtl.ko: it comes up, works, lives
# through kill -9, and goes without a rest.

load lib/guest.bash
load lib/library.bash

setup_file() {
	export VTL_PORT=tcmu TAPE
	lib_up || return
	TAPE=$(at slots/0001)
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
	# After a failed test the next one still finds all daemons, and no cartridge in a drive.
	vtl_start "$CONF" && all_home
}

teardown() { dump_on_failure; }

# drive_file NAME: what drive 1 says of itself.
drive_file() { cat "$RUN_DIR/lib0/drives/1/status/$1"; }

@test "no module of ours: st, ch and sg see the units on tcm_loop, at their addresses" {
	[ ! -e /dev/vtl ]
	[ ! -d /sys/module/vtl ]
	scsi_host tcm_loopback
	assert_eq "$(hctl_of_serial $SERIAL_L)" "$(scsi_host tcm_loopback):0:0:0"
	assert_eq "$(hctl_of_serial $SERIAL_1)" "$(scsi_host tcm_loopback):0:1:0"
	assert_eq "$(drive_file port)" tcmu
	assert_eq "$(drive_file device)" "$T1 $G1"
	assert_eq "$(readlink -f "$(tape_by_id $SERIAL_1)")" "$T1"
	run -0 "$VTL_REPO/scripts/vtl" status -c "$CONF"
	assert_match "$output" "drive 1 .* $SERIAL_1 +$T1 $G1"
	dmesg_clean
}

@test "the robot loads and unloads; tar reads back what it wrote" {
	mkdir tree
	head -c 3000000 $DATA >tree/data
	cp -r "$VTL_REPO/etc" tree/
	[ "$(at slots/0001)" = "$TAPE" ]
	mtx -f "$CH" load 1 0
	tar -cf "$T1" -b 128 tree
	mt -f "$T1" rewind
	tar -df "$T1" -b 128
	mt -f "$T1" rewind
	mtx -f "$CH" unload 1 0
	same_picture
	dmesg_clean
}

@test "one transfer of 1 MiB, and no fewer bytes than that" {
	in_drive 1 "$TAPE"
	head -c 4194304 $DATA >in
	dd if=in of="$T1" bs=1M status=none
	rewind_tape 1
	dd if="$T1" of=out bs=1M status=none
	cmp in out
	# They were blocks of that size.
	rewind_tape 1
	assert_eq "$(dd if="$T1" bs=1M count=1 status=none | wc -c)" 1048576
	assert_eq "$(mt_pos "$T1")" "0 1 0"
	dmesg_clean
}

# sg_read NODE LEN FLAGS: READ(6) of LEN bytes; prints "STATUS KEY FLAGS INFO RESID MD5", where FLAGS are
# bits 7 to 5 of sense byte 2 (filemark, EOM, ILI), INFO is signed, and MD5 that of what was transferred.
sg_read() {
	python3 - "$@" <<-'END'
		import ctypes, fcntl, hashlib, os, struct, sys
		length, flags = int(sys.argv[2]), int(sys.argv[3])
		cdb = ctypes.create_string_buffer(
		    bytes([8, flags]) + struct.pack('>I', length)[1:] + b'\0', 6)
		data = ctypes.create_string_buffer(b'\xee' * length, length)
		sense = ctypes.create_string_buffer(96)
		head = bytearray(struct.pack('@iiBBHIPPPIIiPBBBBHHiII', ord('S'), -3, 6, 96, 0, length,
		    ctypes.addressof(data), ctypes.addressof(cdb), ctypes.addressof(sense), 60000,
		    *[0] * 12))
		node = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
		fcntl.ioctl(node, 0x2285, head)
		resid = struct.unpack_from('=i', head, 72)[0]
		info = struct.unpack_from('>i', sense.raw, 3)[0]
		got = data.raw[:length - resid] if resid or not sense.raw[0] or sense.raw[2] & 0x20 else b''
		print(head[64], sense.raw[2] & 15, sense.raw[2] >> 5, info, resid,
		      hashlib.md5(got).hexdigest())
	END
}

@test "a short block: data, ILI with what was missing, and the residual, together" {
	local sum

	in_drive 1 "$TAPE"
	head -c 5000 $DATA >block
	sum=$(md5sum <block)
	sum=${sum%% *}
	dd if=block of="$T1" bs=5000 status=none
	rewind_tape 1
	# Asked for 64 KiB: CHECK CONDITION, NO SENSE, ILI, 60536 missing, and the 5000 bytes.
	assert_eq "$(sg_read "$G1" 65536 0)" "2 0 1 60536 60536 $sum"
	# The filemark behind it: no data, FM, everything missing.
	assert_match "$(sg_read "$G1" 65536 0)" '^2 0 4 65536 '
	# With SILI there is nothing to tell.
	rewind_tape 1
	assert_eq "$(sg_read "$G1" 65536 2)" "0 0 0 0 60536 $sum"
	dmesg_clean
}

@test "answers come out of order: INQUIRY does not wait for a long command" {
	local i

	in_drive 1 "$TAPE"
	for ((i = 0; i < 30; i++)); do
		sg_inq "$G1" >/dev/null || echo failed
	done >inquiries 2>&1 &
	dd if=$DATA of="$T1" bs=256k status=none
	wait $!
	[ ! -s inquiries ]
	dmesg_clean
}

@test "a LUN reset reaches the unit: the next command hears of it" {
	in_drive 1 "$TAPE"
	marked_tape "$T1" 1 2
	sg_reset -d "$G1"
	mt -f "$T1" rewind
	assert_match "$(dmesg_since_mark)" 'Power-on or device reset occurred'
	assert_next "$T1" f0b0
	# st takes the next residual for the reset, and trusts no position from then on until a rewind.
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	assert_next "$T1" f0b1
	dmesg_clean
}

@test "kill -9 of a drive's daemon: what it had fails, then NOT READY; the next one has the same node" {
	local nodes

	nodes=$(stat -c '%n %t:%T' "$T1" "$G1")
	in_drive 1 "$TAPE"
	marked_tape "$T1" 2 2
	kill_hard "$(drive_pid 1)"
	# It waits a while for a successor, and is answered when none comes.
	run timeout 60 sg_turs -v "$G1"
	assert_eq "$status" 2 "status of sg_turs (2: not ready)"
	run -0 timeout 60 sg_inq "$G1"
	assert_match "$output" 'ULT3580-TD8'
	vtl_start "$CONF"
	assert_eq "$(stat -c '%n %t:%T' "$T1" "$G1")" "$nodes"
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	assert_next "$T1" f0b1
	dmesg_clean
}

# dd_wrote: some of what dd writes has gone into the drive.
dd_wrote() {
	local pid

	pid=$(pgrep -x dd) && (($(sed -n 's/^wchar: //p' "/proc/$pid/io") >= 1 << 20))
}

@test "kill -9 with a command under way, and no successor: stop takes the unit away all the same" {
	local dd rc=0

	in_drive 1 "$TAPE"
	timeout 120 dd if=/dev/zero of="$T1" bs=64k status=none >dd.out 2>&1 3>&- &
	dd=$!
	wait_for 60 dd_wrote
	kill_hard "$(drive_pid 1)"
	wait $dd || rc=$?
	# 124: timeout's own limit.
	assert_eq "$rc" 1 "status of dd"
	vtl_stop "$CONF"
	tcmu_nothing_left
	not pgrep -x vtl-guard
	vtl_port_up
	vtl_start "$CONF"
	lib_nodes
	dmesg_clean
}

@test "restart keeps the units; stop and start bring them back; stop leaves nothing" {
	local inode

	inode=$(stat -c %i "/sys/bus/scsi/devices/$(hctl_of_serial $SERIAL_1)")
	"$VTL_REPO/scripts/vtl" restart -q -c "$CONF"
	assert_eq "$(stat -c %i "/sys/bus/scsi/devices/$(hctl_of_serial $SERIAL_1)")" "$inode"
	in_drive 1 "$TAPE"
	mt -f "$T1" status
	all_home
	vtl_stop "$CONF"
	tcmu_nothing_left
	vtl_port_up
	vtl_start "$CONF"
	lib_nodes
	same_picture
	dmesg_clean
}

@test "auto: vtl.ko where it is there, else tcmu, else words" {
	local dir=$BATS_TEST_TMPDIR/build

	vtl_stop "$CONF"
	# A checkout without a module for this kernel.
	mkdir -p "$dir/emul" bin
	ln -s "$VTL_BUILD"/emul/* "$dir/emul/"
	ln -s "$VTL_BUILD/vtlfs" "$dir/"
	VTL_BUILD=$dir "$VTL_REPO/scripts/vtl" start -q -p auto -c "$CONF"
	assert_eq "$(drive_file port)" tcmu
	VTL_BUILD=$dir vtl_stop "$CONF"
	tcmu_nothing_left
	modprobe -r target_core_pscsi target_core_file target_core_iblock target_core_mod

	# With one.
	"$VTL_REPO/scripts/vtl" start -q -p auto -c "$CONF"
	assert_eq "$(drive_file port)" kernel
	vtl_stop "$CONF"
	vtl_module_unload

	# With neither.
	printf '#!/bin/sh\nexit 1\n' >bin/modprobe
	chmod +x bin/modprobe
	run -1 env PATH="$PWD/bin:$PATH" VTL_BUILD="$dir" "$VTL_REPO/scripts/vtl" start -p auto -c "$CONF"
	assert_match "$output" 'neither vtl nor target_core_user and tcm_loop can be loaded'
	run -1 env PATH="$PWD/bin:$PATH" VTL_BUILD="$dir" "$VTL_REPO/scripts/vtl" start -p tcmu -c "$CONF"
	assert_match "$output" 'this kernel has no target_core_user'
	vtl_port_up
	vtl_start "$CONF"
	lib_nodes
}
