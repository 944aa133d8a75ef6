# SPDX-License-Identifier: GPL-2.0-only
# What a changer tells of its elements over a port, against what lies on disk (SMC-3 6.13, 7.3).

load ../lib/vtl.bash

setup()
{
	vtl_config 'library lib0 { slots = 6 map = 2 fill = 3 }' && vtl_start -n && settle lib0
}
teardown() { vtl_teardown; }

# read_status: READ ELEMENT STATUS of everything with volume tags and drive identifiers.
read_status() { cdb_good lib0 b8 10 00 00 ff ff 01 00 ff ff 00 00; }

# Prints "ADDRESS FLAGS BARCODE" for each descriptor of CDB_DATA.
elements()
{
	local p=$CDB_DATA len count i d type

	p=${p:16}
	while [[ $p ]]; do
		type=${p:0:2} len=$((16#${p:4:4} * 2)) count=$((16#${p:10:6} * 2))
		p=${p:16}
		for ((i = 0; i < count; i += len)); do
			d=${p:i:len}
			printf '%s %s %s %s\n' "$type" "${d:0:4}" "${d:4:2}" "$(text "${d:24:64}")"
		done
		p=${p:count}
	done
}

text()
{
	local hex=$1 out=''

	while [[ $hex ]]; do
		[[ ${hex:0:2} == 00 || ${hex:0:2} == 20 ]] ||
			printf -v out '%s%b' "$out" "\\x${hex:0:2}"
		hex=${hex:2}
	done
	echo "$out"
}

@test "every element once, in the order of addresses, with what lies in it" {
	read_status
	run -0 elements
	assert_eq "$output" "01 0001 00 
03 000a 38 
03 000b 38 
04 01f4 08 
04 01f5 08 
02 03e8 09 E01001L8
02 03e9 09 E01002L8
02 03ea 09 E01003L8
02 03eb 08 
02 03ec 08 
02 03ed 09 CLN001CU"
}

@test "the identifier of a drive is the one that the drive has itself" {
	local vendor product serial

	read_status
	cdb_good lib0/drives/1 12 00 00 00 60 00
	vendor=${CDB_DATA:16:16} product=${CDB_DATA:32:32}
	cdb_good lib0/drives/1 12 01 80 00 ff 00
	serial=${CDB_DATA:8}
	cdb_good lib0 b8 14 00 00 00 01 01 00 ff ff 00 00
	assert_match "$CDB_DATA" "02010022$vendor$product$serial"
}

@test "the mode pages and the status tell of the same elements" {
	cdb_good lib0 1a 08 1d 00 ff 00
	assert_eq "${CDB_DATA:8}" 1d12000100"01"03e80006000a000201f400020000
	cdb_good lib0 5a 08 3f ff 00 00 00 04 00 00
	assert_eq $((16#${CDB_DATA:0:4} + 2)) "$CDB_LEN"
}

@test "what is moved by hand is in the status as soon as it is on disk" {
	local i from=0001 to=0005

	for i in 1 2 3 4 5 6; do
		mv "$VTL_HOME/state/lib0/slots/$from/E01001L8" "$VTL_HOME/state/lib0/slots/$to/"
		settle lib0
		cdb_good lib0 b8 12 03 e8 00 06 00 00 ff ff 00 00
		run -0 elements
		assert_match "$output" "02 03$([[ $to == 0005 ]] && echo ec || echo e8) 09 E01001L8"
		assert_match "$output" "02 03$([[ $to == 0005 ]] && echo e8 || echo ec) 08 "
		read -r from to <<<"$to $from"
	done
}

@test "allocation lengths cut at whole descriptors and tell the whole length" {
	local whole

	read_status
	whole=$CDB_DATA
	cdb_good lib0 b8 10 00 00 ff ff 01 00 00 08 00 00
	assert_eq "$CDB_DATA" "${whole:0:16}"
	cdb_good lib0 b8 10 00 00 ff ff 01 00 00 7b 00 00
	assert_eq "$CDB_DATA" "${whole:0:136}" # header, and the page of the picker
	cdb_good -i 100 lib0 b8 10 00 00 ff ff 01 00 ff ff 00 00
	assert_eq "$CDB_DATA" "${whole:0:136}"
	cdb_good lib0 b8 10 00 00 ff ff 01 00 00 00 00 00
	assert_eq "$CDB_LEN" 0
}

@test "a drive whose host prevents removal is not accessible to the robot" {
	move slot 1 drive 1 && assert_good
	settle lib0/drives/1
	cdb_good lib0/drives/1 1e 00 00 00 01 00
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/prevent" 1
	cdb_good lib0 b8 14 01 f4 00 01 00 00 ff ff 00 00
	assert_eq "$(elements)" '04 01f4 01 E01001L8'
	cdb_good lib0/drives/1 1e 00 00 00 00 00
	wait_file 20 "$VTL_RUN/lib0/drives/1/status/prevent" 0
	cdb_good lib0 b8 14 01 f4 00 01 00 00 ff ff 00 00
	assert_eq "$(elements)" '04 01f4 09 E01001L8'
}

# SEND VOLUME TAG's list in hex.
template() { printf '%-32s\0\0\0\0\0\0\0\0' "$1" | od -An -tx1 -v | tr -d '\n'; }

@test "volumes are found by template" {
	cdb_good -x "$(template 'E0100?L8')" lib0 b6 02 00 00 00 05 00 00 00 28 00 00
	cdb_good lib0 b5 12 00 00 ff ff 00 00 ff ff 00 00
	assert_eq "$(elements)" '02 03e8 09 E01001L8
02 03e9 09 E01002L8
02 03ea 09 E01003L8'
	cdb_good -x "$(template '*2L8')" lib0 b6 00 00 00 00 05 00 00 00 28 00 00
	cdb_good lib0 b5 10 00 00 ff ff 00 00 ff ff 00 00
	assert_eq "$(elements)" '02 03e9 09 E01002L8'
}
