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
	OUT=${BATS_TEST_TMPDIR:?}/out
	MOST=$(port_transfer_max)
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

# sizes_to BYTES: into SIZES those that are no larger.
sizes_to() {
	local s all=("${SIZES[@]}")

	SIZES=()
	for s in "${all[@]}"; do
		((s > $1)) || SIZES+=("$s")
	done
}

# put SIZE COUNT [DD-SIZE]: COUNT blocks of SIZE bytes from the data, beginning at its byte SIZE, with
# writes of DD-SIZE bytes (SIZE).
put() {
	if [ -z "${3:-}" ]; then
		dd if=$DATA of="$T1" bs="$1" skip=1 count="$2" status=none
	else
		dd if=$DATA of="$T1" bs="$3" skip="$1" count=$(($1 * $2)) iflag=skip_bytes,count_bytes,fullblock \
			status=none
	fi
}

# get SIZE COUNT DD-SIZE: reads a file with reads of DD-SIZE bytes; it is what put has written. RECORDS
# is what dd calls it: "5+0".
get() {
	local said

	said=$(dd if="$T1" bs="$3" of="$OUT" 2>&1) || fail "reading blocks of $1 bytes: $said" || return
	RECORDS=${said%% records in*}
	cmp -n $(($1 * $2)) -i "$1:0" $DATA "$OUT" || return
	assert_eq "$(stat -c %s "$OUT")" $(($1 * $2)) "bytes in blocks of $1"
}

# Few of the large ones: they only have to be there.
blocks_of() {
	COUNT=5
	if (($1 >= 1 << 20)); then
		COUNT=2
	fi
}

@test "variable mode: blocks of 1 byte to 8 MiB, read back block by block" {
	local s

	sizes_to "$MOST"
	for s in "${SIZES[@]}"; do
		blocks_of "$s"
		put "$s" $COUNT
	done
	assert_pos "$T1" ${#SIZES[@]} 0
	mt -f "$T1" rewind
	for s in "${SIZES[@]}"; do
		blocks_of "$s"
		get "$s" $COUNT "$s"
		assert_eq "$RECORDS" "$COUNT+0" "blocks of $s bytes"
	done
	dmesg_clean
}

@test "variable mode: a larger buffer gets one block in each read" {
	local s buffer=$((MOST / 4)) SIZES=(1 511 4096 65537 1048576)

	sizes_to $((buffer - 1))
	for s in "${SIZES[@]}"; do
		blocks_of "$s"
		put "$s" $COUNT
	done
	mt -f "$T1" rewind
	for s in "${SIZES[@]}"; do
		blocks_of "$s"
		get "$s" $COUNT $buffer
		assert_eq "$RECORDS" "0+$COUNT" "blocks of $s bytes"
	done
	dmesg_clean
}

@test "variable mode: a smaller buffer gets ENOMEM, and the next block is the next one" {
	marked_tape "$T1" 2 3
	mt -f "$T1" rewind
	run ! dd if="$T1" bs=1000 count=1 of="$OUT"
	assert_match "$output" 'Cannot allocate memory'
	assert_eq "$(stat -c %s "$OUT")" 0 "bytes that came"
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
	run -0 dd if="$T1" bs=64k count=1 of="$OUT"
	assert_eq "$(stat -c %s "$OUT")" 1024 "bytes of a short block"
	assert_next "$T1" f0b1
	mt -f "$T1" stclearoptions sili
	mt -f "$T1" rewind
	dmesg_clean
}

@test "blocks of mixed sizes in one file" {
	local at=0 s

	# One open of the drive for all of them: no filemark in between.
	exec 7>"$T1"
	for s in 4096 17 65536 1 1048576 513; do
		dd if=$DATA bs="$s" skip=$at count=1 iflag=skip_bytes status=none >&7
		at=$((at + s))
	done
	exec 7>&-
	mt -f "$T1" rewind
	run -0 dd if="$T1" bs=1M of="$OUT"
	assert_match "$output" '^1\+5 records in'
	cmp -n $at $DATA "$OUT"
	assert_eq "$(stat -c %s "$OUT")" $at
	dmesg_clean
}

@test "fixed mode: block sizes from 1 byte to 1 MiB, several blocks in a write and in a read" {
	local s SIZES=(1 2 511 512 513 1024 4096 10240 65536 262144 1048576)

	sizes_to $((MOST / 16))
	for s in "${SIZES[@]}"; do
		mt -f "$T1" rewind
		mt -f "$T1" setblk "$s"
		put "$s" 8 $((4 * s))
		assert_eq "$(mt -f "$T1" tell)" "At block 9." "blocks of $s bytes"
		mt -f "$T1" rewind
		get "$s" 8 $((2 * s))
		assert_eq "$RECORDS" "4+0" "reads of two blocks of $s bytes"
		# Asking for more than the file has: what there is, then the filemark.
		mt -f "$T1" rewind
		get "$s" 8 $((16 * s))
		assert_eq "$RECORDS" "0+1" "reads of sixteen blocks of $s bytes"
	done
	dmesg_clean
}

@test "fixed mode: 8 MiB in one write and in one read" {
	local one=$((8 << 20))

	((one <= MOST)) || one=$MOST
	mt -f "$T1" setblk 4096
	put 4096 4096 $one
	assert_eq "$(mt -f "$T1" tell)" "At block 4097."
	mt -f "$T1" rewind
	get 4096 4096 $one
	assert_eq "$RECORDS" "$(((16 << 20) / one))+0"
	dmesg_clean
}

@test "fixed mode: blocks of another size on the tape are an error, not data" {
	marked_tape "$T1" 1 3
	mt -f "$T1" rewind
	mt -f "$T1" setblk 512
	run ! dd if="$T1" bs=512 count=1 of="$OUT"
	assert_match "$output" 'Input/output error'
	assert_eq "$(stat -c %s "$OUT")" 0 "bytes that came"
	mt -f "$T1" rewind
	mt -f "$T1" setblk 2048
	run ! dd if="$T1" bs=2048 count=1 of="$OUT"
	assert_eq "$(stat -c %s "$OUT")" 0 "bytes that came"
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
	run dd if="$T1" bs=64k of="$OUT"
	assert_eq "$(stat -c %s "$OUT")" 0 "bytes behind the end of the data"
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
	put 5000 1
	mt -f "$T1" asf 1
	assert_next "$T1" f1b0
	get 5000 1 8k
	mt -f "$T1" eod
	assert_eq "$(mt -f "$T1" tell)" "At block 7."
	dmesg_clean
}

@test "the end of the medium: ENOSPC, and every block that was taken reads back" {
	local tape said

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
	run -0 dd if="$T1" bs=10k of="$OUT"
	assert_eq "${output%% records in*}" "$said+0" "blocks that read back"
	cmp -n $((said * 10240)) "$OUT" $DATA
	assert_eq "$(stat -c %s "$OUT")" $((said * 10240))
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
