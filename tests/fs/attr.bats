#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# One value per file: what daemons publish is read, what is written is asked of them.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

# put VALUE FILE
put() { printf '%s\n' "$1" >"$M/$2"; }
refused_put() { refused "$1" bash -c 'printf "%s\n" "$1" >"$2"' - "$2" "$M/$3"; }

@test "attr: identity comes from the configuration while no daemon lives" {
	fs_kill TERM
	fs_config 'library lib0 { slots = 6 map = 2 pickers = 1 fill = 0 serial = "LIBSER"
		drive 1 { personality = "IBM ULT3580-TD8" serial = "DRVSER" address = "0:3:1" } }'
	fs_start
	assert_file "$M/lib0/serial" LIBSER
	assert_file "$M/lib0/state" down
	assert_file "$M/lib0/drives/1/vendor" IBM
	assert_file "$M/lib0/drives/1/product" ULT3580-TD8
	assert_file "$M/lib0/drives/1/serial" DRVSER
	assert_file "$M/lib0/drives/1/address" 0:3:1
	assert_file "$M/lib0/drives/1/state" down
	assert_file "$M/lib0/drives/1/online" 0
}

@test "attr: SIGHUP reads the configuration again, and keeps the old one when it is bad" {
	fs_config 'library lib0 { slots = 6 map = 2 pickers = 1 fill = 0 serial = "SECOND" }'
	kill -HUP "$FS_PID"
	wait_file 10 "$M/lib0/serial" SECOND
	echo 'nonsense {' >"$VTL_CONF"
	kill -HUP "$FS_PID"
	wait_for 10 grep -q 'stays as it was' "$VTL_RUN/vtlfs.log"
	assert_file "$M/lib0/serial" SECOND
}

@test "attr: what a living daemon publishes is what is read" {
	fake status "$VTL_HOME" lib0/drives/1 vendor ACME product Tape-1 revision 0042 serial S1 \
		device /dev/nst7 state ready tapealert 2000000000000001 \
		position "partition=0 block=7 file=1"
	assert_file "$M/lib0/drives/1/vendor" ACME
	assert_file "$M/lib0/drives/1/product" Tape-1
	assert_file "$M/lib0/drives/1/revision" 0042
	assert_file "$M/lib0/drives/1/device" /dev/nst7
	assert_file "$M/lib0/drives/1/state" ready
	assert_file "$M/lib0/drives/1/loaded" 1
	assert_file "$M/lib0/drives/1/online" 1
	assert_file "$M/lib0/drives/1/tapealert" "3 64"
	assert_file "$M/lib0/drives/1/position" "partition=0 block=7 file=1"
	fake_say "state offline"
	assert_file "$M/lib0/drives/1/state" offline
	fake_end
	assert_file "$M/lib0/drives/1/state" down
}

@test "attr: a written value goes to the daemon in its own form" {
	fake status "$VTL_HOME" lib0/drives/1 state ready tapealert 0000000000000000
	put "3 20" lib0/drives/1/tapealert && fake_hears "tapealert 2000100000000000"
	assert_file "$M/lib0/drives/1/tapealert" "3 20"
	put 3,64 lib0/drives/1/tapealert && fake_hears "tapealert 2000000000000001"
	put 0x8000000000000000 lib0/drives/1/tapealert && fake_hears "tapealert 8000000000000000"
	assert_file "$M/lib0/drives/1/tapealert" 1
	put 0 lib0/drives/1/tapealert && fake_hears "tapealert 0000000000000000"
	assert_file "$M/lib0/drives/1/tapealert" 0
	echo 7 >>"$M/lib0/drives/1/tapealert" && fake_hears "tapealert 0200000000000000"
	put off lib0/drives/1/online && fake_hears "online 0"
	put "zlib 6" lib0/drives/1/compression && fake_hears "compression zlib 6"
	put 1 lib0/drives/1/loaded && fake_hears "load "
	put 0 lib0/drives/1/loaded && fake_hears "unload "
	fake_end
}

@test "attr: the library's daemon is asked of its own" {
	fake status "$VTL_HOME" lib0 state ready door/1 closed door/2 closed
	put 0 lib0/online && fake_hears "online 0"
	assert_file "$M/lib0/map/door" closed
	put open lib0/map/door
	fake_hears "door 1 open" && fake_hears "door 2 open"
	refused_put "Invalid argument" ajar lib0/map/door
	fake_end
}

@test "attr: bad values are EINVAL with words, and change nothing" {
	fake status "$VTL_HOME" lib0/drives/1 state ready tapealert 0000000000000000
	for v in 65 -1 x "3 y" 0x 0x12345678901234567 3.5 "3;4"; do
		refused_put "Invalid argument" "$v" lib0/drives/1/tapealert
	done
	assert_match "$(<"$M/lib0/drives/1/last_error")" "tapealert: takes flag numbers"
	refused_put "Invalid argument" maybe lib0/drives/1/online
	refused "Invalid argument" bash -c 'printf "1\n0\n" | dd of="$1" bs=4' - \
		"$M/lib0/drives/1/online"
	refused_put "Invalid argument" "" lib0/drives/1/compression
	refused_put "Invalid argument" "$(printf 'x%.0s' {1..5000})" lib0/drives/1/inject
	assert_file "$M/lib0/drives/1/tapealert" 0
	fake_end
}

@test "attr: the daemon's refusal is the writer's errno, its words are last_error" {
	fake status "$VTL_HOME" lib0/drives/1 state ready
	refused_put "resource busy" refuse lib0/drives/1/inject
	assert_match "$(<"$M/lib0/drives/1/last_error")" "inject: busy as a bee"
	assert_match "$(<"$M/lib0/last_error")" "busy as a bee"
	assert_eq "$(<"$M/lib0/drives/2/last_error")" ""
	fake_end
	# Nobody there.
	refused_put "No such device or address" 3 lib0/drives/1/tapealert
	assert_match "$(<"$M/lib0/drives/1/last_error")" "no daemon is running"
}

