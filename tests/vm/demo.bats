#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/quickstart shows a new user, once, to its end.

load lib/guest.bash

setup() {
	dmesg_mark
	vtl_module_load
}

teardown() {
	dump_on_failure
	vtl_kill_all
}

@test "the demonstration of quickstart" {
	VTL_BUILD=$VTL_BUILD run -0 timeout 170 "$VTL_REPO/scripts/lib/demo"
	assert_match "$output" 'lsscsi -g'
	assert_match "$output" 'Storage Changer /dev/sg[0-9]+:2 Drives'
	assert_match "$output" 'diff -r finds no difference: [0-9]+ files'
	not grep -E "[Ee]rror:|failed|No such" <<<"$output"
	not pgrep -x 'vtl[tlf].*'
	vtl_module_unload
	dmesg_clean
}
