# SPDX-License-Identifier: GPL-2.0-only
# A tape drive as Linux st meets it: what it asks at open, what it sets, what it reads back.

load ../lib/vtl.bash

D=lib0/drives/1

setup()
{
	vtl_config && vtl_start -n lib0 lib0/drives/1 && settle lib0 && settle $D
}
teardown() { vtl_teardown; }

load_first() { move slot 1 drive 1 && assert_good && settle $D && assert_good; }

@test "an empty drive: no medium, yet it tells of itself" {
	cdb_sense 2/3a/00 $D 00 00 00 00 00 00
	cdb_good $D 12 00 00 00 60 00
	assert_match "$CDB_DATA" '^0180'
	cdb_good $D 05 00 00 00 00 00
	assert_eq "$CDB_DATA" 008000000001
	cdb_good $D 1a 00 00 00 0c 00
	assert_eq "$CDB_LEN" 12
	assert_match "$CDB_DATA" '^..0010085e0000000000' 'header and block descriptor'
}

@test "st's open: ready, block limits, mode sense, then its own mode select" {
	load_first
	cdb_good $D 05 00 00 00 00 00
	cdb_good $D 1a 00 00 00 0c 00
	assert_match "$CDB_DATA" '^..8810085e00000000000000$' 'LTO-8, not protected, buffered, variable'
	# the same block back with a block length of 1024, as MTSETBLK does
	cdb_good -x '00 00 10 08 5e 00 00 00 00 00 04 00' $D 15 10 00 00 0c 00
	cdb_good $D 1a 00 00 00 0c 00
	assert_match "$CDB_DATA" '5e00000000000400$'
	# MTCOMPRESSION: page 0Fh as it came, DCE off
	cdb_good $D 1a 08 0f 00 14 00
	local page=${CDB_DATA:8}
	assert_match "$page" '^0f0ec080'
	cdb_good -x "00 00 10 00 0f 0e 40 ${page:6}" $D 15 10 00 00 14 00
	cdb_good $D 1a 08 0f 00 14 00
	assert_match "${CDB_DATA:8}" '^0f0e4080'
	# MTTELL and MTSEEK as st does them without its "scsi2logical" option
	cdb_good $D 34 01 00 00 00 00 00 00 00 00
	assert_eq "$CDB_LEN" 20
	cdb_good $D 2b 04 00 00 00 00 00 00 00 00
}

@test "every op code that is said to be supported has a row, and the reserved bits are refused" {
	local i n list op

	load_first
	cdb_good $D a3 0c 00 00 00 00 00 00 10 00 00 00
	n=$((16#${CDB_DATA:0:8} / 8)) list=${CDB_DATA:8}
	((n > 50)) || fail "only $n commands"
	for ((i = 0; i < n; i++)); do
		op=${list:i*16:2}
		[[ " 01 05 08 0a 10 11 19 1b 2b 34 44 8c 8d 91 92 " == *" $op "* ]] && seen+=" $op"
	done
	for op in 01 05 08 0a 10 11 19 1b 2b 34 44 8c 8d 91 92; do
		assert_match "$seen" " $op"
	done
	cdb_sense 5/24/00 $D 08 04 00 00 01 00
	cdb_sense 5/20/00 $D 0f 00 00 00 01 00
}

@test "the density report names the drive's formats, and with MEDIA the cartridge's" {
	cdb_good $D 44 00 00 00 00 00 00 02 00 00
	assert_eq "$CDB_LEN" $((4 + 3 * 52))
	assert_eq "${CDB_DATA:8:4}" 5e5e
	cdb_sense 2/3a/00 $D 44 01 00 00 00 00 00 02 00 00
	load_first
	cdb_good $D 44 01 00 00 00 00 00 02 00 00
	assert_eq "$CDB_LEN" $((4 + 52))
}

@test "offline, and loaded again by command" {
	load_first
	cdb_good -x 41 $D 0a 00 00 00 01 00
	cdb_good $D 1b 00 00 00 00 00
	cdb_sense 2/3a/00 $D 00 00 00 00 00 00
	assert_file "$VTL_RUN/$D/status/state" unloaded
	cdb_good $D 1b 00 00 00 01 00
	cdb_sense 6/28/00 $D 00 00 00 00 00 00
	cdb_good $D 08 00 00 00 01 00
	assert_eq "$CDB_DATA" 41
}
