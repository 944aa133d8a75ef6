# SPDX-License-Identifier: GPL-2.0-only
# vtl cdb and the socket port: nexuses, task management, clients that lie, die or hold on.

load ../lib/vtl.bash

TUR='00 00 00 00 00 00'

setup() { vtl_config && vtl_start -n; }
teardown() { vtl_teardown; }

@test "vtl cdb prints data in hex and text, status and sense in words" {
	run -0 "$VTL" cdb -c "$VTL_CONF" lib0/drives/1 12 00 00 00 60 00
	assert_match "$output" 'status: 00 GOOD'
	assert_match "$output" 'data: 96 bytes'
	assert_match "$output" '0010  55 4c 54 33 35 38 30 2d 54 44 38 20 20 20 20 20  ULT3580-TD8'
	run -1 "$VTL" cdb -c "$VTL_CONF" lib0/drives/1 $TUR
	assert_match "$output" 'status: 02 CHECK CONDITION'
	assert_match "$output" 'sense: 6/29/00 UNIT ATTENTION, POWER ON'
	run -1 "$VTL" cdb -c "$VTL_CONF" lib0/drives/1 12 00 05 00 60 00
	assert_match "$output" 'sense: 5/24/00 ILLEGAL REQUEST, INVALID FIELD IN CDB \[cdb byte 2'
	run -0 "$VTL" -c "$VTL_CONF" cdb lib0 120000006000
	assert_match "$output" 'L700'
}

@test "vtl cdb: data-out in hex and from a file, raw data, room" {
	printf '\x00\x00\x10\x08\x00\x00\x00\x00\x00\x00\x02\x00' >"$VTL_DIR/list"
	settle lib0/drives/1
	cdb_good -o "$VTL_DIR/list" lib0/drives/1 15 10 00 00 0c 00
	cdb_good lib0/drives/1 1a 00 00 00 ff 00
	assert_eq "${CDB_DATA:18:6}" 000200 "block length"
	cdb_good -x '00 00 10 08 00 00 00 00 00 00 04 00' lib0/drives/1 15 10 00 00 0c 00
	cdb_good lib0/drives/1 1a 00 00 00 ff 00
	assert_eq "${CDB_DATA:18:6}" 000400 "block length"
	cdb_good -i 5 lib0/drives/1 12 00 00 00 60 00
	assert_eq "$CDB_LEN" 5
	run -0 --separate-stderr "$VTLCDB" -c "$VTL_CONF" -r - lib0/drives/1 12 00 00 00 60 00
	assert_match "$output" 'IBM     ULT3580-TD8'
	assert_match "$stderr" 'status: 00 GOOD'
}

@test "vtl cdb: many commands over one connection" {
	cat >"$VTL_DIR/batch" <<-END
		# a comment, then commands
		00 00 00 00 00 00
		00 00 00 00 00 00   # again
		151000000c00 hex=000010080000000000000200
		1a000000ff00 in=12 raw=$VTL_DIR/sense
		reset=lun
		00 00 00 00 00 00
	END
	run -1 "$VTLCDB" -c "$VTL_CONF" -b "$VTL_DIR/batch" lib0/drives/1
	assert_match "$output" '> 00 00.*6/29/00.*> 00 00.*2/3a/00.*> 1510.*GOOD.*> 1a00.*GOOD.*reset: lun done.*6/29/03'
	assert_eq "$(od -An -tx1 -j9 -N3 "$VTL_DIR/sense")" ' 00 02 00'
	run -2 "$VTLCDB" -c "$VTL_CONF" -b - lib0/drives/1 <<<'zz'
}

@test "vtl cdb: what cannot be is refused with words" {
	run -2 "$VTLCDB" -c "$VTL_CONF" lib0/drives/7 $TUR
	assert_match "$output" 'lib0/drives/7: not in'
	run -2 "$VTLCDB" -c "$VTL_CONF" lib7 $TUR
	run -2 "$VTLCDB" -c "$VTL_CONF" lib0
	run -2 "$VTLCDB" -c "$VTL_CONF" lib0 xy
	run -2 "$VTLCDB" -c "$VTL_CONF" lib0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	run -2 "$VTLCDB" -c "$VTL_CONF" -i 99999999999 lib0 $TUR
	run -2 "$VTLCDB" -c "$VTL_CONF" -t never lib0 $TUR
	run -2 "$VTLCDB" -c "$VTL_CONF" -o /nonexistent lib0 $TUR
	run -2 "$VTLCDB" -c /nonexistent lib0 $TUR
	vtl_stop
	run -2 "$VTLCDB" -c "$VTL_CONF" lib0 $TUR
	assert_match "$output" 'not started'
}

@test "an initiator is known by its name over its connections" {
	settle lib0/drives/1 -n a
	settle lib0/drives/1 -n b
	cdb_good -n a lib0/drives/1 16 00 00 00 00 00
	cdb -n b lib0/drives/1 $TUR
	assert_eq "$CDB_STATUS" 18 "RESERVATION CONFLICT"
	cdb_sense 2/3a/00 -n a lib0/drives/1 $TUR
	# the end of a connection that is an I_T nexus loss gives the reservation up
	cdb_sense 2/3a/00 -n a -L lib0/drives/1 $TUR
	wait_for 10 tur_sense b 2/3a/00
	cdb_sense 6/29/07 -n a lib0/drives/1 $TUR
}

