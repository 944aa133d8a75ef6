#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# tar on the drive as people use it: blocking factors, several archives on a tape, appending,
# comparing, and archives over two cartridges.

load lib/guest.bash
load lib/library.bash

setup_file() {
	local tape

	lib_up || return
	export TREE=$BATS_FILE_TMPDIR/tree
	tree_make && tape=$(at slots/0001) && in_drive 1 "$tape"
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	mt -f "$T1" rewind
	cd "$TREE"
}

teardown() { dump_on_failure; }

# A tree with what makes archives difficult.
tree_make() {
	mkdir -p "$TREE/src/empty" && cd "$TREE/src" || return
	cp -r "$VTL_REPO/emul/util" "$VTL_REPO/scripts" . &&
		head -c 700000 $DATA >random &&
		head -c 511 $DATA >short &&
		: >nothing &&
		truncate -s 200K hole && echo end >>hole &&
		ln -s random link && ln random hard &&
		mkdir -p "$(printf 'long%.0s' {1..40})/$(printf 'name%.0s' {1..40})" &&
		echo deep >"$(printf 'long%.0s' {1..40})/$(printf 'name%.0s' {1..40})/file" &&
		echo odd >'a name with blanks, "quotes" and ü' &&
		chmod 751 short
}

# restore_compare [TAR-OPTION...]: extracts what comes next on the tape; it is equal to the source.
restore_compare() {
	rm -rf "$TREE/back" && mkdir "$TREE/back" &&
		tar "$@" -xf "$T1" -C "$TREE/back" && diff -r --no-dereference src "$TREE/back/src"
}

# by_factor N: an archive with records of N * 512 bytes, compared, listed and restored.
by_factor() {
	local first

	tar -b "$1" -cf "$T1" src
	mt -f "$T1" rewind
	first=$(dd if="$T1" bs=1M count=1 status=none | wc -c)
	assert_eq "$first" $((512 * $1)) "bytes of the first block"
	mt -f "$T1" rewind
	tar -b "$1" -df "$T1"
	mt -f "$T1" rewind
	restore_compare -b "$1"
	dmesg_clean
}

@test "blocking factor 1" { by_factor 1; }

@test "blocking factor 20, tar's own" {
	by_factor 20
	tar -cf "$R1" src
	tar -df "$R1"
}

@test "blocking factor 128" { by_factor 128; }

@test "blocking factor 2048" { by_factor 2048; }

@test "fixed blocks of 512 bytes under tar's records" {
	mt -f "$T1" setblk 512
	tar -b 20 -cf "$T1" src
	mt -f "$T1" rewind
	tar -b 20 -df "$T1"
	mt -f "$T1" rewind
	restore_compare -b 20
	mt -f "$T1" setblk 0
	dmesg_clean
}

@test "several archives on one tape, by filemarks, in any order" {
	local i

	for i in 0 1 2 3; do
		echo "archive $i" >which
		tar -cf "$T1" which src/short
	done
	for i in 2 0 3 1; do
		mt -f "$T1" asf $i
		assert_eq "$(tar -xOf "$T1" which)" "archive $i"
	done
	mt -f "$T1" asf 1
	mt -f "$T1" eod
	echo "archive 4" >which
	tar -cf "$T1" which
	mt -f "$T1" asf 4
	assert_eq "$(tar -xOf "$T1" which)" "archive 4"
	mt -f "$T1" asf 3
	assert_eq "$(tar -xOf "$T1" which)" "archive 3"
	dmesg_clean
}

@test "tar -r appends to an archive on the tape" {
	tar -cf "$T1" src/scripts
	mt -f "$T1" rewind
	tar -rf "$T1" src/random
	mt -f "$T1" rewind
	tar -rf "$T1" src/short
	mt -f "$T1" rewind
	tar -df "$T1"
	mt -f "$T1" rewind
	run -0 tar -tf "$T1"
	assert_match "$output" 'src/scripts/'
	assert_eq "$(tail -n 2 <<<"$output" | tr '\n' ' ')" 'src/random src/short '
	dmesg_clean
}

@test "tar -d and -W see a difference" {
	tar -cf "$T1" src/short src/scripts
	mt -f "$T1" rewind
	cp -p src/short keep
	printf x | dd of=src/short bs=1 seek=100 conv=notrunc status=none
	run -1 tar -df "$T1"
	assert_match "$output" 'src/short: Contents differ'
	cat keep >src/short
	touch -r keep src/short
	mt -f "$T1" rewind
	tar -df "$T1"
	mt -f "$T1" rewind
	tar -cWf "$T1" src/short
	dmesg_clean
}

@test "tar -z and other filters through a pipe keep tar's record size" {
	tar -czf "$T1" src
	mt -f "$T1" rewind
	restore_compare -z
	dmesg_clean
}

# What tar -F runs at the end of a volume: the next cartridge from the slots that CARTS names.
changer_script() {
	cat >"$TREE/next" <<-END
		#!/bin/bash
		set -e
		mt -f $T1 offline
		case \$TAR_VOLUME in
		2) mtx -f $CH unload $1 0; mtx -f $CH load $2 0 ;;
		*) echo "no volume \$TAR_VOLUME" >&2; exit 1 ;;
		esac >>$TREE/next.log 2>&1
	END
	chmod +x "$TREE/next"
}

@test "tar -M over two small cartridges, changed by mtx from tar's script" {
	local a b

	all_home
	small_cartridge VMS001L8 $((4 << 20)) slots/0005
	small_cartridge VMS002L8 $((4 << 20)) slots/0006
	mtx -f "$CH" load 5 0
	changer_script 5 6
	head -c 4500000 $DATA >src/big
	tar -M -F "$TREE/next" -cf "$T1" src
	assert_at slots/0005 VMS001L8
	assert_at drives/1 VMS002L8
	# Back to the first: listing, comparing and restoring ask for the second by themselves.
	mtx -f "$CH" unload 6 0
	mtx -f "$CH" load 5 0
	tar -M -F "$TREE/next" -df "$T1"
	mtx -f "$CH" unload 6 0
	mtx -f "$CH" load 5 0
	restore_compare -M -F "$TREE/next"
	dmesg_clean
}
