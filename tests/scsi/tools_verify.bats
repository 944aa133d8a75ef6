# SPDX-License-Identifier: GPL-2.0-only
# vtl verify and vtl dump: what is bad is named by its place, what can be repaired is, and both work beside
# a drive that uses the cartridge.

load ../lib/vtl.bash

D=lib0/drives/1 B=E01001L8

# Three files of four blocks of 3000 bytes on a cartridge in the drive.
setup()
{
	local f b

	vtl_config && vtl_start -n lib0 $D && settle lib0 && settle $D && move slot 1 drive 1 &&
		assert_good && settle $D && assert_good || return
	for ((f = 0; f < 3; f++)); do
		for ((b = 0; b < 4; b++)); do
			head -c 3000 /dev/urandom >"$VTL_DIR/block.$f.$b"
			cdb_good -o "$VTL_DIR/block.$f.$b" $D 0a 00 00 0b b8 00
		done
		cdb_good $D 10 00 00 00 01 00
	done
}
teardown() { vtl_teardown; }

verify() { timeout 60 "$VTL" -c "$VTL_CONF" verify "$@"; }
dump() { timeout 60 "$VTL" -c "$VTL_CONF" dump "$@"; }

# damage OBJECT: one byte of the block's payload is another one.
damage()
{
	local line where seq file byte

	line=$(dump -o $B | grep "^0 $1 block") && where=${line##* at } seq=${where%+*}
	file=$(printf "%s/pool/%s/p0.%010d.data" "$VTL_HOME" $B "$seq")
	where=$((${where#*+} + 24 + 100))
	byte=$(od -An -tu1 -j $where -N 1 "$file")
	printf "\\x$(printf %02x $((byte ^ 0x40)))" | dd of="$file" bs=1 seek=$where conv=notrunc status=none
}

# bats test_tags=slow
@test "a good cartridge: 0 and its figures, beside the drive and alone" {
	run -0 verify $B
	assert_match "$output" "^$B: good: 12 blocks, 3 filemarks, 36000 bytes, "
	run -0 verify -q $B
	assert_eq "$output" ''
	run -2 verify --repair $B
	assert_match "$output" "$B: in use"
	vtl_stop
	run -0 verify --repair --expand $B
	run -0 verify --all
	assert_match "$output" '4 cartridges: 4 good, 0 bad, 0 not read'
	run -0 verify "$VTL_HOME/pool/$B/"
}

# bats test_tags=slow
@test "bad blocks are named by partition, block, file and place in it; all else is read" {
	vtl_stop
	damage 6
	damage 12
	damage 13
	run -1 verify $B
	assert_eq "${lines[0]}" "$B: bad: partition 0, block 6, file 1, block 1 of it: wrong checksum"
	assert_eq "${lines[1]}" "$B: bad: partition 0, block 12-13, file 2, block 2-3 of it: wrong checksum"
	assert_match "${lines[2]}" "^$B: bad: 12 blocks, 3 filemarks, 36000 bytes, 27000 stored, 3 bad"
	run -1 verify -q --all
	assert_match "$output" 'block 6,'
	not grep -q good <<<"$output"
	vtl_start -n lib0 $D && settle $D
	cdb_good $D 2b 00 00 00 00 00 07 00 00 00
	cdb_good -r "$VTL_DIR/out" $D 08 00 00 0b b8 00
	cmp "$VTL_DIR/block.1.2" "$VTL_DIR/out"
	cdb_good $D 2b 00 00 00 00 00 06 00 00 00
	cdb $D 08 00 00 0b b8 00
	assert_match "$CDB_SENSE" '^3/'
}

# bats test_tags=slow
@test "a wrong index is told, repaired, and then right" {
	local index

	vtl_stop
	for index in "$VTL_HOME"/pool/$B/p0.*.index; do
		printf 'damage' | dd of="$index" bs=1 seek=100 conv=notrunc status=none
	done
	run -1 verify $B
	assert_match "$output" "$B: bad: 1 index file; nothing is lost"
	assert_match "$output" "$B: good: 12 blocks"
	run -0 verify --repair $B
	assert_match "$output" "$B: repaired: 1 index file"
	run -0 verify $B
	not grep -q index <<<"$output"
}

# bats test_tags=slow
@test "what is no cartridge, a damaged manifest, wrong words" {
	run -2 verify NONE01L8
	assert_match "$output" 'there is no such cartridge'
	cd "$VTL_DIR" # where ../x is nothing
	run -2 verify ../x
	run -2 verify
	run -2 verify --all $B
	run -2 dump
	run -2 dump NONE01L8
	run -0 verify --help
	assert_match "$output" '--repair'
	run -0 dump --help
	vtl_stop
	printf 'x' | dd of="$VTL_HOME/pool/$B/manifest" bs=1 seek=40 conv=notrunc status=none
	run -1 verify $B
	assert_match "$output" 'damaged'
	run -1 verify --all
	assert_match "$output" '4 cartridges: 3 good, 1 bad, 0 not read'
}

@test "dump shows head, MAM and every object" {
	run -0 dump $B
	assert_match "$output" "cartridge $B"
	assert_match "$output" 'mam 0 0400 '
	assert_match "$output" $'\n''0 14 filemarks 1 at '
	assert_match "$output" $'\n''0 15 end of data'
	run -0 dump --objects $B
	assert_eq "${#lines[@]}" 16
	assert_match "${lines[3]}" '^0 3 block 3000 stored 3000 none at '
	run -0 dump --head $B
	not grep -q '^mam' <<<"$output"
	run -0 dump --mam $B
	not grep -qv '^mam' <<<"$output"
}
