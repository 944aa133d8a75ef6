#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A library of 10,000 slots. Limits are many times what it takes on an idle machine: they are there
# to catch work that grows with the square, or a walk through all slots for one name.

load fs.bash

setup()
{
	fs_config "library lib0 { slots = 10000 map = 2 pickers = 1 fill = 0 }"
	fstool shape "$VTL_HOME" lib0 10000 2 2 1
	fstool fill "$VTL_HOME" lib0 100
	fs_start
}
teardown() { fs_teardown; }

# bats test_tags=slow
@test "big: ten thousand slots are listed with all attributes, and looked into" {
	local t0=${EPOCHREALTIME/[.,]/} t i n

	assert_eq "$(timeout 30 ls -l "$M/lib0/slots" | wc -l)" 10001
	t=$((${EPOCHREALTIME/[.,]/} - t0))
	echo "# ls -l of 10000 slots: $((t / 1000)) ms" >&3
	((t < 10000000))
	assert_eq "$(timeout 60 find "$M/lib0/slots" -mindepth 2 -maxdepth 2 | wc -l)" 100
	assert_eq "$(timeout 30 ls -l "$M/cartridges" | wc -l)" 101
	assert_eq "$(ls "$M/lib0/slots" | tail -n 1)" 9999
	assert_eq "$(ls -U "$M/lib0/slots" | tail -n 1)" 10000

	# One name is found without looking at the others.
	t0=${EPOCHREALTIME/[.,]/}
	for i in {1..100}; do
		printf -v n '%04d' $i
		[[ -d $M/lib0/slots/$n/E0${n}L8 && ! -e $M/lib0/slots/$n/E00000L8 ]]
		read -r _ <"$M/cartridges/E0${n}L8/location"
	done
	t=$((${EPOCHREALTIME/[.,]/} - t0))
	echo "# 100 lookups of each kind: $((t / 1000)) ms" >&3
	((t < 20000000))
	mv "$M/lib0/slots/0001/E00001L8" "$M/lib0/slots/10000/"
	assert_file "$M/cartridges/E00001L8/location" lib0/slots/10000
}
