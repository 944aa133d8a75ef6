#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What is on a tape, as files: files/<partition>/<n> and records/<partition>/<block>.

load fs.bash

setup()
{
	fs_setup
	C=$M/lib0/slots/0001/E01001L8
	D=$BATS_TEST_TMPDIR
}
teardown() { fs_teardown; }

@test "tape: tar tf and cmp of files that a drive has written, while it has them" {
	local i

	mkdir "$D/src"
	for i in {1..40}; do head -c $((i * 3001)) /dev/urandom >"$D/src/f$i"; done
	tar -cf "$D/0.tar" -C "$D" src
	tar -cf "$D/1.tar" -b 128 -C "$D/src" f1 f40
	fake drive "$VTL_HOME" E01001L8
	fake_say "file $D/0.tar 10240"
	fake_say "mark 1"
	fake_say "file $D/1.tar 65536"
	fake_say "mark 2"
	cmp "$C/files/0/0" "$D/0.tar"
	cmp "$C/files/0/1" "$D/1.tar"
	assert_eq "$(stat -c %s "$C/files/0/0" "$C/files/0/1" | tr '\n' ' ')" \
		"$(stat -c %s "$D/0.tar" "$D/1.tar" | tr '\n' ' ')"
	assert_eq "$(ls "$C/files/0" | tr '\n' ' ')" "0 1 2 "
	assert_eq "$(stat -c %s "$C/files/0/2")" 0 # between the two filemarks there is nothing
	assert_eq "$(tar -tf "$C/files/0/0")" "$(tar -tf "$D/0.tar")"
	mkdir "$D/out" && tar -xf "$C/files/0/0" -C "$D/out"
	diff -r "$D/src" "$D/out/src"
	fake_end
	cmp "$C/files/0/0" "$D/0.tar"
}

# bats test_tags=slow
@test "tape: reading from the middle, in odd pieces, of blocks of every size" {
	local bs off

	head -c 3000017 /dev/urandom >"$D/data"
	fake drive "$VTL_HOME" E01001L8
	for bs in 1000003 512 70001 2097152; do
		fake_say "file $D/data $bs"
		fake_say "mark 1"
	done
	fake_end
	for n in 0 1 2 3; do
		cmp "$C/files/0/$n" "$D/data"
		for off in 0 1 511 512 70001 999999 1000003 2999999 3000016; do
			cmp <(tail -c +$((off + 1)) "$D/data" | head -c 100001) \
				<(dd if="$C/files/0/$n" bs=100001 skip=$off count=1 \
					iflag=skip_bytes status=none)
		done
		assert_eq "$(tail -c +3000018 "$C/files/0/$n" | wc -c)" 0
	done
}

@test "tape: records are blocks, filemarks are empty files" {
	fake drive "$VTL_HOME" E01001L8
	fake_say "write 100 2 a"
	fake_say "mark 1"
	fake_say "write 70000 1 b"
	fake_end
	assert_eq "$(ls -v "$C/records/0" | tr '\n' ' ')" "0 1 2.filemark 3 "
	assert_eq "$(stat -c %s "$C"/records/0/{0,1,2.filemark,3} | tr '\n' ' ')" "100 100 0 70000 "
	assert_eq "$(tr -d b <"$C/records/0/3" | wc -c) $(wc -c <"$C/records/0/3")" "0 70000"
	assert_eq "$(wc -c <"$C/records/0/2.filemark")" 0
	refused "No such file" stat "$C/records/0/2"
	refused "No such file" stat "$C/records/0/0.filemark"
	refused "No such file" stat "$C/records/0/00"
	refused "No such file" stat "$C/records/0/4"
	refused "No such file" stat "$C/records/1"
	refused "No such file" stat "$C/records/0/99999999999999999999"
	assert_file "$C/record_count" 4
	assert_file "$C/filemark_count" 1
	refused "not permitted" bash -c 'echo x >"$1"' - "$C/records/0/0"
	refused "not permitted" rm -f "$C/records/0/0"
	refused "not permitted" truncate -s 0 "$C/files/0/0"
}

