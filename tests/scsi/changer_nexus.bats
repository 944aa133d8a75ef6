# SPDX-License-Identifier: GPL-2.0-only
# Two initiators at one changer and one drive: attentions, reservations, mode values, prevention
# are kept apart (SAM-5, SPC-4 5.12).

load ../lib/vtl.bash

TUR='00 00 00 00 00 00'
READ='08 00 00 00 01 00'

setup()
{
	vtl_config 'library lib0 { slots = 4 fill = 1 }' && vtl_start -n &&
		settle lib0 -n alice && settle lib0 -n bob &&
		settle lib0/drives/1 -n alice && settle lib0/drives/1 -n bob
}
teardown() { vtl_teardown; }

# pr WHO UNIT ACTION TYPE KEY ACTION-KEY: PERSISTENT RESERVE OUT, keys of one byte.
pr()
{
	cdb -n "$1" -x "$(printf '%016x%016x%016x' "0x$5" "0x$6" 0)" "$2" \
		5f "$3" "$4" 00 00 00 00 00 18 00
}

@test "RESERVE shuts the other one out until RELEASE or a reset" {
	for unit in lib0 lib0/drives/1; do
		cdb_good -n alice $unit 16 00 00 00 00 00
		cdb -n bob $unit $TUR
		assert_eq "$CDB_STATUS" 18
		cdb_good -n bob $unit 12 00 00 00 24 00
		cdb -n bob $unit 17 00 00 00 00 00
		assert_good
		cdb -n bob $unit $TUR
		assert_eq "$CDB_STATUS" 18
		timeout 60 "$VTLCDB" -c "$VTL_CONF" $unit --reset lun
		cdb_sense 6/29/03 -n bob $unit $TUR
		cdb -n bob $unit 16 00 00 00 00 00
		assert_good
		cdb -n alice $unit $TUR
		assert_sense 6/29/03
		cdb -n alice $unit $TUR
		assert_eq "$CDB_STATUS" 18
		cdb_good -n bob $unit 17 00 00 00 00 00
	done
}

@test "a persistent exclusive reservation of the changer forbids the other one's moves" {
	pr alice lib0 00 00 0 a
	assert_good
	pr alice lib0 01 03 a 0
	assert_good
	cdb -n bob lib0 a5 00 00 00 03 e8 01 f4 00 00 00 00
	assert_eq "$CDB_STATUS" 18
	cdb -n bob lib0 b8 10 00 00 ff ff 00 00 ff ff 00 00
	assert_eq "$CDB_STATUS" 18
	cdb_good -n bob lib0 $TUR
	cdb_good -n bob lib0 5e 01 00 00 00 00 00 01 00 00
	assert_eq "${CDB_DATA:16:16}" 000000000000000a
	# write exclusive: looking is free
	pr alice lib0 02 03 a 0
	assert_good
	pr alice lib0 01 01 a 0
	assert_good
	cdb_good -n bob lib0 b8 10 00 00 ff ff 00 00 ff ff 00 00
	cdb -n bob lib0 a5 00 00 00 03 e8 01 f4 00 00 00 00
	assert_eq "$CDB_STATUS" 18
	# preempted
	pr bob lib0 00 00 0 b
	assert_good
	pr bob lib0 04 03 b a
	assert_good
	cdb_sense 6/2a/05 -n alice lib0 $TUR
	cdb_good -n bob lib0 a5 00 00 00 03 e8 01 f4 00 00 00 00
	cdb -n alice lib0 a5 00 00 00 01 f4 03 e8 00 00 00 00
	assert_eq "$CDB_STATUS" 18
}

@test "MODE SELECT tells the others, and a reset takes it back" {
	cdb_good -n alice -x '00 00 00 00 0a 0a 04 00 00 40 00 00 00 00 00 00' \
		lib0 15 10 00 00 10 00
	cdb_good -n alice lib0 $TUR
	cdb_sense 6/2a/01 -n bob lib0 $TUR # in descriptor format now
	cdb -n bob lib0 ff 00 00 00 00 00
	assert_match "$CDB_OUTPUT" '72 05 20 00'
	timeout 60 "$VTLCDB" -c "$VTL_CONF" lib0 --reset lun
	settle lib0 -n bob
	cdb -n bob lib0 ff 00 00 00 00 00
	assert_match "$CDB_OUTPUT" '70 00 05 00'
}

@test "medium removal is prevented until everybody who did allows it" {
	cdb_good -n alice lib0 1e 00 00 00 01 00
	cdb_good -n bob lib0 1e 00 00 00 01 00
	cdb_good -n alice lib0 1e 00 00 00 00 00
	wait_file 20 "$VTL_RUN/lib0/status/prevent" 1
	cdb_good -n bob lib0 1e 00 00 00 00 00
	wait_file 20 "$VTL_RUN/lib0/status/prevent" 0
	# one who is gone prevents nothing
	cdb_good -n bob lib0 1e 00 00 00 01 00
	cdb -L -n bob lib0 $TUR
	wait_file 20 "$VTL_RUN/lib0/status/prevent" 0
}
