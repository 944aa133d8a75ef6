# SPDX-License-Identifier: GPL-2.0-only
# The end of a tape, and a pool's file system that is full: for a host the same thing.

load ../lib/vtl.bash

D=lib0/drives/1
LEN='80 00 00' # 8 MiB

setup() { vtl_config 'library lib0 { slots = 2 fill = 1 drive 1 { compression = "none" } }' 'buffer = 4'; }
teardown() { vtl_teardown; }

start()
{
	vtl_start -n lib0 lib0/drives/1 && settle lib0 && settle $D &&
		move slot 1 drive 1 && assert_good && settle $D && assert_good &&
		head -c 8388608 /dev/urandom >"$BATS_TEST_TMPDIR/block"
}

write_block() { cdb -o "$BATS_TEST_TMPDIR/block" $D 0a 00 $LEN 00; }

# read_all N: that many blocks and then a filemark
read_all()
{
	local i

	cdb_good $D 01 00 00 00 00 00 || return
	for ((i = 0; i < $1; i++)); do
		cdb_good -r "$BATS_TEST_TMPDIR/out" $D 08 00 $LEN 00 || return
		cmp "$BATS_TEST_TMPDIR/block" "$BATS_TEST_TMPDIR/out" || return
	done
	cdb_sense 0/00/01 $D 08 00 $LEN 00
}

# bats test_tags=slow
@test "SET CAPACITY makes a short tape: early warning, end, and a trailer that still fits" {
	local n=0

	start
	cdb_good $D 0b 00 00 00 01 00 # 1/65535 of 12 TB: 183 MB
	while write_block && [[ $CDB_STATUS == 00 ]]; do
		((++n < 30)) || fail "no early warning"
	done
	assert_sense 0/00/02 'eom.*info 0'
	((++n > 5)) || fail "early warning after $n blocks"
	while write_block && [[ $CDB_SENSE == 0/00/02 ]]; do
		((++n < 60)) || fail "no end"
	done
	assert_sense d/00/02 'eom.*info 8388608'
	cdb $D 10 00 00 00 01 00
	assert_sense 0/00/02 eom
	read_all "$n"
}

# bats test_tags=slow
@test "a full pool looks like the end of a tape, loses nothing, and goes on when there is room" {
	local n=0

	((EUID == 0)) || skip 'mounting a small file system takes root'
	mkdir -p "$VTL_HOME/pool"
	mount -t tmpfs -o size=110m vtl-test "$VTL_HOME/pool" 2>/dev/null ||
		skip 'no tmpfs can be mounted here'
	start
	head -c 20000000 /dev/zero >"$VTL_HOME/pool/.ballast"
	while write_block && [[ $CDB_STATUS == 00 ]]; do
		((++n < 30)) || fail "no early warning"
	done
	assert_sense 0/00/02 eom
	((n++))
	wait_for 5 grep -q 'file system' "$VTL_RUN/$D/status/last_error"
	while write_block && [[ $CDB_SENSE == 0/00/02 ]]; do
		((++n < 60)) || fail "the file system is never full"
	done
	[[ $CDB_SENSE == d/00/02 ]] || fail "$CDB_OUTPUT"
	assert_match "$CDB_FLAGS" eom
	wait_for 5 grep -q 'file system is full' "$VTL_RUN/$D/status/last_error"
	# a buffered write that was lost is told as deferred error: what the position says is on the tape
	cdb $D 34 00 00 00 00 00 00 00 00 00
	assert_good
	n=$((16#${CDB_DATA:8:8}))
	rm "$VTL_HOME/pool/.ballast"
	cdb $D 10 00 00 00 01 00
	[[ $CDB_STATUS == 00 || $CDB_SENSE == 0/00/02 ]] || fail "$CDB_OUTPUT"
	read_all "$n"
	assert_file "$VTL_RUN/$D/status/state" ready
}
