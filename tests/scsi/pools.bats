#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A pool that goes away while drives run: hosts are told, nothing is lost, and it comes back.

load ../lib/vtl.bash

D1=lib0/drives/1
D2=lib0/drives/2

setup()
{
	vtl_config 'library lib0 { slots = 4 map = 1 fill = 2 drive 1 { compression = "none" } drive 2 {} }'
	vtl_start -n
	settle lib0 && settle $D1 && settle $D2
	head -c 65536 /dev/urandom >"$BATS_TEST_TMPDIR/block"
}
teardown() { vtl_teardown; }

write_block() { cdb_good -o "$BATS_TEST_TMPDIR/block" $D1 0a 00 01 00 00 00; }

# read_all DRIVE N: that many blocks and then a filemark
read_all()
{
	local i

	cdb_good "$1" 01 00 00 00 00 00 || return
	for ((i = 0; i < $2; i++)); do
		cdb_good -r "$BATS_TEST_TMPDIR/out" "$1" 08 00 01 00 00 00 || return
		cmp "$BATS_TEST_TMPDIR/block" "$BATS_TEST_TMPDIR/out" || return
	done
	cdb_sense 0/00/01 "$1" 08 00 01 00 00 00
}

# How many elements of lib0 are full, by READ ELEMENT STATUS. Two tapes and one that cleans.
full_elements()
{
	local at=16 end n=0 page len size

	cdb_good lib0 b8 00 00 00 ff ff 00 00 ff ff 00 00 || return
	end=$((16 + 2 * 16#${CDB_DATA:10:6}))
	while ((at < end)); do
		size=$((2 * 16#${CDB_DATA:at + 4:4})) len=$((2 * 16#${CDB_DATA:at + 10:6}))
		at=$((at + 16)) page=$((at + len))
		for (( ; at < page; at += size)); do
			(((16#${CDB_DATA:at + 4:2} & 1) != 0)) && n=$((n + 1))
		done
	done
	FULL=$n
}

@test "pools: a drive goes on with what it has open, and says what it cannot load" {
	move slot 1 drive 1 && assert_good && settle $D1
	write_block
	cdb_good $D1 10 00 00 00 01 00
	full_elements && assert_eq "$FULL" 3

	mv "$VTL_HOME/pool" "$VTL_HOME/away"
	mkdir "$VTL_HOME/pool"
	read_all $D1 1
	full_elements && assert_eq "$FULL" 3
	# Loading what is missing is an error in words; it has its place, and leaves it again.
	move slot 2 drive 2 && assert_good
	settle $D2
	assert_sense 2/3a/00
	wait_for 10 grep -q 'its pool is not there' "$VTL_RUN/$D2/status/last_error"
	full_elements && assert_eq "$FULL" 3
	move drive 2 slot 2 && assert_good
	# Out of the drive, and in again: now it is missing too.
	move drive 1 slot 1 && assert_good
	move slot 1 drive 1 && assert_good
	settle $D1
	assert_sense 2/3a/00
	full_elements && assert_eq "$FULL" 3

	rmdir "$VTL_HOME/pool"
	mv "$VTL_HOME/away" "$VTL_HOME/pool"
	cdb_good $D1 1b 00 00 00 01 00
	settle $D1
	read_all $D1 1
	move slot 2 drive 2 && assert_good && settle $D2 && assert_good
}