# What backs up and counts trees of files finds lengths that are true, and everything once.
@test "tape: tar, rsync, cp and du of the mount" {
	local bytes n

	head -c 3000000 /dev/urandom >"$D/data"
	fake drive "$VTL_HOME" E01001L8
	fake_say "file $D/data 100000"
	fake_say "mark 1"
	fake_say "write 300 5 x"
	fake_say "mark 1"
	fake_end
	echo "a label" >"$C/mam/0803_user_medium_text_label"

	# Every file is as long as stat says.
	while read -r n bytes; do
		assert_eq "$(wc -c <"$n")" "$bytes" "$n"
	done < <(find "$M" -type f -printf '%p %s\n')
	assert_eq "$(stat -c %s "$C/type" "$C/mam/0803_user_medium_text_label" | tr '\n' ' ')" "6 8 "
	# No complaints, and all that was read is what is there; sparse ones are none.
	assert_eq "$(tar -cf "$D/all.tar" -C "$M" . 2>&1)" ""
	mkdir "$D/out" "$D/sparse"
	tar -xf "$D/all.tar" -C "$D/out"
	diff -r "$M" "$D/out"
	tar -cS -C "$C" files records | tar -x -C "$D/sparse"
	diff -r "$C/records" "$D/sparse/records"
	cmp "$D/sparse/files/0/0" "$D/data"
	cp -a "$C" "$D/cart"
	diff -r "$C" "$D/cart"
	rsync -a "$M/" "$D/synced/"
	diff -r "$M" "$D/synced"
	assert_eq "$(rsync -ai "$M/" "$D/synced/")" "" "what rsync copies the second time"
	# ... and what has changed it sees, also where the length is the same.
	echo "a lable" >"$C/mam/0803_user_medium_text_label"
	rsync -a "$M/" "$D/synced/"
	diff -r "$M" "$D/synced"
	# Once what is on the tape; a block for each record and small file.
	n=$(find "$C" -type f | wc -l)
	bytes=$(du -s --block-size=1 "$C" | cut -f1)
	((bytes >= 3001500 && bytes <= 3001500 + 1024 * n)) || fail "du says $bytes, $n files"
}

@test "tape: a file that a drive is writing grows under its reader" {
	local i

	fake drive "$VTL_HOME" E01001L8
	fake_say "write 1000 10 a"
	fake_say "sync"
	exec {fd}<"$C/files/0/0"
	assert_eq "$(cat <&"$fd" | wc -c)" 10000
	for i in 1 2 3; do
		fake_say "write 1000 10 b"
		fake_say "sync"
		assert_eq "$(cat <&"$fd" | tr -d a | wc -c)" 10000
		assert_eq "$(stat -c %s "$C/files/0/0")" $((10000 + i * 10000))
	done
	exec {fd}<&-
	fake_say "mark 1"
	fake_end
	assert_eq "$(wc -c <"$C/files/0/0")" 40000
}

@test "tape: what is overwritten is seen new by the next reader, and an error by the old one" {
	fake drive "$VTL_HOME" E01001L8
	fake_say "write 5000 4 a"
	fake_say "mark 1"
	fake_say "write 5000 4 b"
	fake_say "mark 1"
	assert_eq "$(tr -d a <"$C/files/0/0" | wc -c) $(tr -d b <"$C/files/0/1" | wc -c)" "0 0"
	exec {fd}<"$C/files/0/1"
	fake_say "locate 0"
	fake_say "write 300 1 c"
	fake_say "mark 1"
	fake_say "sync"
	assert_eq "$(<"$C/files/0/0")" "$(printf 'c%.0s' {1..300})"
	assert_eq "$(ls "$C/files/0")" 0
	not cat <&"$fd"
	exec {fd}<&-
	fake_end
}

@test "tape: a flipped bit is an I/O error and never data" {
	local seg

	head -c 4000000 /dev/urandom >"$D/data"
	fake drive "$VTL_HOME" E01001L8
	fake_say "file $D/data 100000"
	fake_say "mark 1"
	fake_end
	seg=$(find "$VTL_HOME/pool/E01001L8" -type f -size +3000k | head -1)
	printf '\xff\x00\xff\x00' | dd of="$seg" bs=1 seek=2000000 conv=notrunc status=none
	not cmp "$C/files/0/0" "$D/data"
	refused "Input/output" cat "$C/files/0/0"
	# What is before it is good.
	cmp <(head -c 1800000 "$C/files/0/0") <(head -c 1800000 "$D/data")
}

@test "tape: a hundred thousand records and files are listed in order, at once" {
	fake drive "$VTL_HOME" E01001L8
	fake_say "write 1 99000 x"
	fake_say "mark 1000"
	fake_say "sync"
	assert_eq "$(timeout 20 ls -U "$C/records/0" | wc -l)" 100000
	run -0 timeout 20 ls -U "$C/records/0"
	assert_eq "${lines[0]} ${lines[98999]} ${lines[99000]} ${lines[99999]} " \
		"0 98999 99000.filemark 99999.filemark "
	assert_eq "$(timeout 20 ls -U "$C/files/0" | wc -l)" 1000
	fake_end
}
