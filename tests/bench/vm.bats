#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# How fast, through st and the kernel module: dd, tar, two drives at once, and what a command costs at all.
# Figures beside a floor of the same guest, printed as comments; nothing is judged but that all of it works.
#
#   tests/vm/suite -k 6.1 --smp 2 tests/bench/vm.bats        (or tests/bench/run --vm)
#
# What a command costs is only worth looking at with --append idle=poll: to wake an emulated processor that has halted
# takes its emulator some 40 us, three times what there is to measure. A processor of today waits with MWAIT and is
# awake within one or two. For streams it is wrong: a processor that polls takes the emulator's disk its time.
#
# VTL_BENCH_MIB (64): bytes of one figure. The guest's processor is emulated: only ratios mean anything.

load ../vm/lib/guest.bash
load ../vm/lib/library.bash

setup_file() {
	lib_up || return
	export MIB=${VTL_BENCH_MIB:-64} FLOOR=$BATS_FILE_TMPDIR/floor
	in_drive 1 "$(at slots/0001)" && in_drive 2 "$(at slots/0002)"
	warm
}

# What the guest touches for the first time its host has to give, which takes longer than to copy it: whoever came
# first would pay that for the others.
warm() {
	local free

	free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	head -c $((free * 3 / 4))M /dev/zero >"$FLOOR"
	rm "$FLOOR"
}

teardown_file() { lib_down; }

setup() {
	dmesg_mark
	rewind_tape 1
	rewind_tape 2
}

teardown() {
	dump_on_failure
	rm -f "$FLOOR"
}

# clock COMMAND...: its milliseconds, into MS.
clock() {
	local t=${EPOCHREALTIME/./}

	"$@" || return
	MS=$(((${EPOCHREALTIME/./} - t) / 1000 + 1))
}

# feed FILE BS [DD-ARG...]: MIB of the data into it.
feed() {
	local to=$1 bs=$2

	shift 2
	for ((i = 0; i < MIB; i += DATA_BYTES >> 20)); do
		cat $DATA
	done | dd of="$to" bs="$bs" iflag=fullblock,count_bytes count=${MIB}M status=none "$@"
}

# drain FILE BS
drain() {
	dd if="$1" bs="$2" of=/dev/null status=none
}

# figure NAME FLOOR-MS MS [MIB]
figure() {
	local mib=${4:-$MIB}

	printf '# %-34s floor %6d KiB/s  here %6d KiB/s  ratio %d.%02d\n' "$1" $((mib * 1024000 / $2)) \
		$((mib * 1024000 / $3)) $(($2 / $3)) $(($2 % $3 * 100 / $3)) >&3
}

# A file mark and all before it on stable storage is what closing the node does; an fsync for the floor.
stream() {
	local bs=$1 floor_w floor_r

	clock feed "$FLOOR" "$bs" conv=fsync
	floor_w=$MS
	clock drain "$FLOOR" "$bs"
	floor_r=$MS
	clock feed "$T1" "$bs"
	figure "dd to tape, blocks of $bs" "$floor_w" "$MS"
	rewind_tape 1
	clock drain "$T1" "$bs"
	figure "dd from tape, blocks of $bs" "$floor_r" "$MS"
}

@test "dd, blocks of 256 KiB (floor: a file)" {
	stream 256K
	dmesg_clean
}

@test "dd, blocks of 64 KiB (floor: a file)" {
	stream 64K
	dmesg_clean
}

# write_file NODE: $data to it, by one process that reads a file: what another would have to do is not measured.
# A file mark and all before it on stable storage is what closing a tape does.
write_file() {
	local how=

	[[ -c $1 ]] || how=conv=fsync
	dd if="$data" of="$1" bs=256K status=none $how
}

