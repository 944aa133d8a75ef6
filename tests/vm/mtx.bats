#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The robot as mtx sees it: every command, the refusals, and that the mount and mtx always show the same.

load lib/guest.bash
load lib/library.bash

setup_file() { lib_up; }
teardown_file() { lib_down; }

setup() {
	dmesg_mark
	all_home
}

teardown() { dump_on_failure; }

# A cartridge from a slot that has one, and a slot that has none, as mtx counts them.
full_slot() {
	mtx -f "$CH" status | sed -n 's/^ *Storage Element \([0-9]*\):Full.*/\1/p' | sed -n "${1:-1}p"
}

empty_slot() {
	mtx -f "$CH" status | sed -n 's/^ *Storage Element \([0-9]*\):Empty.*/\1/p' | sed -n "${1:-1}p"
}

slot() { printf 'slots/%04d' "$1"; }

# element_address NAME: first address of slots, drives, map (mode page 1Dh).
element_address() {
	local file=${BATS_TEST_TMPDIR:?}/page
	local -a page

	# What a person moved before is told first, as unit attention: more than one may wait.
	wait_for 60 sg_turs "$CH" || return
	sg_raw -r 24 -o "$file" "$CH" 1a 08 1d 00 18 00 2>/dev/null || return
	read -r -a page < <(od -An -v -tu1 -w24 "$file")
	case $1 in
	slots) echo $((page[10] << 8 | page[11])) ;;
	map) echo $((page[14] << 8 | page[15])) ;;
	drives) echo $((page[18] << 8 | page[19])) ;;
	esac
}

# move_medium FROM TO: MOVE MEDIUM by hand, with nothing of mtx's own checks before it.
move_medium() {
	sg_raw "$CH" a5 00 00 00 $(printf '%02x %02x %02x %02x' $(($1 >> 8)) $(($1 & 255)) \
		$(($2 >> 8)) $(($2 & 255))) 00 00 00 00
}

@test "mtx inquiry tells what the robot is" {
	run -0 mtx -f "$CH" inquiry
	assert_match "$output" "Product Type: Medium Changer"
	assert_match "$output" "Vendor ID: 'STK"
	assert_match "$output" "Product ID: 'L700"
	dmesg_clean
}

@test "mtx status has every element, and the same cartridges as the mount" {
	run -0 mtx -f "$CH" status
	assert_match "$output" '2 Drives, 9 Slots \( 2 Import/Export \)'
	assert_eq "$(grep -c 'Storage Element' <<<"$output")" 9 "storage elements"
	assert_eq "$(grep -c 'IMPORT/EXPORT' <<<"$output")" 2 "mail slots"
	assert_eq "$(grep -c '^Data Transfer' <<<"$output")" 2 "drives"
	assert_eq "$(grep -c ':Full.*VolumeTag' <<<"$output")" 5 "cartridges with their bar codes"
	same_picture
	dmesg_clean
}

@test "mtx inventory works, with and without cartridges in the drives" {
	mtx -f "$CH" inventory
	mtx -f "$CH" load "$(full_slot)" 0
	mtx -f "$CH" inventory
	same_picture
	dmesg_clean
}

@test "mtx load and unload, every drive; the source is remembered" {
	local from tape n

	for n in 0 1; do
		from=$(full_slot)
		tape=$(at "$(slot "$from")")
		mtx -f "$CH" load "$from" $n
		assert_at "drives/$((n + 1))" "$tape"
		assert_at "$(slot "$from")" ""
		assert_match "$(mtx -f "$CH" status)" "Element $n:Full \\(Storage Element $from Loaded\\)"
		if [ $n = 0 ]; then
			# Without a number mtx takes it back to where it came from.
			mtx -f "$CH" unload
		else
			mtx -f "$CH" unload "$from" $n
		fi
		assert_at "$(slot "$from")" "$tape"
		assert_at "drives/$((n + 1))" ""
	done
	same_picture
	dmesg_clean
}

@test "the first and the last slot reach the first and the last drive" {
	local first tape

	first=$(full_slot)
	tape=$(at "$(slot "$first")")
	if [ "$first" != 1 ]; then
		mtx -f "$CH" transfer "$first" 1
	fi
	mtx -f "$CH" load 1 0
	assert_at drives/1 "$tape"
	mtx -f "$CH" transfer 7 6
	mtx -f "$CH" unload 7 0
	assert_at slots/0007 "$tape"
	mtx -f "$CH" load 7 1
	assert_at drives/2 "$tape"
	mtx -f "$CH" unload 1 1
	assert_at slots/0001 "$tape"
	mtx -f "$CH" transfer 6 7
	same_picture
	dmesg_clean
}

@test "mtx transfer between slots, and into and out of the mail slots" {
	local a b tape

	a=$(full_slot)
	b=$(empty_slot)
	tape=$(at "$(slot "$a")")
	mtx -f "$CH" transfer "$a" "$b"
	assert_at "$(slot "$b")" "$tape"
	mtx -f "$CH" transfer "$b" 8
	assert_at map/1 "$tape"
	mtx -f "$CH" transfer 8 9
	assert_at map/2 "$tape"
	mtx -f "$CH" transfer 9 "$a"
	assert_at "$(slot "$a")" "$tape"
	same_picture
	dmesg_clean
}

@test "mtx exchange: two cartridges change places, or the second goes to a third place" {
	local a b c x y

	a=$(full_slot 1)
	b=$(full_slot 2)
	c=$(empty_slot 1)
	x=$(at "$(slot "$a")")
	y=$(at "$(slot "$b")")
	mtx -f "$CH" exchange "$a" "$b"
	assert_at "$(slot "$a")" "$y"
	assert_at "$(slot "$b")" "$x"
	same_picture
	mtx -f "$CH" exchange "$a" "$b" "$c"
	assert_at "$(slot "$a")" ""
	assert_at "$(slot "$b")" "$y"
	assert_at "$(slot "$c")" "$x"
	same_picture
	dmesg_clean
}

