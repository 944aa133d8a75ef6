# SPDX-License-Identifier: GPL-2.0-only
# scripts/vtl and the life of the daemons: start, stop, restart, reload, and what kill -9 leaves.

load ../lib/vtl.bash

setup() { vtl_config; }
teardown() { vtl_teardown; }

nothing_left()
{
	local u

	for u in lib0 lib0/drives/1 lib0/drives/2; do
		process_gone "$(unit_pid "$u")" || fail "the daemon of $u runs" || return
	done
	not grep -q " $VTL_MNT " /proc/self/mountinfo &&
		assert_eq "$(cd "$VTL_RUN" && echo *.sock)" '*.sock' "sockets left"
}

@test "start: everything serves when it returns; stop: nothing is left" {
	vtl_start
	cdb_good lib0 12 00 00 00 60 00
	cdb_good lib0/drives/1 12 00 00 00 60 00
	cdb_good lib0/drives/2 12 00 00 00 60 00
	[ -d "$VTL_MNT/lib0/drives/1" ]
	run -0 "$VTL" status -c "$VTL_CONF"
	assert_match "$output" 'lib0 +online +STK L700 +VTL0000L'
	assert_match "$output" 'drive 2 +empty +IBM ULT3580-TD8 +VTL0000D02'
	assert_match "$output" '0001 E01001L8 +0002 E01002L8 +0003 E01003L8'
	assert_match "$output" "mount +$VTL_MNT"
	vtl_stop
	nothing_left
	run -3 "$VTL" status -c "$VTL_CONF"
	assert_match "$output" 'drive 1 +down'
}

@test "stop works although the configuration was spoilt after the start" {
	vtl_start
	cp "$VTL_CONF" "$VTL_CONF.good"
	echo 'library lib1 { slotz = 4 }' >>"$VTL_CONF"
	run -0 "$VTL" stop -c "$VTL_CONF"
	assert_match "$output" "$VTL_CONF:[0-9]+: .*slotz"
	assert_match "$output" 'stopped what had been started'
	cp "$VTL_CONF.good" "$VTL_CONF"
	nothing_left
	echo 'library lib1 { slotz = 4 }' >>"$VTL_CONF"
	run -1 "$VTL" stop -c "$VTL_CONF"
	assert_match "$output" 'nothing runs with'
	cp "$VTL_CONF.good" "$VTL_CONF"
}

@test "start again changes nothing" {
	local before after

	vtl_start -n
	before=$(unit_pid lib0) && before+=$(unit_pid lib0/drives/1)
	vtl_start -n
	after=$(unit_pid lib0) && after+=$(unit_pid lib0/drives/1)
	assert_eq "$after" "$before"
	# and a second daemon is refused by the first one's lock
	run -1 timeout 20 "$VTLTAPE" -c "$VTL_CONF" lib0/drives/1
	assert_match "$output" 'another daemon serves this unit'
}

@test "start: what cannot start is told, and nothing stays half up" {
	vtl_config 'library lib0 { drive 1 {} drive 2 { personality = "ACME TAPE" } }'
	run -1 vtl_start
	assert_match "$output" 'lib0/drives/2 did not start'
	assert_match "$output" '"ACME TAPE" is not known; there are: .*IBM ULT3580-TD8'
	nothing_left
}

@test "start: a configuration that is wrong is refused with file and line" {
	vtl_config 'library lib0 { slotz = 4 }'
	run -1 vtl_start
	assert_match "$output" "vtl.conf:[0-9]+: .*slotz"
	run -1 timeout 20 "$VTLLIBRARY" -c "$VTL_CONF" lib0
	assert_match "$output" 'slotz'
}

@test "units that the configuration does not have are refused" {
	run -1 timeout 20 "$VTLTAPE" -c "$VTL_CONF" lib0/drives/9
	assert_match "$output" 'lib0/drives/9: no such drive'
	run -1 timeout 20 "$VTLTAPE" -c "$VTL_CONF" lib0/slots/0001
	run -1 timeout 20 "$VTLLIBRARY" -c "$VTL_CONF" lib1
	assert_match "$output" 'lib1: no such library'
	run -1 timeout 20 "$VTLTAPE" -c "$VTL_CONF" -p tcmu lib0/drives/1
	assert_match "$output" 'tcmu'
	run -2 timeout 20 "$VTLTAPE" -c "$VTL_CONF" -p bogus lib0/drives/1
	run -2 timeout 20 "$VTLTAPE" --bogus lib0/drives/1
	run -2 timeout 20 "$VTLTAPE"
	run -1 vtl_start lib0/drives/9
}

@test "kill -9 of each daemon: start puts it back, at once, and only it" {
	local u pid other i

	vtl_start -n
	other=$(unit_pid lib0/drives/2)
	for i in 1 2 3; do
		for u in lib0 lib0/drives/1; do
			pid=$(unit_pid $u)
			kill -9 "$pid" # no waiting in between
			vtl_start -n $u
			assert_match "$(unit_pid $u)" '^[0-9]+$'
			[ "$(unit_pid $u)" != "$pid" ]
			cdb_good $u 12 00 00 00 60 00
		done
	done
	assert_eq "$(unit_pid lib0/drives/2)" "$other"
}

@test "kill -9 of vtlfs: start mounts again over what is left" {
	vtl_start
	kill_unit KILL vtlfs
	vtl_start
	[ -e "$VTL_MNT/lib0/slots/0001/E01001L8/type" ]
	assert_eq "$(grep -c " $VTL_MNT " /proc/self/mountinfo)" 1 "mounts"
}