# What the store reaches by itself in this guest, as bench-store says: milliseconds for MIB in blocks of 256 KiB, into MS.
store_alone() {
	local said

	said=$("$VTL_BUILD/tests/bench/bench-store" -d "$BATS_FILE_TMPDIR" -m "$MIB" -r 1 plain-256) || true
	[[ $said =~ write\ none\ +262144\ B\ .*\ here\ +([0-9]+)\.([0-9])\ MB/s ]] || fail "bench-store says: $said" ||
		return
	MS=$((MIB * 1048576 / 100 / 10#${BASH_REMATCH[1]}${BASH_REMATCH[2]}))
}

# median N...: into MEDIAN.
median() {
	local -a all

	readarray -t all < <(printf '%s\n' "$@" | sort -n)
	MEDIAN=${all[$#/2]}
}

# Where what is measured and its floor take turns, five of each, it is for the medians: the processors are not as
# fast at all times.
@test "dd, blocks of 256 KiB, incompressible (floor: the store alone, by bench-store)" {
	local data=$BATS_FILE_TMPDIR/data floor=() here=() median

	feed "$data" 1M
	for ((i = 0; i < 5; i++)); do
		store_alone
		floor+=("$MS")
		rewind_tape 1
		clock write_file "$T1"
		here+=("$MS")
	done
	rm "$data"
	median "${floor[@]}"
	median=$MEDIAN
	median "${here[@]}"
	figure "dd to tape, blocks of 256K" "$median" "$MEDIAN"
	dmesg_clean
}

@test "tar, records of 10 KiB and 256 KiB (floor: tar to a file)" {
	local b mib floor

	mkdir "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree"
	split -b 1M $DATA part
	mib=$((DATA_BYTES >> 20))
	for b in 20 512; do
		clock tar -b $b -cf "$FLOOR" .
		floor=$MS
		rewind_tape 1
		clock tar -b $b -cf "$T1" .
		figure "tar -b $b to tape" "$floor" "$MS" $mib
		clock tar -b $b -tf "$FLOOR" >/dev/null
		floor=$MS
		rewind_tape 1
		clock tar -b $b -df "$T1"
		figure "tar -b $b -d from tape (floor: -t)" "$floor" "$MS" $mib
	done
	dmesg_clean
}

# both_in_turn A B, both_at_once A B
both_in_turn() { write_file "$1" && write_file "$2"; }

both_at_once() {
	write_file "$1" 3>&- &
	write_file "$2" && wait $!
}

# idle: hundredths of a second that processors have had nothing to do so far, into IDLE.
idle() {
	local cpu

	read -ra cpu </proc/stat
	IDLE=$((cpu[4] + cpu[5]))
}

# The same with two files says what the processors have to give. Where they are never idle, it is they that limit: two
# drives are served by four threads, which for one drive already share two processors.
@test "two drives at once (floor: one after the other)" {
	local data=$BATS_FILE_TMPDIR/data how floor
	local -A tapes=() files=() idles=()

	feed "$data" 1M
	for ((i = 0; i < 5; i++)); do
		for how in in_turn at_once; do
			clock both_$how "$FLOOR.1" "$FLOOR.2"
			files[$how]+=" $MS"
			rm "$FLOOR".[12]
			rewind_tape 1
			rewind_tape 2
			idle
			idles[$how]+=" -$IDLE"
			clock both_$how "$T1" "$T2"
			tapes[$how]+=" $MS"
			idle
			idles[$how]+=" + $IDLE"
		done
	done
	rm "$data"
	median ${files[in_turn]}
	floor=$MEDIAN
	median ${files[at_once]}
	figure "dd to two files, blocks of 256K" "$floor" "$MEDIAN" $((2 * MIB))
	median ${tapes[in_turn]}
	floor=$MEDIAN
	median ${tapes[at_once]}
	figure "dd to two tapes, blocks of 256K" "$floor" "$MEDIAN" $((2 * MIB))
	for how in in_turn at_once; do
		printf '# processors of %d, idle, tapes %s: %d%%\n' "$(nproc)" $how \
			$(((${idles[$how]}) * 1000 / (${tapes[$how]// /+} + 0) / $(nproc))) >&3
	done
	dmesg_clean
}

# turs NODE N: microseconds of one TEST UNIT READY, into US.
turs() {
	local said

	said=$(sg_turs -n "$2" -t "$1" 2>&1) || fail "sg_turs: $said" || return
	[[ $said =~ ([0-9]+)\.([0-9]{6})\ secs ]] || fail "sg_turs says: $said" || return
	US=$(((10#${BASH_REMATCH[1]} * 1000000 + 10#${BASH_REMATCH[2]}) / $2))
}

# cost NAME FLOOR-US US
cost() {
	printf '# %-34s floor %6d us     here %6d us     ratio %d.%02d\n' "$1" "$2" "$3" $(($3 / $2)) \
		$(($3 % $2 * 100 / $2)) >&3
}

@test "TEST UNIT READY (floor: scsi_debug), idle and beside a writer" {
	local floors=() here=() floor pid debug

	modprobe scsi_debug delay=0 ptype=1 dev_size_mb=8 max_luns=1 num_tgts=1
	wait_for 30 scsi_host scsi_debug
	wait_for 30 sg_of "$(scsi_host scsi_debug):0:0:0"
	debug=$(sg_of "$(scsi_host scsi_debug):0:0:0")
	for ((i = 0; i < 5; i++)); do
		turs "$debug" 10000
		floors+=("$US")
		turs "$G1" 10000
		here+=("$US")
	done
	wait_for 60 modprobe -r scsi_debug
	median "${floors[@]}"
	floor=$MEDIAN
	median "${here[@]}"
	cost "TEST UNIT READY" "$floor" "$MEDIAN"
	feed "$T1" 256K 3>&- &
	pid=$!
	turs "$G1" 300
	cost "TEST UNIT READY beside dd" "$floor" "$US"
	wait $pid
	dmesg_clean
}