@test "mtx first, next and previous walk a drive over the slots" {
	local first second

	# mtx takes what is in slot 1 for the first, and goes by numbers from there.
	if [ -z "$(at slots/0001)" ]; then
		mtx -f "$CH" transfer "$(full_slot)" 1
	fi
	if [ -z "$(at slots/0002)" ]; then
		mtx -f "$CH" transfer "$(full_slot 2)" 2
	fi
	first=$(at slots/0001)
	second=$(at slots/0002)
	mtx -f "$CH" first 0
	assert_at drives/1 "$first"
	mtx -f "$CH" next 0
	assert_at drives/1 "$second"
	assert_at slots/0001 "$first"
	mtx -f "$CH" previous 0
	assert_at drives/1 "$first"
	assert_at slots/0002 "$second"
	same_picture
	dmesg_clean
}

@test "what cannot be is refused by mtx with a status, and nothing moves" {
	local before full empty

	full=$(full_slot)
	empty=$(empty_slot)
	before=$(mtx_picture)
	run ! mtx -f "$CH" load "$empty" 0
	run ! mtx -f "$CH" unload "$empty" 0
	run ! mtx -f "$CH" load 99 0
	run ! mtx -f "$CH" load "$full" 9
	run ! mtx -f "$CH" transfer "$empty" "$(empty_slot 2)"
	run ! mtx -f "$CH" transfer "$full" "$(full_slot 2)"
	assert_eq "$(mtx_picture)" "$before" "what mtx shows after"
	mtx -f "$CH" load "$full" 0
	run ! mtx -f "$CH" load "$(full_slot)" 0
	run ! mtx -f "$CH" unload "$(full_slot)" 0
	same_picture
	dmesg_clean
}

@test "MOVE MEDIUM refuses with the sense data of the standard" {
	local s full other empty

	s=$(($(element_address slots) - 1))
	full=$((s + $(full_slot)))
	other=$((s + $(full_slot 2)))
	empty=$((s + $(empty_slot)))
	run ! move_medium $full $other
	assert_match "$output" 'Illegal Request'
	assert_match "$output" 'destination element full'
	run ! move_medium $empty $((empty + 1))
	assert_match "$output" 'source element empty'
	run ! move_medium $full $((s + 5000))
	assert_match "$output" 'Invalid element address'
	same_picture
	dmesg_clean
}

@test "the robot takes a cartridge out of a drive that has it in use, but not while removal is prevented" {
	local from tape

	from=$(full_slot)
	tape=$(at "$(slot "$from")")
	mtx -f "$CH" load "$from" 0
	head -c 100000 $DATA | dd of="$T1" bs=10k status=none iflag=fullblock
	mt -f "$T1" lock
	run ! mtx -f "$CH" unload "$from" 0
	assert_at drives/1 "$tape"
	run ! mv "$L/drives/1/$tape" "$L/$(slot "$from")/"
	assert_match "$output" 'Device or resource busy'
	mt -f "$T1" unlock
	mtx -f "$CH" unload "$from" 0
	assert_at "$(slot "$from")" "$tape"
	dmesg_clean
}

@test "what mv moved is seen by mtx at once, and what mtx moved is seen in the mount" {
	local a b tape i

	a=$(full_slot)
	b=$(empty_slot)
	tape=$(at "$(slot "$a")")
	for i in 1 2 3; do
		mv "$L/$(slot "$a")/$tape" "$L/$(slot "$b")/"
		run -0 mtx -f "$CH" status
		assert_match "$output" "Storage Element $b:Full :VolumeTag=$tape"
		assert_match "$output" "Storage Element $a:Empty"
		mtx -f "$CH" transfer "$b" "$a"
		[ -d "$L/$(slot "$a")/$tape" ] || fail "round $i: not seen in the mount"
		[ ! -e "$L/$(slot "$b")/$tape" ] || fail "round $i: still seen in the mount"
		assert_eq "$(readlink -f "$MNT/cartridges/$tape")" "$L/$(slot "$a")/$tape"
	done
	mv "$L/$(slot "$a")/$tape" "$L/drives/2/"
	assert_at drives/2 "$tape"
	same_picture
	dmesg_clean
}

@test "import and export: in by the mail slot, out to the vault, gone from mtx" {
	fresh VM0001L8
	mv "$MNT/vault/VM0001L8" "$L/map/1/"
	run -0 mtx -f "$CH" status
	assert_match "$output" 'Storage Element 8 IMPORT/EXPORT:Full :VolumeTag=VM0001L8'
	mtx -f "$CH" load 8 0
	assert_at drives/1 VM0001L8
	mtx -f "$CH" unload 9 0
	assert_at map/2 VM0001L8
	mv "$L/map/2/VM0001L8" "$MNT/vault/"
	run -0 mtx -f "$CH" status
	[[ $output != *VM0001L8* ]] || fail "still there: $output"
	same_picture
	rmdir "$MNT/vault/VM0001L8"
	dmesg_clean
}

@test "the changer driver ch works on it: its own node answers mtx too" {
	local from tape

	from=$(full_slot)
	tape=$(at "$(slot "$from")")
	run -0 mtx -f "$CHANGER" status
	assert_match "$output" '2 Drives, 9 Slots'
	mtx -f "$CHANGER" load "$from" 1
	assert_at drives/2 "$tape"
	dmesg_clean
}
