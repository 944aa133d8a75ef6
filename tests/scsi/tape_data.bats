# SPDX-License-Identifier: GPL-2.0-only
# Data through the wire: blocks of every kind of size, their ends, and what survives a killed drive.

load ../lib/vtl.bash

D=lib0/drives/1

setup()
{
	vtl_config && vtl_start -n lib0 lib0/drives/1 && settle lib0 && settle $D &&
		move slot 1 drive 1 && assert_good && settle $D && assert_good
}
teardown() { vtl_teardown; }

# len24 N: three bytes in hex
len24() { printf '%02x %02x %02x' $(($1 >> 16)) $(($1 >> 8 & 255)) $(($1 & 255)); }

@test "blocks of 1 byte to 8 MiB come back byte for byte" {
	local n sizes='1 3 512 10240 65536 262145 1048576 8388608'

	for n in $sizes; do
		head -c "$n" /dev/urandom >"$VTL_DIR/in.$n"
		cdb_good -o "$VTL_DIR/in.$n" $D 0a 00 $(len24 "$n") 00
	done
	cdb_good $D 10 00 00 00 01 00
	cdb_good $D 01 00 00 00 00 00
	for n in $sizes; do
		cdb_good -r "$VTL_DIR/out" $D 08 00 $(len24 "$n") 00
		cmp "$VTL_DIR/in.$n" "$VTL_DIR/out"
	done
	cdb_sense 0/00/01 $D 08 00 00 02 00 00
	assert_match "$CDB_FLAGS" 'filemark.*info 512'
	cdb_sense 8/00/05 $D 08 00 00 02 00 00
}

@test "fixed blocks: many in one command, a filemark in the middle of a read" {
	head -c 51200 /dev/urandom >"$VTL_DIR/in"
	cdb_good -x '00 00 10 08 00 00 00 00 00 00 02 00' $D 15 10 00 00 0c 00
	cdb_good -o "$VTL_DIR/in" $D 0a 01 00 00 64 00
	cdb_good $D 10 00 00 00 01 00
	cdb_good -x "$(printf '%0*d' 1024 0)" $D 0a 01 00 00 01 00
	cdb_good $D 01 00 00 00 00 00
	cdb -r "$VTL_DIR/out" $D 08 01 00 00 c8 00
	assert_sense 0/00/01 'filemark.*info 100'
	cmp "$VTL_DIR/in" "$VTL_DIR/out"
	cdb $D 08 01 00 00 05 00
	assert_sense 8/00/05 'info 4'
	assert_eq "$CDB_LEN" 512
}

@test "a buffer too small, a buffer too large" {
	head -c 1000 /dev/urandom >"$VTL_DIR/in"
	cdb_good -o "$VTL_DIR/in" $D 0a 00 00 03 e8 00
	cdb_good -o "$VTL_DIR/in" $D 0a 00 00 03 e8 00
	cdb_good $D 01 00 00 00 00 00
	cdb -r "$VTL_DIR/out" $D 08 00 00 01 00 00
	assert_sense 0/00/00 'ili.*info -744'
	cmp -n 256 "$VTL_DIR/in" "$VTL_DIR/out"
	cdb -r "$VTL_DIR/out" $D 08 00 00 10 00 00
	assert_sense 0/00/00 'ili.*info 3096'
	cmp "$VTL_DIR/in" "$VTL_DIR/out"
	cdb_good $D 01 00 00 00 00 00
	cdb_good -r "$VTL_DIR/out" $D 08 02 00 10 00 00
	cmp "$VTL_DIR/in" "$VTL_DIR/out"
}

# bats test_tags=slow
@test "a drive killed while it writes: all up to the last filemark is there, and whole blocks behind it" {
	local i pid

	head -c 100000 /dev/urandom >"$VTL_DIR/in"
	for ((i = 0; i < 20; i++)); do
		cdb_good -o "$VTL_DIR/in" $D 0a 00 $(len24 100000) 00
	done
	cdb_good $D 10 00 00 00 01 00
	for ((i = 0; i < 20; i++)); do
		printf '0a 00 %s 00 out=%s\n' "$(len24 100000)" "$VTL_DIR/in"
	done >"$VTL_DIR/batch"
	"$VTLCDB" -c "$VTL_CONF" -t 30 $D --batch "$VTL_DIR/batch" >/dev/null 2>&1 3>&- &
	pid=$!
	kill_unit KILL $D
	wait "$pid" || true # it was cut off, or was done before
	vtl_start -n $D
	settle $D
	for ((i = 0; i < 20; i++)); do
		cdb_good -r "$VTL_DIR/out" $D 08 00 $(len24 100000) 00
		cmp "$VTL_DIR/in" "$VTL_DIR/out"
	done
	cdb_sense 0/00/01 $D 08 00 $(len24 100000) 00
	while cdb -r "$VTL_DIR/out" $D 08 00 $(len24 100000) 00 && [[ $CDB_STATUS == 00 ]]; do
		cmp "$VTL_DIR/in" "$VTL_DIR/out"
	done
	assert_sense 8/00/05
	# and it goes on being a tape
	cdb_good -o "$VTL_DIR/in" $D 0a 00 $(len24 100000) 00
	cdb_good $D 10 00 00 00 01 00
}
