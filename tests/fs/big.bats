#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A library of 10,000 slots. Limits are many times what it takes on an idle machine: they are there to
# catch work that grows with the square, or a walk through all slots for one name.

load fs.bash

setup()
{
	fs_config "library lib0 { slots = 10000 map = 2 pickers = 1 fill = 0 }"
	fstool shape "$VTL_HOME" lib0 10000 2 2 1
	fstool fill "$VTL_HOME" lib0 200
	fs_start
}
teardown() { fs_teardown; }

@test "big: ten thousand slots are listed with all attributes, and looked into" {
	local t0=${EPOCHREALTIME/[.,]/} t

	assert_eq "$(timeout 30 ls -l "$VTL_MNT/lib0/slots" | wc -l)" 10001
	t=$((${EPOCHREALTIME/[.,]/} - t0))
	echo "# ls -l of 10000 slots: $((t / 1000)) ms" >&3
	((t < 10000000))
	assert_eq "$(timeout 60 find "$VTL_MNT/lib0/slots" -mindepth 2 -maxdepth 2 | wc -l)" 200
	assert_eq "$(timeout 30 ls -l "$VTL_MNT/cartridges" | wc -l)" 201
	assert_eq "$(ls "$VTL_MNT/lib0/slots" | tail -n 1)" 9999
	assert_eq "$(ls -U "$VTL_MNT/lib0/slots" | tail -n 1)" 10000
}

@test "big: one name among ten thousand is found without looking at the others" {
	local t0 t i

	t0=${EPOCHREALTIME/[.,]/}
	for i in {1..200}; do
		printf -v n '%04d' $i
		[[ -d $VTL_MNT/lib0/slots/$n/E0${n}L8 && ! -e $VTL_MNT/lib0/slots/$n/E00000L8 ]]
		read -r _ <"$VTL_MNT/cartridges/E0${n}L8/location"
	done
	t=$((${EPOCHREALTIME/[.,]/} - t0))
	echo "# 200 lookups of each kind: $((t / 1000)) ms" >&3
	((t < 20000000))
	mv "$VTL_MNT/lib0/slots/0001/E00001L8" "$VTL_MNT/lib0/slots/10000/"
	assert_file "$VTL_MNT/cartridges/E00001L8/location" lib0/slots/10000
}