@test "attr: what the daemon says later replaces our words" {
	refused_put "No such device" 3 lib0/drives/1/tapealert
	fake status "$VTL_HOME" lib0/drives/1 state ready last_error "2999-01-01T00:00:00.000Z old words"
	wait_file 10 "$M/lib0/drives/1/last_error" "2999-01-01T00:00:00.000Z old words"
	fake_say "last_error 2999-01-01T00:00:01.000Z the belt is torn"
	wait_file 10 "$M/lib0/drives/1/last_error" "2999-01-01T00:00:01.000Z the belt is torn"
	# What is older than ours does not.
	fake_say "last_error 2001-01-01T00:00:00.000Z long ago"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "no daemon is running"
	fake_end
}

@test "attr: last_error has a time in front, and ends with the next success of its kind" {
	fake status "$VTL_HOME" lib0/drives/1 state ready tapealert 0000000000000000
	refused_put "Invalid argument" 65 lib0/drives/1/tapealert
	assert_match "$(<"$M/lib0/drives/1/last_error")" \
		'^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z tapealert: takes flag numbers'
	put "zlib 6" lib0/drives/1/compression && fake_hears "compression zlib 6"
	assert_match "$(<"$M/lib0/drives/1/last_error")" "tapealert"
	put 3 lib0/drives/1/tapealert && fake_hears "tapealert 2000000000000000"
	assert_file "$M/lib0/drives/1/last_error" ""
	assert_file "$M/lib0/last_error" ""
	assert_file "$M/last_error" ""
	fake_end
	# A move's by the next move that works; of a drive, by one of that drive.
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/drives/2/"
	refused "resource busy" mv "$M/lib0/slots/0002/E01002L8" "$M/lib0/drives/2/"
	assert_match "$(<"$M/lib0/drives/2/last_error")" "E01002L8"
	assert_match "$(<"$M/lib0/last_error")" "E01002L8"
	mv "$M/lib0/slots/0002/E01002L8" "$M/lib0/slots/0006/"
	assert_file "$M/lib0/last_error" ""
	assert_file "$M/last_error" ""
	assert_match "$(<"$M/lib0/drives/2/last_error")" "E01002L8"
	mv "$M/lib0/drives/2/E01001L8" "$M/lib0/slots/0001/"
	assert_file "$M/lib0/drives/2/last_error" ""
}

@test "attr: a read is a snapshot of when it was opened" {
	fake status "$VTL_HOME" lib0/drives/1 state ready
	exec {fd}<"$M/lib0/drives/1/state"
	fake_say "state offline"
	read -r -u "$fd" line
	exec {fd}<&-
	assert_eq "$line" ready
	assert_file "$M/lib0/drives/1/state" offline
	fake_end
}

@test "attr: read-only values cannot be written, truncation means nothing" {
	refused "not permitted" bash -c 'echo x >"$1"' - "$M/lib0/vendor"
	refused "not permitted" truncate -s 0 "$M/lib0/vendor"
	truncate -s 0 "$M/lib0/tapealert"
}

@test "attr: write_protect is a tab that stays, and that a drive in use holds fast" {
	local c=lib0/slots/0001/E01001L8

	put 1 $c/write_protect
	assert_file "$M/$c/write_protect" 1
	fs_kill KILL
	fs_start
	assert_file "$M/$c/write_protect" 1
	put 0 $c/write_protect
	assert_file "$M/$c/write_protect" 0
	refused_put "Invalid argument" 2 $c/write_protect
	fake drive "$VTL_HOME" E01001L8
	refused_put "resource busy" 1 $c/write_protect
	assert_match "$(<"$M/lib0/last_error")" "another process has E01001L8 open"
	fake_end
	put 1 $c/write_protect
}

@test "attr: MAM attributes are read, written, removed" {
	local m=lib0/slots/0001/E01001L8/mam

	assert_file "$M/$m/0806_barcode" E01001L8
	assert_file "$M/$m/0405_medium_density_code" 94
	put "Bacula" $m/0800_application_vendor
	assert_file "$M/$m/0800_application_vendor" Bacula
	put "full backup, monday" $m/0803_user_medium_text_label
	assert_file "$M/$m/0803_user_medium_text_label" "full backup, monday"
	refused_put "Invalid argument" "much too long" $m/0800_application_vendor
	refused "not permitted" bash -c 'echo x >"$1"' - "$M/$m/0401_medium_serial_number"
	put "" $m/0803_user_medium_text_label
	assert_file "$M/$m/0803_user_medium_text_label" ""
	refused "No such file" cat "$M/$m/0806_other"
	refused "No such file" cat "$M/$m/fffe_unknown"
	fs_kill KILL
	fs_start
	assert_file "$M/$m/0800_application_vendor" Bacula
}

@test "attr: a damaged cartridge says so and spoils nothing else" {
	local f

	for f in "$VTL_HOME"/pool/E01001L8/*; do
		[[ -f $f && -s $f ]] || continue
		printf 'garbage %.0s' 1 2 3 | dd of="$f" conv=notrunc status=none
	done
	assert_file "$M/lib0/slots/0001/E01001L8/health" damaged
	refused "Input/output" cat "$M/lib0/slots/0001/E01001L8/type"
	refused "Input/output" ls "$M/lib0/slots/0001/E01001L8/files/0"
	assert_file "$M/lib0/slots/0001/E01001L8/barcode" E01001L8
	assert_file "$M/lib0/slots/0002/E01002L8/health" ok
	mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
}
