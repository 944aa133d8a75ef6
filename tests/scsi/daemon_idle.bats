# SPDX-License-Identifier: GPL-2.0-only
# A library that has nothing to do uses no processor time: nobody in it wakes up.

load ../lib/vtl.bash

setup() { vtl_config; }
teardown() { vtl_teardown; }

# Nanoseconds on a processor and times switched to, of all threads of all daemons.
usage()
{
	local u t ns runs total=0 count=0

	for u in lib0 lib0/drives/1 lib0/drives/2 "$@"; do
		for t in /proc/"$(unit_pid "$u")"/task/*/schedstat; do
			read -r ns _ runs <"$t"
			total=$((total + ns)) count=$((count + runs))
		done
	done
	echo "$total $count"
}

# bats test_tags=slow
@test "idle daemons do not wake up, and use no time" {
	local before after

	vtl_start
	settle lib0
	move slot 1 drive 1
	settle lib0/drives/1
	# Buffered data that waits for nobody's sync is idle too.
	cdb_good -x 'aa bb' lib0/drives/1 0a 00 00 00 02 00
	wait_for 10 still
	read -r before < <(usage vtlfs)
	sleep 5
	read -r after < <(usage vtlfs)
	echo "before $before, after $after"
	((${after% *} - ${before% *} < 1000000))
	((${after#* } - ${before#* } <= 1))
}

# What is under way after the last command has come to rest.
still()
{
	local a b

	a=$(usage vtlfs) && sleep 0.5 && b=$(usage vtlfs) && [ "$a" = "$b" ]
}