tur_sense() { cdb -n "$1" lib0/drives/1 $TUR && [ "$CDB_SENSE" = "$2" ]; }

@test "a logical unit reset ends a reservation and is told to all" {
	settle lib0/drives/1 -n a
	settle lib0/drives/1 -n b
	cdb_good -n a lib0/drives/1 16 00 00 00 00 00
	run -0 "$VTLCDB" -c "$VTL_CONF" -n b --reset lun lib0/drives/1
	cdb_sense 6/29/03 -n a lib0/drives/1 $TUR
	cdb_sense 6/29/03 -n b lib0/drives/1 $TUR
	cdb_sense 2/3a/00 -n b lib0/drives/1 $TUR
}

@test "a long command on one connection delays no INQUIRY on another" {
	local pid

	settle lib0
	settle lib0/drives/1
	move slot 1 drive 1
	settle lib0/drives/1
	# 8 MB blocks, many: the writer is busy for as long as we look
	head -c 8000000 /dev/zero >"$VTL_DIR/block"
	yes "0a 00 7a 12 00 00 out=$VTL_DIR/block" | head -n 2000 >"$VTL_DIR/batch"
	timeout 100 "$VTLCDB" -q -c "$VTL_CONF" -b "$VTL_DIR/batch" lib0/drives/1 >"$VTL_DIR/out" 3>&- &
	pid=$!
	wait_for 20 grep -q GOOD "$VTL_DIR/out"
	cdb_good -n other -t 5 lib0/drives/1 12 00 00 00 60 00
	cdb -n other -t 5 lib0/drives/1 03 00 00 00 12 00
	kill -0 $pid # it was still at it
	kill $pid
	wait $pid || true
	# The client is dead; what it had sent was written, the drive goes on.
	cdb_good lib0/drives/1 10 00 00 00 01 00
}

# lies FILE...: python sends what it is told to and goes.
@test "clients that lie, stop in the middle, or hold on: the unit serves on" {
	local pid

	command -v python3 >/dev/null || skip "no python3"
	pid=$(unit_pid lib0/drives/1)
	timeout 60 python3 - "$VTL_RUN/lib0-drive1.sock" <<-'PY' 3>&-
		import os, random, socket, struct, sys
		path = sys.argv[1]
		def talk(data):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(path)
		    s.settimeout(20)
		    try:
		        s.sendall(data)
		        s.shutdown(socket.SHUT_WR)
		        while s.recv(65536):
		            pass
		    except (BrokenPipeError, ConnectionResetError):
		        pass
		    s.close()
		def header(type=2, arg=6, tag=1, out=0, room=0, value=0, magic=0x56544c53, version=1):
		    return struct.pack(">IBBBBQIIQ", magic, version, type, arg, 0, tag, out, room, value)
		inquiry = bytes.fromhex("120000006000")
		random.seed(7)
		for n in (0, 1, 31, 32, 33, 100, 5000, 200000):
		    talk(random.randbytes(n))
		for h in (header(magic=1), header(version=0), header(type=0), header(type=255), header(arg=0),
		          header(arg=255), header(out=2**32 - 1), header(room=2**32 - 1), header(value=1),
		          header(type=1, value=2**63), header(type=1, out=5), header(type=3, room=5),
		          header(out=32 << 20), header(room=32 << 20)):
		    talk(h)
		    talk(h + inquiry)
		    talk(h + inquiry + bytes(100))
		good = header(room=96) + inquiry
		for n in range(len(good)):
		    talk(good[:n])
		for i in range(300):
		    bad = bytearray(good + good)
		    bad[random.randrange(len(bad))] = random.randrange(256)
		    talk(bytes(bad))
		# CDBs of every op code with no data, too little, and too much
		for op in range(256):
		    cdb = bytes([op]) + random.randbytes(15)
		    talk(header(arg=16) + cdb + header(arg=16, out=64) + cdb + bytes(64) + header(arg=16, room=64) + cdb)
		# more connections than are served at once hold on to nothing and everybody gets a turn
		held = []
		for i in range(240):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(path)
		    held.append(s)
		talk(good)
	PY
	assert_eq "$(unit_pid lib0/drives/1)" "$pid"
	not process_gone "$pid"
	cdb_good -n after lib0/drives/1 12 00 00 00 60 00
}

@test "many initiators at once each get their own answers" {
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		(
			for _ in 1 2 3 4 5; do echo '12 00 00 00 24 00'; done |
				"$VTLCDB" -c "$VTL_CONF" -n "i$i" -t 60 -b - lib0/drives/1 >"$VTL_DIR/out.$i"
		) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" # not bats' own timer
	for i in 1 2 3 4 5 6 7 8; do
		assert_eq "$(grep -c 'data: 36 bytes' "$VTL_DIR/out.$i")" 5 "answers to initiator $i"
	done
}