@test "stop works when some are dead" {
	vtl_start
	kill_unit KILL vtlfs lib0/drives/1
	vtl_stop
	nothing_left
	vtl_stop # and when all are
}

@test "stop of one unit leaves the others" {
	vtl_start -n
	vtl_stop lib0/drives/1
	process_gone "$(unit_pid lib0/drives/1)"
	cdb_good lib0/drives/2 12 00 00 00 60 00
	vtl_start -n lib0/drives/1
	cdb_good lib0/drives/1 12 00 00 00 60 00
}

@test "restart: new daemons, same library" {
	local pid

	vtl_start -n
	pid=$(unit_pid lib0)
	move slot 1 drive 1
	settle lib0
	move slot 1 drive 1
	assert_good
	timeout 60 "$VTL" restart -q -n -c "$VTL_CONF" 3>&-
	[ "$(unit_pid lib0)" != "$pid" ]
	settle lib0/drives/1
	assert_good
	assert_eq "$(in_element lib0/drives/1)" E01001L8
}

@test "two instances side by side know nothing of each other" {
	local first=$VTL_CONF

	vtl_start
	VTL_INSTANCE=second vtl_config 'library lib0 { slots = 3 fill = 1 }'
	vtl_start
	run -0 "$VTL" status -c "$VTL_CONF"
	assert_match "$output" '2 of 3 full'
	[ -d "$VTL_MNT/lib0/slots/0003" ]
	vtl_stop
	run -0 "$VTL" status -c "$first"
	assert_match "$output" '4 of 6 full'
	VTL_CONF=$first vtl_stop
}

@test "reload: slots and drives come and go while others serve" {
	local pid

	vtl_start -n
	pid=$(unit_pid lib0)
	settle lib0
	vtl_config 'library lib0 { slots = 8 map = 2 drive 1 {} drive 3 {} }'
	timeout 60 "$VTL" reload -q -n -c "$VTL_CONF" 3>&-
	assert_eq "$(unit_pid lib0)" "$pid"
	process_gone "$(unit_pid lib0/drives/2)"
	cdb_good lib0/drives/3 12 00 00 00 60 00
	wait_for 10 test -d "$VTL_HOME/state/lib0/slots/0008"
	# Element addresses 1D: the number of slots. The reshaping was told first.
	wait_for 10 slots_are 0008
}

slots_are()
{
	settle lib0 && cdb_good lib0 1a 08 1d 00 ff 00 && [ "${CDB_DATA:24:4}" = "$1" ]
}

@test "after a boot the run directory is empty: whoever starts makes it again" {
	vtl_start -n
	vtl_stop
	rm -rf "$VTL_RUN"
	vtl_start -n
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/state" empty
	not test -e "$VTL_HOME/state/lib0/drives/1/status"
	cdb_good lib0/drives/1 12 00 00 00 60 00
}

@test "reload: a wrong configuration leaves the old one in force" {
	vtl_start -n
	cp "$VTL_CONF" "$VTL_DIR/good.conf"
	echo 'bogus = 1' >>"$VTL_CONF"
	kill -HUP "$(unit_pid lib0/drives/1)"
	wait_for 10 grep -q 'the old configuration stays in force.*bogus' "$VTL_RUN/lib0-drive1.log"
	cp "$VTL_DIR/good.conf" "$VTL_CONF"
	cdb_good lib0/drives/1 12 00 00 00 60 00
}

@test "reload: compression changes on a running drive" {
	vtl_start -n
	assert_match "$(cat "$VTL_RUN/lib0/drives/1/status/compression")" lzo
	vtl_config 'library lib0 { slots = 6 map = 2 drive 1 { compression = "zlib" } drive 2 {} }'
	kill -HUP "$(unit_pid lib0/drives/1)"
	wait_for 10 grep -q zlib "$VTL_RUN/lib0/drives/1/status/compression"
}

@test "readiness is told to a service manager" {
	local sock=$VTL_DIR/notify.sock

	command -v python3 >/dev/null || skip "no python3"
	timeout 60 python3 - "$sock" "$VTLTAPE" "$VTL_CONF" <<-'PY'
		import os, signal, socket, subprocess, sys
		path, program, conf = sys.argv[1:]
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(path)
		s.settimeout(30)
		p = subprocess.Popen([program, "-c", conf, "lib0/drives/1"],
		    env=dict(os.environ, NOTIFY_SOCKET=path))
		def until(word):
		    while word not in s.recv(4096).decode().split("\n"):
		        pass
		until("READY=1")
		p.send_signal(signal.SIGHUP)
		until("RELOADING=1")
		until("READY=1")
		p.send_signal(signal.SIGTERM)
		until("STOPPING=1")
		sys.exit(p.wait(30))
	PY
}

@test "--help tells what the manual page tells" {
	local p dir page

	for p in "$VTLTAPE:emul/daemon/vtltape.8" "$VTLLIBRARY:emul/daemon/vtllibrary.8" \
		"$VTLCDB:emul/tools/vtl-cdb.8"; do
		page=$VTL_REPO/${p#*:}
		"${p%%:*}" --help | grep -oE -- '--[a-z]+' | sort -u >"$VTL_DIR/help"
		sed 's/\\-/-/g' "$page" | grep -oE -- '--[a-z]+' | sort -u >"$VTL_DIR/page"
		diff "$VTL_DIR/help" "$VTL_DIR/page"
		"${p%%:*}" --version | grep -q '[0-9]\.[0-9]'
	done
}
