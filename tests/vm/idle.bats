#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Who has nothing to do uses no processor.

load lib/guest.bash
load lib/library.bash

setup_file() { lib_up; }
teardown_file() { lib_down; }
setup() { dmesg_mark; }
teardown() { dump_on_failure; }

# Nanoseconds on a processor of all threads of all daemons, by the scheduler's own account.
cpu_time() {
	local pid stat ran sum=0

	for pid in $(pgrep -x 'vtl[tlf].*'); do
		for stat in /proc/"$pid"/task/*/schedstat; do
			read -r ran _ <"$stat" && ((sum += ran))
		done
	done
	echo $sum
}

all_alive() {
	[ -n "$(drive_pid 1)" ] && [ -n "$(drive_pid 2)" ] && [ -n "$(robot_pid)" ] && [ -n "$(vtlfs_pid)" ]
}

@test "60 idle seconds cost all daemons together less than 10 ms" {
	local before after

	in_drive 1 "$(at slots/0001)"
	marked_tape "$T1" 2 2
	all_alive
	# What the work before has left is over when nothing was used for a second.
	wait_for 60 settled
	before=$(cpu_time)
	sleep 60
	after=$(cpu_time)
	echo "# idle: $(((after - before) / 1000)) us in 60 s" >&3
	((after - before < 10000000)) || fail "$((after - before)) ns of processor time in 60 s"
	all_alive
	dmesg_clean
}

settled() {
	local before

	before=$(cpu_time)
	sleep 1
	[ "$(cpu_time)" = "$before" ]
}
