#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Blocks of every size through st, with dd: what goes in comes out, block by block.

load lib/guest.bash
load lib/library.bash

setup_file() {
	local tape

	lib_up && tape=$(at slots/0001) && in_drive 1 "$tape"
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	mt -f "$T1" setblk 0
	mt -f "$T1" rewind
}

teardown() {
	dump_on_failure
	rm -f "${BATS_TEST_TMPDIR:?}"/*
}

SIZES=(1 2 3 7 63 64 511 512 513 1000 4095 4096 4097 10240 32768 65535 65536 65537 100001 131072
	262144 524287 524288 1048576 1048577 2097152 4194304 8388607 8388608)

# slice OFFSET BYTES: of the data.
slice() {
	tail -c +$(($1 + 1)) $DATA | head -c "$2"
}

# blocks_of SIZE: how many blocks of this size a test writes, and from where in the data.
blocks_of() {
	if (($1 >= 1 << 20)); then
		echo 2
	else
		echo 5
	fi
}

# count DD-OUTPUT: its "records in" line.
records_in() {
	sed -n 's/ records in$//p' <<<"$1"
}

@test "variable mode: blocks of 1 byte to 8 MiB, read back block by block" {
	local s n

	for s in "${SIZES[@]}"; do
		n=$(blocks_of "$s")
		slice "$s" $((n * s)) | dd of="$T1" bs="$s" iflag=fullblock status=none
	done
	assert_pos "$T1" ${#SIZES[@]} 0
	mt -f "$T1" rewind
	for s in "${SIZES[@]}"; do
		n=$(blocks_of "$s")
		run -0 dd if="$T1" bs="$s" of="$BATS_TEST_TMPDIR/out"
		assert_eq "$(records_in "$output")" "$n+0" "blocks of $s bytes"
		slice "$s" $((n * s)) | cmp - "$BATS_TEST_TMPDIR/out"
	done
	dmesg_clean
}

@test "variable mode: a larger buffer gets one block in each read" {
	local s n

	for s in 1 511 4096 65537 1048576; do
		n=$(blocks_of "$s")
		slice 0 $((n * s)) | dd of="$T1" bs="$s" iflag=fullblock status=none
	done
	mt -f "$T1" rewind
	for s in 1 511 4096 65537 1048576; do
		n=$(blocks_of "$s")
		run -0 dd if="$T1" bs=4M of="$BATS_TEST_TMPDIR/out"
		assert_eq "$(records_in "$output")" "0+$n" "blocks of $s bytes"
		slice 0 $((n * s)) | cmp - "$BATS_TEST_TMPDIR/out"
	done
	dmesg_clean
}

@test "variable mode: a smaller buffer gets ENOMEM, and the next block is the next one" {
	marked_tape "$T1" 2 3
	mt -f "$T1" rewind
	run ! dd if="$T1" bs=1000 count=1 of="$BATS_TEST_TMPDIR/out"
	assert_match "$output" 'Cannot allocate memory'
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 0 "bytes that came"
	assert_pos "$T1" 0 1
	assert_next "$T1" f0b1
	run ! dd if="$T1" bs=1 count=1 of=/dev/null
	assert_match "$output" 'Cannot allocate memory'
	assert_next "$T1" ""
	assert_next "$T1" f1b0
	dmesg_clean
}

@test "variable mode: the same with SILI set in st" {
	marked_tape "$T1" 1 3
	mt -f "$T1" rewind
	mt -f "$T1" stsetoptions sili
	run -0 dd if="$T1" bs=64k count=1 of="$BATS_TEST_TMPDIR/out"
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 1024 "bytes of a short block"
	assert_next "$T1" f0b1
	mt -f "$T1" stclearoptions sili
	mt -f "$T1" rewind
	dmesg_clean
}

@test "blocks of mixed sizes in one file" {
	local at=0 s mixed=(4096 17 65536 1 1048576 513)

	{
		for s in "${mixed[@]}"; do
			slice $at "$s" | dd bs="$s" iflag=fullblock status=none
			at=$((at + s))
		done
	} >"$BATS_TEST_TMPDIR/in"
	# One open of the drive for all of them: no filemark in between.
	exec 7>"$T1"
	at=0
	for s in "${mixed[@]}"; do
		slice $at "$s" | dd bs="$s" iflag=fullblock status=none >&7
		at=$((at + s))
	done
	exec 7>&-
	mt -f "$T1" rewind
	run -0 dd if="$T1" bs=1M of="$BATS_TEST_TMPDIR/out"
	assert_eq "$(records_in "$output")" "1+5" "blocks"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	dmesg_clean
}

@test "fixed mode: block sizes from 1 byte to 1 MiB, several blocks in a write and in a read" {
	local s n

	for s in 1 2 511 512 513 1024 4096 10240 65536 262144 1048576; do
		n=8
		mt -f "$T1" rewind
		mt -f "$T1" setblk "$s"
		slice "$s" $((n * s)) | dd of="$T1" bs=$((4 * s)) iflag=fullblock status=none
		assert_eq "$(mt_pos "$T1")" "1 0 0" "position after fixed blocks of $s bytes"
		assert_eq "$(mt -f "$T1" tell)" "At block $((n + 1))." "blocks of $s bytes"
		mt -f "$T1" rewind
		run -0 dd if="$T1" bs=$((2 * s)) of="$BATS_TEST_TMPDIR/out"
		assert_eq "$(records_in "$output")" "4+0" "reads of two blocks of $s bytes"
		slice "$s" $((n * s)) | cmp - "$BATS_TEST_TMPDIR/out"
		# Asking for more than the file has: what there is, then the filemark.
		mt -f "$T1" rewind
		dd if="$T1" bs=$((16 * s)) of="$BATS_TEST_TMPDIR/out" status=none
		slice "$s" $((n * s)) | cmp - "$BATS_TEST_TMPDIR/out"
	done
	dmesg_clean
}

@test "fixed mode: 8 MiB in one write and in one read" {
	mt -f "$T1" setblk 4096
	slice 0 $((16 << 20)) | dd of="$T1" bs=8M iflag=fullblock status=none
	assert_eq "$(mt -f "$T1" tell)" "At block 4097."
	mt -f "$T1" rewind
	run -0 dd if="$T1" bs=8M of="$BATS_TEST_TMPDIR/out"
	assert_eq "$(records_in "$output")" "2+0"
	slice 0 $((16 << 20)) | cmp - "$BATS_TEST_TMPDIR/out"
	dmesg_clean
}

@test "fixed mode: blocks of another size on the tape are an error, not data" {
	marked_tape "$T1" 1 3
	mt -f "$T1" rewind
	mt -f "$T1" setblk 512
	run ! dd if="$T1" bs=512 count=1 of="$BATS_TEST_TMPDIR/out"
	assert_match "$output" 'Input/output error'
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 0 "bytes that came"
	mt -f "$T1" rewind
	mt -f "$T1" setblk 2048
	run ! dd if="$T1" bs=2048 count=1 of="$BATS_TEST_TMPDIR/out"
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 0 "bytes that came"
	mt -f "$T1" setblk 0
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "fixed mode: a write that is no multiple of the block size is refused" {
	mt -f "$T1" setblk 512
	run ! dd if=$DATA of="$T1" bs=1000 count=1
	assert_match "$output" 'Invalid argument'
	dmesg_clean
}

@test "filemarks: an empty file, a read across, the end of the data" {
	marked_tape "$T1" 1 1
	mt -f "$T1" weof
	marked_tape "$T1" 1 1
	mt -f "$T1" rewind
	assert_next "$T1" f0b0
	run -0 dd if="$T1" bs=64k
	assert_eq "${output%%$'\n'*}" "0+0 records in" "at the filemark"
	run -0 dd if="$T1" bs=64k
	assert_eq "${output%%$'\n'*}" "0+0 records in" "the empty file"
	assert_next "$T1" f0b0
	assert_next "$T1" ""
	assert_pos "$T1" 3 0
	run dd if="$T1" bs=64k of="$BATS_TEST_TMPDIR/out"
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 0 "bytes behind the end of the data"
	assert_match "$(mt_bits "$T1")" EOD
	# And it can be written there.
	marked_tape "$T1" 1 1
	mt -f "$T1" asf 3
	assert_next "$T1" f0b0
	dmesg_clean
}

@test "overwriting in the middle: what is before stays, what was behind is gone" {
	marked_tape "$T1" 3 3
	mt -f "$T1" asf 1
	mt -f "$T1" fsr 1
	slice 0 5000 | dd of="$T1" bs=5000 iflag=fullblock status=none
	mt -f "$T1" asf 1
	assert_next "$T1" f1b0
	dd if="$T1" bs=8k of="$BATS_TEST_TMPDIR/out" status=none
	slice 0 5000 | cmp - "$BATS_TEST_TMPDIR/out"
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 7."
	dmesg_clean
}

@test "the end of the medium: ENOSPC, and every block that was taken reads back" {
	local tape said records

	tape=$(at drives/1)
	all_home
	small_cartridge VMD001L8
	mv "$MNT/vault/VMD001L8" "$L/drives/1/"
	mt -f "$T1" compression 0
	run ! dd if=$DATA of="$T1" bs=10k
	assert_match "$output" 'No space left on device'
	said=$(sed -n 's/+0 records out//p' <<<"$output")
	((said > 500)) || fail "only $said blocks of 10 KiB on 8 MiB: $output"
	mt -f "$T1" rewind
	run -0 dd if="$T1" bs=10k of="$BATS_TEST_TMPDIR/out"
	records=$(records_in "$output")
	assert_eq "$records" "$said+0" "blocks that read back"
	cmp -n $((said * 10240)) "$BATS_TEST_TMPDIR/out" $DATA
	assert_eq "$(stat -c %s "$BATS_TEST_TMPDIR/out")" $((said * 10240))
	# Behind early warning there is still room for filemarks, as tar and others need it.
	mt -f "$T1" eod
	mt -f "$T1" weof 2
	mt -f "$T1" compression 1
	all_home
	mv "$(readlink -f "$MNT/cartridges/$tape")" "$L/drives/1/"
	dmesg_clean
}

@test "a write-protected cartridge reads, and refuses to be written" {
	local tape

	tape=$(at drives/1)
	marked_tape "$T1" 1 2
	all_home
	echo 1 >"$MNT/cartridges/$tape/write_protect"
	mv "$(readlink -f "$MNT/cartridges/$tape")" "$L/drives/1/"
	assert_match "$(mt_bits "$T1")" WR_PROT
	run ! dd if=$DATA of="$T1" bs=10k count=1
	assert_match "$output" 'Read-only file system|Permission denied'
	assert_next "$T1" f0b0
	all_home
	echo 0 >"$MNT/cartridges/$tape/write_protect"
	mv "$(readlink -f "$MNT/cartridges/$tape")" "$L/drives/1/"
	marked_tape "$T1" 1 1
	dmesg_clean
}
