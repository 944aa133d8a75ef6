#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Every operation of mt that applies to a drive like ours, through st. Where the tape stands is told
# from the next block, which carries its own name, and from mt status.

load lib/guest.bash
load lib/library.bash

setup_file() {
	lib_up || return
	export TAPE
	TAPE=$(at slots/0001)
	# What is on it until a test writes: four files of five blocks.
	in_drive 1 "$TAPE" && marked_tape "$T1" 4 5
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	in_drive 1 "$TAPE"
}

teardown() { dump_on_failure; }

# A cartridge for a test that writes: BARCODE, made at its first use.
scratch() {
	if [ ! -e "$MNT/cartridges/$1" ]; then
		fresh "$1" || return
	fi
	in_drive 1 "$1"
}

@test "mt status at the beginning: file 0, block 0, BOT, on line, the density by name" {
	run -0 mt -f "$T1" status
	assert_match "$output" 'File number=0, block number=0, partition=0'
	assert_match "$output" 'Density code 0x5e'
	assert_match "$output" 'Tape block size 0 bytes'
	assert_match "$output" 'BOT'
	assert_match "$output" 'ONLINE'
	dmesg_clean
}

@test "mt fsf: to the first block of a later file" {
	mt -f "$T1" fsf
	assert_pos "$T1" 1 0
	assert_match "$(mt_bits "$T1")" EOF
	assert_next "$T1" f1b0
	mt -f "$T1" fsf 2
	assert_pos "$T1" 3 0
	assert_next "$T1" f3b0
	mt -f "$T1" fsf
	assert_pos "$T1" 4 0
	run ! mt -f "$T1" fsf
	assert_match "$(mt_bits "$T1")" EOD
	dmesg_clean
}

