#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The units over iSCSI: open-iscsi logs in over loopback and finds tape drives and a changer there; libiscsi's
# programs see them; passwords are wanted; who is whom.

load lib/guest.bash
load lib/library.bash

TARGET=iqn.2003-01.org.linux-iscsi.vtl-test:vtl
PORTAL=127.0.0.1:3260
URL=iscsi://$PORTAL/$TARGET
A=iqn.1993-08.org.debian:01:a
B=iqn.1993-08.org.debian:01:b

setup_file() {
	export VTL_PORT=tcmu TAPE
	lib_up || return
	TAPE=$(at slots/0001)
	# The guest's own: what the host has of open-iscsi stays as it is.
	mount -t tmpfs tmpfs /etc/iscsi && mkdir -p /run/lock/iscsi &&
		echo "InitiatorName=$A" >/etc/iscsi/initiatorname.iscsi &&
		printf '%s\n' 'iscsid.startup = /bin/false' 'node.startup = manual' \
			'node.session.timeo.replacement_timeout = 120' \
			'node.conn[0].timeo.login_timeout = 60' 'node.session.initial_login_retry_max = 1' \
			'node.conn[0].timeo.noop_out_interval = 0' \
			'node.conn[0].timeo.noop_out_timeout = 0' \
			>/etc/iscsi/iscsid.conf || return
	modprobe -a iscsi_tcp || return
	iscsid 3>&- || return
	wait_for 30 iscsiadm -m session -P 0 || wait_for 30 pgrep -x iscsid
}

teardown_file() {
	iscsiadm -m node -u >/dev/null 2>&1 || true
	iscsiadm -k 0 >/dev/null 2>&1 || true
	vtl_export stop || true
	pkill -x iscsid || true
	modprobe -r iscsi_tcp || true
	lib_down
}

setup() {
	dmesg_mark
	cd "${BATS_TEST_TMPDIR:?}"
}

teardown() {
	dump_on_failure
	iscsiadm -m node -u >/dev/null 2>&1 || true
}

vtl_export() {
	VTL_BUILD=$VTL_BUILD timeout 120 "$VTL_REPO/scripts/vtl" export -c "$CONF" "$@" 3>&-
}

# login: discovers the target and logs in.
login() {
	iscsiadm -m discovery -t sendtargets -p $PORTAL && iscsiadm -m node -T $TARGET -p $PORTAL -l
}

# remote CLASS-FUNCTION LUN: the node of that LUN of our session.
remote() {
	local session host

	session=$(iscsiadm -m session -P 3) || return
	host=$(sed -n 's/^.*Host Number: \([0-9]*\).*/\1/p' <<<"$session" | head -n 1)
	wait_for 30 "$1" "$host:0:0:$2" && "$1" "$host:0:0:$2"
}

@test "export: the target has a LUN for each unit, by their order, and keeps them" {
	run -0 vtl_export iscsi --target $TARGET --portal $PORTAL
	assert_match "$output" "target $TARGET  up"
	assert_match "$output" "lun 0   lib0"$'\n'"lun 1   lib0/drives/1"$'\n'"lun 2   lib0/drives/2"
	run -0 iscsi-ls iscsi://$PORTAL
	assert_match "$output" "Target:$TARGET"
	# The first thing that a LUN says to a new initiator is that the list of LUNs is new to it, over which
	# iscsi-ls stumbles.
	wait_for 60 iscsi-ls -s iscsi://$PORTAL
	run -0 iscsi-ls -s iscsi://$PORTAL
	assert_match "$output" 'Lun:0 +Type:MEDIA_CHANGER'
	assert_match "$output" 'Lun:1 +Type:SEQUENTIAL_ACCESS'
	run -0 iscsi-inq $URL/1
	assert_match "$output" 'SEQUENTIAL_ACCESS'
	assert_match "$output" 'Vendor:IBM'
	dmesg_clean
}

@test "an initiator logs in: tar to its drive reads back equal, its changer moves" {
	local tape changer

	login
	changer=$(remote sg_of 0)
	tape=$(remote nst_of 1)
	run -0 sg_inq "$changer"
	assert_match "$output" 'medium changer'
	run -0 sg_inq -p sn "$(remote sg_of 2)"
	assert_match "$output" "$SERIAL_2"
	mtx -f "$changer" load 1 0
	assert_at drives/1 "$TAPE"
	head -c 4000000 $DATA >data
	tar -cf "$tape" -b 512 data
	mt -f "$tape" rewind
	tar -df "$tape" -b 512
	# What is too short comes with its bytes, over iSCSI too.
	mt -f "$tape" rewind
	mt -f "$tape" setblk 0
	head -c 5000 $DATA | dd of="$tape" bs=5000 status=none
	mt -f "$tape" rewind
	dd if="$tape" bs=64k of=out status=none
	cmp -n 5000 out $DATA
	assert_eq "$(stat -c %s out)" 5000
	mt -f "$tape" rewind
	# It is the drive that this host has, too.
	dd if="$T1" bs=64k status=none | cmp -n 5000 - $DATA
	mtx -f "$changer" unload 1 0
	dmesg_clean
}

