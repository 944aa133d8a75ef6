# SPDX-License-Identifier: GPL-2.0-only
# vtl-conf: what scripts read, and what people are told. The reading itself: tests/unit/test_conf.c.

load ../lib/vtl.bash

setup()
{
	vtl_config 'library a { slots = 3 fill_media = L7 drives = 2 drive 2 { enabled = false serial = S2 } }'
}
teardown() { vtl_teardown; }

has_line() { grep -qEx -- "$1" <<<"$output" || fail "no line is: $1"; }
conf() { "$VTL_BUILD/emul/tools/vtl-conf" "$@"; }

@test "vtl-conf prints one line per unit, the personality last" {
	run -0 conf -c "$VTL_CONF"
	has_line "library a VTL0000L 0:0:0 [a-z]+ [^ ]+/a\\.sock 3 2 4 1 3 L7 STK L700"
	has_line "drive a 1 VTL0000D01 0:1:0 [a-z]+ [^ ]+/a-drive1\\.sock enabled lzo 0 [0-9]+ IBM ULT3580-TD8"
	has_line "drive a 2 S2 0:2:0 [a-z]+ [^ ]+/a-drive2\\.sock disabled lzo 0 [0-9]+ IBM ULT3580-TD8"
	has_line "home $VTL_HOME"
}

@test "vtl-conf check says nothing of what is right, and file, line and reason of what is wrong" {
	run -0 conf -c "$VTL_CONF" check
	assert_eq "$output" ''
	printf 'library a {\n slots = -1\n}\n' >"$VTL_CONF"
	run -1 conf -c "$VTL_CONF" check
	assert_eq "$output" "$VTL_CONF:2: slots must be between 0 and 60000, not -1"
	run -1 conf -c "$VTL_DIR/none" check
	assert_eq "$output" "$VTL_DIR/none: No such file or directory"
	run -2 conf -c "$VTL_CONF" chek
}

@test "vtl-conf default is the installed file, and is accepted" {
	conf default >"$VTL_DIR/default.conf"
	cmp "$VTL_DIR/default.conf" "$VTL_REPO/etc/vtl.conf"
	run -0 conf -c "$VTL_DIR/default.conf" check
}

@test "vtl-conf fails where its output cannot be written" {
	[ -e /dev/full ] || skip "no /dev/full"
	run -1 bash -c '"$1" -c "$2" >/dev/full' sh "$VTL_BUILD/emul/tools/vtl-conf" "$VTL_CONF"
}
