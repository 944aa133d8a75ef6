#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What stands where in the mount, and that looking is cheap.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

names() { (cd "$M/$1" && printf '%s ' *); }

@test "layout: top, library, elements, cartridge" {
	assert_eq "$(names .)" "cartridges events last_error lib0 vault "
	assert_eq "$(names lib0)" "address device drives last_error map online pickers prevent \
product revision serial slots state tapealert vendor "
	assert_eq "$(names lib0/slots)" "0001 0002 0003 0004 0005 0006 "
	assert_eq "$(names lib0/map)" "1 2 door "
	assert_eq "$(names lib0/drives)" "1 2 "
	assert_eq "$(names lib0/pickers)" "1 "
	assert_eq "$(names lib0/slots/0001)" "E01001L8 "
	assert_eq "$(names cartridges)" "E01001L8 E01002L8 E01003L8 "
	run -0 ls "$M/lib0/slots/0001/E01001L8"
	for f in type density capacity used write_protect worm health barcode mam files records; do
		assert_match "$output" $'(^|\n)'"$f"$'(\n|$)'
	done
}

@test "layout: names have one spelling" {
	refused "No such file" stat "$M/lib0/slots/1"
	refused "No such file" stat "$M/lib0/slots/0007"
	refused "No such file" stat "$M/lib0/slots/0000"
	refused "No such file" stat "$M/lib0/drives/01"
	refused "No such file" stat "$M/lib0/drives/1/status"
	refused "No such file" stat "$M/lib1"
	refused "No such file" stat "$M/lib0/slots/0001/E01002L8"
	refused "No such file" stat "$M/lib0/slots/0001/E01001L8/records/0/0"
	refused "No such file" stat "$M/lib0/slots/0001/E01001L8/files/1"
}

@test "layout: owner and modes are those of a tape, and cannot be changed" {
	assert_eq "$(stat -c %a "$M/lib0/vendor")" 440
	assert_eq "$(stat -c %a "$M/lib0/tapealert")" 660
	assert_eq "$(stat -c %a "$M/lib0/slots")" 770
	assert_eq "$(stat -c %U "$M/lib0")" root
	! getent group tape >/dev/null || assert_eq "$(stat -c %G "$M/lib0")" tape
	refused "not permitted" chmod 777 "$M/lib0/vendor"
	refused "not permitted" chown 1 "$M/lib0/vendor"
	touch "$M/lib0/vendor"
}

@test "layout: -o mode and gid are taken" {
	fs_kill TERM
	fs_start -o mode=0666,gid=daemon
	assert_eq "$(stat -c %a "$M/lib0/vendor")" 444
	assert_eq "$(stat -c %a "$M/lib0/tapealert")" 666
	assert_eq "$(stat -c %a "$M/lib0/slots")" 777
	assert_eq "$(stat -c %G "$M/lib0")" daemon
}

@test "layout: links in cartridges/ lead to the cartridge, wherever it goes" {
	assert_eq "$(readlink "$M/cartridges/E01002L8")" ../lib0/slots/0002/E01002L8
	assert_file "$M/cartridges/E01002L8/barcode" E01002L8
	mv "$M/lib0/slots/0002/E01002L8" "$M/vault/"
	assert_eq "$(readlink "$M/cartridges/E01002L8")" ../vault/E01002L8
	fstool move "$VTL_HOME" lib0/slots/0003 lib0/slots/0004
	assert_eq "$(readlink "$M/cartridges/E01003L8")" ../lib0/slots/0004/E01003L8
	assert_file "$M/cartridges/E01003L8/location" lib0/slots/0004
}

@test "layout: inode numbers are the same after a restart, also of what has moved" {
	local before after f=lib0/slots/0001/E01001L8

	before=$(cd "$M" && stat -c '%i %n' . lib0 lib0/slots/0003 $f $f/type $f/mam/0806_barcode)
	mv "$M/lib0/slots/0002/E01002L8" "$M/lib0/drives/1/"
	fs_kill KILL
	fs_start
	after=$(cd "$M" && stat -c '%i %n' . lib0 lib0/slots/0003 $f $f/type $f/mam/0806_barcode)
	assert_eq "$after" "$before"
	mv "$M/$f" "$M/lib0/slots/0006/"
	assert_eq "$(stat -c %i "$M/lib0/slots/0006/E01001L8/type")" \
		"$(sed -n 's/ .*0001.E01001L8.type$//p' <<<"$before")"
}

@test "layout: no two things have one inode number" {
	local all

	all=$(find "$M" -printf '%i\n' | sort)
	((${#all} > 1000))
	assert_eq "$(uniq -d <<<"$all")" ""
}

@test "layout: statfs tells of the pool, xattrs are not supported, and nothing can be put here" {
	assert_eq "$(stat -f -c '%b %S' "$M")" "$(stat -f -c '%b %S' "$VTL_HOME/pool")"
	! command -v setfattr >/dev/null ||
		refused "not supported" setfattr -n user.x -v y "$M/lib0"
	refused "not permitted" touch "$M/new"
	refused "not permitted" touch "$M/vault/new"
	refused "not permitted" ln -s x "$M/lib0/new"
	refused "not permitted" rm "$M/lib0/vendor"
	refused "not permitted" mkdir "$M/lib1"
	refused "not permitted" mkdir "$M/lib0/slots/0007"
	refused "not permitted" rmdir "$M/lib0/slots/0006"
}

@test "layout: elements that are added and removed on line are seen" {
	fstool shape "$VTL_HOME" lib0 8 3 2 1
	wait_for 10 stat "$M/lib0/slots/0008"
	wait_for 10 stat "$M/lib0/drives/3/state"
	fstool shape "$VTL_HOME" lib0 4 2 2 1
	wait_for 10 not stat "$M/lib0/slots/0008"
	assert_eq "$(names lib0/slots)" "0001 0002 0003 0004 "
	fstool shape "$VTL_HOME" lib7 2 1 0 1
	wait_for 10 stat "$M/lib7/drives/1"
	fstool create "$VTL_HOME" E07001L8 lib7/slots/0001

	assert_file "$M/lib7/slots/0001/E07001L8/barcode" E07001L8
}