@test "a reservation of the remote initiator holds against this host, and the other way round" {
	local tape

	login
	tape=$(remote sg_of 1)
	wait_for 30 sg_turs "$CH"
	sg_raw "$tape" 16 00 00 00 00 00
	run sg_raw "$G1" 00 00 00 00 00 00
	assert_match "$output" 'Reservation conflict|Reservation Conflict|eservation'
	sg_raw "$tape" 17 00 00 00 00 00
	sg_raw "$G1" 16 00 00 00 00 00
	run sg_raw "$tape" 00 00 00 00 00 00
	assert_match "$output" 'eservation'
	sg_raw "$G1" 17 00 00 00 00 00
	dmesg_clean
}

@test "named initiators: only they get in, and each is one of its own to the drive" {
	run -0 vtl_export iscsi --initiator $A --initiator $B
	run ! iscsi-inq -i iqn.1993-08.org.debian:01:other $URL/1
	run -0 iscsi-inq -i $B $URL/1
	assert_match "$output" 'Vendor:IBM'
	wait_for 60 iscsi-ls -i $B -s iscsi://$PORTAL
	run -0 iscsi-ls -i $B -s iscsi://$PORTAL
	assert_match "$output" 'Lun:2 +Type:SEQUENTIAL_ACCESS'
	login
	sg_raw "$(remote sg_of 1)" 16 00 00 00 00 00
	run iscsi-inq -i $B $URL/1
	run -0 sg_raw "$(remote sg_of 1)" 17 00 00 00 00 00
	assert_eq "$(ls /sys/class/uio | wc -l)" 9 "storage objects: three units, here and for two initiators"
	dmesg_clean
}

@test "CHAP: the right password gets in, a wrong one does not, none does not" {
	printf 'vtl-secret-12\n' >password
	vtl_export iscsi --initiator any --chap backup --password-file password
	assert_eq "$(stat -c %a "$HOME_DIR/export/iscsi")" 600
	run -0 iscsi-inq "iscsi://backup%vtl-secret-12@$PORTAL/$TARGET/1"
	assert_match "$output" 'Vendor:IBM'
	run ! iscsi-inq "iscsi://backup%vtl-secret-13@$PORTAL/$TARGET/1"
	run ! iscsi-inq "$URL/1"
	not grep -r vtl-secret "$HOME_DIR/../run" || fail "the password is in a log"
	vtl_export iscsi --chap none
	run -0 iscsi-inq "$URL/1"
}

@test "kill -9 of the drive's daemon: the session lives, and so does the drive after a restart" {
	local tape

	login
	tape=$(remote nst_of 1)
	in_drive 1 "$TAPE"
	marked_tape "$tape" 1 1
	kill_hard "$(drive_pid 1)"
	vtl_start "$CONF"
	wait_for 60 mt -f "$tape" rewind
	assert_next "$tape" f0b0
	all_home
	dmesg_clean
}

@test "stop takes the export down, start brings it back with the same LUNs" {
	local before

	before=$(vtl_export list)
	vtl_stop "$CONF"
	tcmu_nothing_left
	[ ! -d /sys/kernel/config/target/iscsi ]
	vtl_port_up
	vtl_start "$CONF"
	lib_nodes
	assert_eq "$(vtl_export list)" "$before"
	run -0 iscsi-inq $URL/1
	dmesg_clean
}

@test "export stop: nothing is left of it, and the units stay" {
	vtl_export stop
	run -0 vtl_export list
	assert_eq "$output" 'nothing is exported'
	run ! iscsi-ls iscsi://$PORTAL
	[ ! -d /sys/kernel/config/target/iscsi ]
	assert_eq "$(cd /sys/kernel/config/target/core/user_7674 && echo *@*)" '*@*'
	wait_for 30 sg_turs "$CH"
	dmesg_clean
}

@test "what cannot be exported is refused with words" {
	run -1 vtl_export iscsi --target 'no such name'
	assert_match "$output" 'is not the name of an iSCSI node'
	run -1 vtl_export iscsi --portal
	assert_match "$output" 'wants a value'
	run -1 vtl_export iscsi --chap user <<<''
	assert_match "$output" 'no CHAP password'
	[ ! -d /sys/kernel/config/target/iscsi ]
}
