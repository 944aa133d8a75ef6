#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest itself: that it is what the other files rely on. No part of vtl is needed here.

load lib/guest.bash

setup_file() {
	# scsi_debug stands for any unit; its own host number tells it from others.
	modprobe scsi_mod
}

setup() {
	dmesg_mark
}

teardown() {
	dump_on_failure
	# udev may have its disk open for a moment yet; one that stays would be the next test's unit.
	wait_for 60 debug_gone
}

# ch holds the module of its unit's host as long as it has the unit.
debug_gone() {
	local host unit

	[ -d /sys/module/scsi_debug ] || return 0
	if host=$(scsi_host scsi_debug); then
		for unit in /sys/bus/scsi/devices/"$host":*/delete; do
			[ ! -w "$unit" ] || echo 1 >"$unit"
		done
	fi
	modprobe -r scsi_debug
}

# debug_unit PTYPE: a scsi_debug unit of that device type; prints its address.
debug_unit() {
	local host

	modprobe scsi_debug ptype="$1" dev_size_mb=8 max_luns=1 num_tgts=1 || return
	wait_for 30 scsi_host scsi_debug || return
	host=$(scsi_host scsi_debug)
	wait_for 30 scsi_unit "$host:0:0:0" || return
	echo "$host:0:0:0"
}

# disk_of HCTL: the unit's disk, which is there only some time after its generic node.
disk_of() {
	local block

	block=$(ls "/sys/bus/scsi/devices/$1/block") && [ -b "/dev/$block" ] && echo "/dev/$block"
}

@test "the kernel is Debian's, and its own modules are in place" {
	[[ $(uname -r) = *-amd64 ]]
	[ -e "/lib/modules/$(uname -r)/modules.dep" ]
	assert_eq "$(hostname)" vtl-test "host name"
}

@test "the host's files can be read, and written over without a trace in them" {
	grep -q 'GNU GENERAL PUBLIC LICENSE' "$VTL_REPO/COPYING"
	echo gone >>"$VTL_REPO/COPYING"
	assert_eq "$(tail -n 1 "$VTL_REPO/COPYING")" gone
	assert_eq "$(stat -f -c %T /)" overlayfs "root"
	assert_eq "$(stat -f -c %T "${BATS_TEST_TMPDIR:?}")" tmpfs "temporary directory"
}

@test "the kernel's own file systems are mounted" {
	local fs

	for fs in proc sysfs devtmpfs devpts debugfs tracefs configfs fusectl; do
		grep -q "^[^ ]* [^ ]* $fs " /proc/mounts || fail "no $fs"
	done
	[ -c /dev/fuse ]
	[ -w /dev/shm ]
	assert_eq "$(($(cat /sys/class/net/lo/flags) & 1))" 1 "lo is up"
}

@test "every module that a test of vtl may want loads" {
	modprobe -a st ch sg fuse 9p overlay target_core_mod target_core_user tcm_loop \
		iscsi_target_mod dm-log-writes ext4 xfs loop
	dmesg_clean
}

@test "a disk answers INQUIRY through sg, and takes data" {
	local hctl sg block

	hctl=$(debug_unit 0)
	wait_for 30 sg_of "$hctl"
	sg=$(sg_of "$hctl")
	run -0 sg_inq "$sg"
	assert_match "$output" 'Product identification: scsi_debug'
	assert_eq "$(hctl_of_node "$sg")" "$hctl"
	wait_for 30 disk_of "$hctl"
	block=$(disk_of "$hctl")
	mkfs.ext4 -q "$block"
	dmesg_clean
}

@test "a tape unit brings st by itself, and is found by its address" {
	local hctl nst

	wait_for 30 modprobe -r st
	hctl=$(debug_unit 1)
	wait_for 30 nst_of "$hctl"
	nst=$(nst_of "$hctl")
	assert_match "$nst" '^/dev/nst[0-9]+$'
	assert_eq "$(hctl_of_node "$nst")" "$hctl"
	run -0 sg_inq "$nst"
	assert_match "$output" 'Peripheral device type: tape'
	dmesg_clean
}

@test "a unit is found by its serial number" {
	local hctl serial

	hctl=$(debug_unit 1)
	wait_for 30 sg_of "$hctl"
	serial=$(sg_inq -p 0x80 "$(sg_of "$hctl")" | sed -n 's/.*serial number: *//p')
	wait_for 30 nst_of "$hctl"
	assert_eq "$(hctl_of_serial "$serial")" "$hctl"
	assert_eq "$(nst_by_serial "$serial")" "$(nst_of "$hctl")"
	run ! hctl_of_serial NOSUCH
}

@test "a changer unit brings ch by itself" {
	local hctl

	wait_for 30 modprobe -r ch
	hctl=$(debug_unit 8)
	# scsi_debug knows no MODE SENSE page of elements: the driver looks, and need not stay.
	wait_for 30 test -d /sys/module/ch
	wait_for 30 sg_of "$hctl"
	run -0 sg_inq "$(sg_of "$hctl")"
	assert_match "$output" 'medium changer'
}

@test "udev names a disk by its serial number" {
	if [ ! -b /dev/vda ]; then
		skip "the guest was started without a disk"
	fi
	wait_for 30 test -b "$VTL_SCRATCH"
	assert_eq "$(readlink -f "$VTL_SCRATCH")" /dev/vda
}

@test "a complaint of the kernel is seen, and only since the mark" {
	run -0 dmesg_clean
	echo 'WARNING: CPU: 0 PID: 1 at nowhere (a test)' >/dev/kmsg
	run -1 dmesg_clean
	assert_match "$output" 'at nowhere'
	dmesg_mark
	run -0 dmesg_clean
}

@test "waiting has a bound" {
	local start=$SECONDS

	run -1 wait_for 1 false
	assert_match "$output" 'not within 1 s: false'
	((SECONDS - start < 20))
}

# rtc_tick LAST: waits until the real-time clock, which is the host's, shows another second.
rtc_tick() {
	while [ "$(</sys/class/rtc/rtc0/since_epoch)" = "$1" ]; do
		sleep 0.01
	done
}

@test "the clock runs at the right speed" {
	local first start last end error

	rtc_tick "$(</sys/class/rtc/rtc0/since_epoch)"
	first=$(</sys/class/rtc/rtc0/since_epoch)
	start=${EPOCHREALTIME/./}
	sleep 3
	rtc_tick "$(</sys/class/rtc/rtc0/since_epoch)"
	end=${EPOCHREALTIME/./}
	last=$(</sys/class/rtc/rtc0/since_epoch)
	error=$((end - start - (last - first) * 1000000))
	# A few looks at the real-time clock fit into a tenth of the time even on a busy host.
	((error * 10 < end - start && -error * 10 < end - start)) ||
		fail "the clock is $error us off in $((last - first)) s"
}