@test "mt bsf: before the filemark of an earlier file" {
	mt -f "$T1" fsf 3
	mt -f "$T1" bsf
	assert_pos "$T1" 2 -1
	assert_next "$T1" ""
	assert_pos "$T1" 3 0
	assert_next "$T1" f3b0
	mt -f "$T1" bsf 2
	assert_next "$T1" ""
	assert_next "$T1" f2b0
	# More than there are: it stops at the beginning.
	run ! mt -f "$T1" bsf 9
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "mt fsfm and bsfm: the same, and a step over the filemark" {
	mt -f "$T1" fsfm 2
	assert_next "$T1" ""
	assert_next "$T1" f2b0
	mt -f "$T1" bsfm 1
	assert_next "$T1" f2b0
	mt -f "$T1" bsfm 2
	assert_next "$T1" f1b0
	dmesg_clean
}

@test "mt fsr and bsr: by blocks, up to a filemark" {
	mt -f "$T1" fsr 3
	assert_pos "$T1" 0 3
	assert_next "$T1" f0b3
	mt -f "$T1" bsr 2
	assert_pos "$T1" 0 2
	assert_next "$T1" f0b2
	run ! mt -f "$T1" fsr 5
	assert_pos "$T1" 1 0
	assert_next "$T1" f1b0
	mt -f "$T1" bsr
	run ! mt -f "$T1" bsr
	assert_next "$T1" ""
	assert_next "$T1" f1b0
	mt -f "$T1" rewind
	run ! mt -f "$T1" bsr
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "mt eod, asf and rewind" {
	mt -f "$T1" eod
	assert_match "$(mt_bits "$T1")" EOD
	assert_match "$(mt_pos "$T1")" '^4 '
	assert_next "$T1" ""
	mt -f "$T1" asf 2
	assert_pos "$T1" 2 0
	assert_next "$T1" f2b0
	mt -f "$T1" asf 0
	assert_next "$T1" f0b0
	mt -f "$T1" seod
	mt -f "$T1" rewind
	assert_pos "$T1" 0 0
	assert_match "$(mt_bits "$T1")" BOT
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "mt tell and seek: logical block numbers, filemarks counted" {
	local spot

	run -0 mt -f "$T1" tell
	assert_eq "$output" "At block 0."
	mt -f "$T1" fsf 2
	run -0 mt -f "$T1" tell
	assert_eq "$output" "At block 12."
	for spot in 3:f0b3 13:f2b1 0:f0b0 22:f3b4 7:f1b1; do
		mt -f "$T1" seek ${spot%:*}
		run -0 mt -f "$T1" tell
		assert_eq "$output" "At block ${spot%:*}."
		assert_next "$T1" ${spot#*:}
	done
	mt -f "$T1" seek 5
	assert_next "$T1" ""
	run ! mt -f "$T1" seek 1000
	dmesg_clean
}

@test "mt setblk: fixed blocks, and back to variable ones" {
	mt -f "$T1" setblk 512
	assert_match "$(mt -f "$T1" status)" 'Tape block size 512 bytes'
	mt -f "$T1" setblk 0
	assert_match "$(mt -f "$T1" status)" 'Tape block size 0 bytes'
	assert_next "$T1" f0b0
	run ! mt -f "$T1" setblk 8388609
	assert_match "$(mt -f "$T1" status)" 'Tape block size 0 bytes'
	dmesg_clean
}

@test "mt weof: filemarks, also several; weof 0 only flushes" {
	scratch VM0002L8
	marked_tape "$T1" 1 2
	mt -f "$T1" weof
	mt -f "$T1" weof 3
	assert_pos "$T1" 5 0
	mt -f "$T1" weof 0
	assert_pos "$T1" 5 0
	mt -f "$T1" rewind
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 7."
	# In the middle: what was behind is gone.
	mt -f "$T1" asf 0
	mt -f "$T1" fsr 1
	mt -f "$T1" weof
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 2."
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	assert_next "$T1" ""
	dmesg_clean
}

@test "mt erase ends the data where the tape stands" {
	scratch VM0003L8
	marked_tape "$T1" 3 3
	mt -f "$T1" asf 1
	mt -f "$T1" erase
	mt -f "$T1" rewind
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 4."
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	mt -f "$T1" rewind
	mt -f "$T1" erase
	assert_next "$T1" ""
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 0."
	assert_eq "$(cat "$L/drives/1/VM0003L8/used")" 0 "used"
	dmesg_clean
}

@test "mt offline, load, retension" {
	mt -f "$T1" fsf 1
	mt -f "$T1" offline
	run -0 mt -f "$T1" status
	assert_match "$output" 'DR_OPEN'
	assert_eq "$(cat "$L/drives/1/state")" unloaded "state in the mount"
	run ! dd if="$T1" bs=64k count=1 status=none iflag=nonblock
	mt -f "$T1" load
	assert_match "$(mt_bits "$T1")" 'BOT.*ONLINE'
	assert_next "$T1" f0b0
	mt -f "$T1" retension
	assert_match "$(mt_bits "$T1")" BOT
	assert_next "$T1" f0b0
	mt -f "$T1" eject
	mt -f "$T1" load
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "a cartridge that mt offline has unloaded can be taken by mtx and by mv" {
	local free

	mt -f "$T1" offline
	all_home
	assert_eq "$(at drives/1)" ""
	in_drive 1 "$TAPE"
	mt -f "$T1" rewoffl
	free=$(free_slot)
	mtx -f "$CH" unload $((10#${free#slots/})) 0
	assert_at "$free" "$TAPE"
	dmesg_clean
}

# used_after: bytes on the tape in the drive after 2 MiB of zeros with 64 KiB blocks.
used_after() {
	mt -f "$T1" rewind
	dd if=/dev/zero of="$T1" bs=64k count=32 status=none
	cat "$L/drives/1/VM0004L8/used"
}

@test "mt compression switches it on and off" {
	local on off

	scratch VM0004L8
	mt -f "$T1" compression 0
	run -0 sg_modes -p 0xf "$G1"
	off=$(used_after)
	mt -f "$T1" compression 1
	on=$(used_after)
	((off >= 2 << 20)) || fail "without compression 2 MiB take $off bytes"
	((on < 1 << 20)) || fail "with compression 2 MiB of zeros take $on bytes"
	mt -f "$T1" rewind
	dd if="$T1" bs=64k status=none | cmp -n $((2 << 20)) - /dev/zero
	dmesg_clean
}

@test "mt densities lists; setdensity takes the drive's own and refuses what it cannot write" {
	run -0 mt densities
	assert_match "$output" '0x5e.*LTO-8'
	mt -f "$T1" setdensity 0x5e
	assert_match "$(mt -f "$T1" status)" 'Density code 0x5e'
	run ! mt -f "$T1" setdensity 0x40
	assert_match "$(mt -f "$T1" status)" 'Density code 0x5e'
	dmesg_clean
}

@test "mt drvbuffer: unbuffered and buffered" {
	scratch VM0005L8
	mt -f "$T1" drvbuffer 0
	assert_match "$(sg_modes -6 -p 0xf "$G1")" '.'
	marked_tape "$T1" 1 2
	mt -f "$T1" drvbuffer 1
	marked_tape "$T1" 1 2
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "mt lock and unlock: PREVENT, ALLOW MEDIUM REMOVAL" {
	mt -f "$T1" lock
	assert_eq "$(cat "$L/drives/1/prevent")" 1
	run ! mv "$L/drives/1/$TAPE" "$L/slots/0006/"
	assert_match "$output" 'Device or resource busy'
	mt -f "$T1" unlock
	assert_eq "$(cat "$L/drives/1/prevent")" 0
	mv "$L/drives/1/$TAPE" "$L/slots/0006/"
	dmesg_clean
}

@test "mt's settings of the driver: options, thresholds, defaults, timeouts" {
	mt -f "$T1" stoptions buffer-writes async-writes read-ahead can-bsr
	run -0 mt -f "$T1" stshowoptions
	assert_match "$output" 'can-bsr'
	mt -f "$T1" stsetoptions scsi2logical fast-eod
	run -0 mt -f "$T1" stshowoptions
	assert_match "$output" 'scsi2logical'
	mt -f "$T1" eod
	assert_match "$(mt_bits "$T1")" EOD
	mt -f "$T1" seek 1
	assert_next "$T1" f0b1
	mt -f "$T1" stclearoptions scsi2logical fast-eod
	mt -f "$T1" seek 2
	assert_next "$T1" f0b2
	mt -f "$T1" stsetoptions two-fms sili
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	mt -f "$T1" stclearoptions two-fms sili
	mt -f "$T1" stwrthreshold 32
	mt -f "$T1" sttimeout 900
	mt -f "$T1" stlongtimeout 14000
	mt -f "$T1" stsetcln 0
	mt -f "$T1" defcompression 1
	mt -f "$T1" defdrvbuffer 1
	mt -f "$T1" defdensity 0x5e
	mt -f "$T1" defblksize 1024
	# Defaults hold from the next cartridge on.
	all_home
	mv "$(readlink -f "$MNT/cartridges/$TAPE")" "$L/drives/1/"
	assert_match "$(mt -f "$T1" status)" 'Tape block size 1024 bytes'
	mt -f "$T1" defblksize -1
	mt -f "$T1" defdensity -1
	mt -f "$T1" defdrvbuffer -1
	mt -f "$T1" defcompression -1
	mt -f "$T1" setblk 0
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "setmarks, which such drives do not have, are refused" {
	run ! mt -f "$T1" fss 1
	run ! mt -f "$T1" bss 1
	scratch VM0006L8
	run ! mt -f "$T1" wset 1
	mt -f "$T1" rewind
	dmesg_clean
}

@test "mt mkpartition, setpartition and partseek: two partitions, each with its own data" {
	scratch VM0007L8
	mt -f "$T1" stsetoptions can-partitions
	mt -f "$T1" mkpartition 1000
	mt -f "$T1" rewind
	marked_tape "$T1" 2 2
	mt -f "$T1" setpartition 1
	assert_match "$(mt_pos "$T1")" ' 1$'
	printf '%-1023s\n' p1b0 p1b1 p1b2 | dd of="$T1" bs=1k iflag=fullblock status=none
	mt -f "$T1" setpartition 0
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	mt -f "$T1" partseek 1 2
	assert_next "$T1" p1b2
	mt -f "$T1" partseek 0 4
	assert_next "$T1" f1b1
	mt -f "$T1" setpartition 1
	mt -f "$T1" rewind
	assert_next "$T1" p1b0
	mt -f "$T1" setpartition 0
	# And one again, which erases.
	mt -f "$T1" rewind
	mt -f "$T1" mkpartition 0
	mt -f "$T1" rewind
	assert_next "$T1" ""
	run ! mt -f "$T1" setpartition 1
	mt -f "$T1" stclearoptions can-partitions
	dmesg_clean
}

# st waits two minutes for a cartridge, unless it is told not to; mt does so only for its status.
@test "without a cartridge: status says so, reading and writing fail" {
	all_home
	run -0 mt -f "$T1" status
	assert_match "$output" 'DR_OPEN'
	run ! dd if="$T1" bs=64k count=1 status=none iflag=nonblock
	run ! dd if=$DATA of="$T1" bs=64k count=1 status=none oflag=nonblock
	dmesg_clean
}
