# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Helpers for the bats files that run inside the test guest: load guest.bash, then use them.
#
# They find things by address or serial number, never by /dev number (the probing order of units is
# not stable), and wait for states with a bound, never for a time. Every helper that fails says what
# it wanted and what it saw.
#
# Environment: VTL_BUILD is the meson build directory; VTL_LOGS collects logs of what a test starts.

bats_require_minimum_version 1.5.0

VTL_REPO=$(readlink -f "${BASH_SOURCE[0]%/*}/../../..")
VTL_BUILD=${VTL_BUILD:-$VTL_REPO/build}
VTL_LOGS=${VTL_LOGS:-/run/vtl-logs}
# An empty disk that tests/vm/suite gives.
export VTL_SCRATCH=/dev/disk/by-id/virtio-vtl-disk0
mkdir -p "$VTL_LOGS"

# ------------------------------------------------------------------------------------------------
# Failing

# Ends the test with the words given.
fail() {
	printf 'failed: %s\n' "$*" >&2
	return 1
}

# assert_eq ACTUAL EXPECTED [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: expected '$2', got '$1'"
}

# assert_match TEXT REGEX [WHAT]: an extended regular expression.
assert_match() {
	[[ $1 =~ $2 ]] || fail "${3:-text} does not match '$2': $1"
}

# Shows what there is to see of a failure: kernel messages since the mark, logs, units, processes.
# Call it from teardown; it is silent when the test has passed.
dump_on_failure() {
	local log

	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	echo "--- kernel, since the last mark:"
	dmesg_since_mark | tail -n 60
	for log in "$VTL_LOGS"/* "${BATS_FILE_TMPDIR:-/nowhere}"/vtl/run/*.log; do
		[ -s "$log" ] || continue
		echo "--- end of $log:"
		tail -n 60 "$log"
	done
	echo "--- units:"
	timeout 10 lsscsi -g
	echo "--- processes of ours:"
	pgrep -a '^vtl' || true
}

# ------------------------------------------------------------------------------------------------
# Waiting

# wait_for SECONDS COMMAND...: until COMMAND succeeds. Its output is dropped.
wait_for() {
	local seconds=$1 end

	shift
	end=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge $end ]; then
			fail "not within $seconds s: $*"
			return
		fi
		_nap
	done
}

# A tenth of a second, without a process: an emulated processor takes longer than that to start one.
_nap() {
	[ -e "/proc/self/fd/${VTL_NAP:-x}" ] || exec {VTL_NAP}<> <(:)
	read -rt 0.1 -u "$VTL_NAP" || true
}

# rounds N: how often to do what is to be done N times: all, or the part of it that VTL_SHARE says
# (10: a tenth), where another run does it all.
rounds() {
	local n=$(($1 / ${VTL_SHARE:-1}))

	echo $((n < 3 ? 3 : n))
}

# wait_for_gone SECONDS COMMAND...: until COMMAND fails.
wait_for_gone() {
	local seconds=$1

	shift
	wait_for "$seconds" not "$@"
}

# not COMMAND...: success if it fails; unlike "!", a failure of it ends a bats test anywhere.
not() {
	! "$@"
}

# wait_for_value SECONDS FILE VALUE: until FILE (of one line) holds VALUE.
wait_for_value() {
	wait_for "$1" file_holds "$2" "$3" ||
		fail "$2 holds '$(cat "$2" 2>&1)', not '$3'"
}

# wait_for_match SECONDS FILE REGEX: until FILE's text matches.
wait_for_match() {
	wait_for "$1" file_matches "$2" "$3" ||
		fail "$2 holds '$(cat "$2" 2>&1)', which does not match '$3'"
}

file_matches() {
	[[ $(<"$1") =~ $2 ]]
}

file_holds() {
	[ "$(<"$1")" = "$2" ]
}

# ------------------------------------------------------------------------------------------------
# Kernel messages

# Whatever the kernel says when something is wrong with it.
VTL_DMESG_BAD='WARNING: |BUG: |Oops|general protection fault|blocked for more than'
VTL_DMESG_BAD+='|possible (circular|recursive|irq lock)|inconsistent lock state|suspicious RCU'
VTL_DMESG_BAD+='|bad unlock balance|held lock freed|still has locks held|nested lock was not taken'
VTL_DMESG_BAD+='|kmemleak: [0-9]+ new|unreferenced object|KASAN|KCSAN|UBSAN|refcount_t: '
VTL_DMESG_BAD+='|list_(add|del) corruption|detected stalls?|soft lockup|hard LOCKUP'
VTL_DMESG_BAD+='|scheduling while atomic|sleeping function called|Call Trace|use-after-free'
VTL_DMESG_BAD+='|ODEBUG|DMA-API|nobody cared|Out of memory|page allocation failure'
VTL_DMESG_BAD+='|__slab_free|Object already free|sysfs: cannot create duplicate'
VTL_DMESG_BAD+='|kobject.*(tried to init|is not initialized)'

# Remembers this moment: what the kernel said before does not count any more.
dmesg_mark() {
	VTL_MARK="vtl-test: mark $$ ${EPOCHREALTIME/./}"
	echo "$VTL_MARK" >/dev/kmsg
}

# The kernel's messages since the mark (all without one).
dmesg_since_mark() {
	dmesg | awk -v mark="${VTL_MARK:-}" '
		mark != "" && index($0, mark) { delete line; n = 0; next }
		{ line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }'
}

# Fails, and shows it, when the kernel complained since the mark. With kmemleak in the kernel it is
# asked to look first: twice, for it wants to see an object unreferenced more than once.
dmesg_clean() {
	local leak=/sys/kernel/debug/kmemleak bad

	if [ -w $leak ]; then
		echo scan >$leak
		echo scan >$leak
	fi
	bad=$(dmesg | awk -v mark="${VTL_MARK:-}" -v bad="$VTL_DMESG_BAD" '
		mark != "" && index($0, mark) { delete line; n = show = 0; next }
		$0 ~ bad { show = 30 }
		show > 0 && n < 120 { line[n++] = $0; show-- }
		END { for (i = 0; i < n; i++) print line[i] }')
	[ -z "$bad" ] || fail "the kernel complained:
$bad"
}

# ------------------------------------------------------------------------------------------------
# SCSI units. HCTL is host:channel:target:lun.

# scsi_host NAME: number of the host whose driver is NAME (vtl, scsi_debug, tcm_loopback).
scsi_host() {
	local dir

	for dir in /sys/class/scsi_host/host*; do
		if file_holds "$dir/proc_name" "$1" 2>/dev/null; then
			echo "${dir##*/host}"
			return
		fi
	done
	fail "no SCSI host of driver $1"
}

# scsi_unit HCTL: whether the kernel has such a unit.
scsi_unit() {
	[ -d "/sys/bus/scsi/devices/$1" ]
}

# hctl_of_serial SERIAL: the unit with this serial number (VPD page 80h).
hctl_of_serial() {
	local HCTL

	_hctl_of_serial "$1" && echo "$HCTL" || fail "no SCSI unit with serial number $1"
}

# The same into HCTL, without a process and in silence: whoever waits for a unit comes here often.
_hctl_of_serial() {
	local dir SERIAL

	for dir in /sys/bus/scsi/devices/*:*:*:*; do
		_serial "$dir"
		HCTL=${dir##*/}
		[ "$SERIAL" != "$1" ] || return 0
	done
	return 1
}

# _serial DIRECTORY: into SERIAL. The kernel keeps the page as it was read: type, page code, a NUL, the length,
# the serial number. Units that say that they are older than SPC-2 it does not ask, so we do.
_serial() {
	SERIAL=
	if [ -e "$1/vpd_pg80" ]; then
		{
			IFS= read -r -d '' _
			IFS= read -r -d '' SERIAL
		} <"$1/vpd_pg80" 2>/dev/null
		SERIAL=${SERIAL:1}
	else
		SERIAL=$(sg_vpd -q -p sn -r "$(sg_of "${1##*/}")" 2>/dev/null | tail -c +5 | tr -d '\0')
	fi
	SERIAL=${SERIAL// /}
}

# hctl_of_node NODE: the unit behind /dev/nst0, /dev/sg1, /dev/sch0.
hctl_of_node() {
	local class dir

	for class in scsi_tape scsi_generic scsi_changer block; do
		dir=/sys/class/$class/${1##*/}/device
		if [ -e "$dir" ]; then
			dir=$(readlink -f "$dir")
			echo "${dir##*/}"
			return
		fi
	done
	fail "$1 is no node of a SCSI unit"
}

# _find_node HCTL CLASS REGEX: the node of that class whose name fits, into NODE, without a process.
_find_node() {
	local dir

	for dir in "/sys/bus/scsi/devices/$1/$2"/*; do
		NODE=/dev/${dir##*/}
		[[ ! ${dir##*/} =~ ^($3)$ || ! -c $NODE ]] || return 0
	done
	fail "unit $1 has no node in $2"
}

# The same, printed.
_node() {
	local NODE

	_find_node "$@" && echo "$NODE"
}

# nst_of HCTL, st_of HCTL, sg_of HCTL, sch_of HCTL: print the unit's node.
nst_of() { _node "$1" scsi_tape 'nst[0-9]+'; }
st_of() { _node "$1" scsi_tape 'st[0-9]+'; }
sg_of() { _node "$1" scsi_generic 'sg[0-9]+'; }
sch_of() { _node "$1" scsi_changer 'sch[0-9]+'; }

# The same by serial number, waiting for the node: nst_by_serial SERIAL [SECONDS].
nst_by_serial() { _by_serial nst_of "$@"; }
sg_by_serial() { _by_serial sg_of "$@"; }
sch_by_serial() { _by_serial sch_of "$@"; }

_by_serial() {
	local HCTL

	wait_for "${3:-30}" _serial_has_node "$1" "$2" && "$1" "$HCTL"
}

_serial_has_node() {
	_hctl_of_serial "$2" && "$1" "$HCTL"
}

# tape_by_id SERIAL: the non-rewinding node's name that udev's rules made, once it is there.
tape_by_id() {
	local link=/dev/tape/by-id/scsi-$1-nst

	wait_for 30 test -c "$link" || return
	echo "$link"
}

# ------------------------------------------------------------------------------------------------
# vtl itself

# vtl_module_load [PARAMETER=VALUE...]: the module built for the kernel that runs.
vtl_module_load() {
	local ko

	ko=$VTL_BUILD/kernel/$(uname -r)/vtl.ko
	[ -e "$ko" ] || fail "$ko is not built" || return
	modprobe -a scsi_mod sg st ch || return
	insmod "$ko" "$@" || fail "insmod $ko $*"
}

# Fails when the module is in use or its exit takes more than a minute.
vtl_module_unload() {
	[ -d /sys/module/vtl ] || return 0
	timeout 60 rmmod vtl || fail "rmmod vtl: status $?, use count $(cat /sys/module/vtl/refcnt)"
}

# vtl_home: an empty home of its own for this test file, on tmpfs; prints the directory.
vtl_home() {
	local dir=${BATS_FILE_TMPDIR:?}/vtl

	mkdir -p "$dir/home" "$dir/run" "$dir/mnt"
	echo "$dir"
}

# vtl_config DIR PORT [TEXT]: writes DIR/vtl.conf for a home made by vtl_home and prints its name.
# TEXT is what follows the general settings: libraries, in the configuration's own language.
vtl_config() {
	cat >"$1/vtl.conf" <<-END
		home = "$1/home"
		mount = "$1/mnt"
		run = "$1/run"
		port = "$2"
		${3:-library lib0 {\}}
	END
	echo "$1/vtl.conf"
}

# vtl_start CONFIG: all daemons of the configuration, as a person would start them from a checkout.
vtl_start() {
	VTL_BUILD=$VTL_BUILD timeout 120 "$VTL_REPO/scripts/vtl" start -c "$1" \
		>>"$VTL_LOGS/vtl-start.log" 2>&1 </dev/null 3>&- ||
		fail "scripts/vtl start -c $1: status $?: $(tail -n 20 "$VTL_LOGS/vtl-start.log")"
}

# vtl_stop CONFIG: and back, in order; then no process of vtl is left. One that had to be killed is a
# failure, and what its threads were doing is shown.
vtl_stop() {
	local log=$VTL_LOGS/vtl-stop.log watch

	: >"$log"
	{
		sleep 60
		thread_states
	} >"$VTL_LOGS/threads.log" 2>&1 3>&- &
	watch=$!
	# So long that there is time to look at what hangs.
	VTL_BUILD=$VTL_BUILD VTL_STOP_LIMIT=240 timeout 300 "$VTL_REPO/scripts/vtl" stop -c "$1" \
		>>"$log" 2>&1 </dev/null 3>&- ||
		fail "scripts/vtl stop -c $1: status $?: $(cat "$log")" || return
	pkill -P $watch || true
	wait $watch || true
	if grep -q 'does not end' "$log"; then
		fail "$(cat "$log" "$VTL_LOGS/threads.log")" || return
	fi
	wait_for_gone 30 pgrep -x 'vtl[tlf].*'
}

# What the threads of all daemons are doing.
thread_states() {
	local pid

	for pid in $(pgrep -x 'vtl[tlf].*'); do
		echo "--- threads of $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		if type gdb >/dev/null 2>&1; then
			timeout 120 gdb -p "$pid" -batch -ex 'thread apply all bt' </dev/null 2>&1 |
				grep -E '^(Thread|#)'
		fi
		grep -H . "/proc/$pid"/task/*/wchan
	done
}

# What the port of the units under test needs before they start, and what has to be gone after they have
# been stopped. VTL_PORT is kernel, unless the caller of the suite says tcmu.
vtl_port_up() { # [PARAMETER=VALUE...] of vtl.ko
	case ${VTL_PORT:=kernel} in
	kernel) vtl_module_load "$@" ;;
	tcmu) modprobe -a scsi_mod sg st ch target_core_user tcm_loop ;;
	*) fail "VTL_PORT=$VTL_PORT: kernel or tcmu" ;;
	esac
}

vtl_port_down() {
	vtl_module_unload && tcmu_nothing_left
}

# Bytes that one command can carry: st and vtl.ko pass 16 MiB, tcm_loop 256 pages.
port_transfer_max() {
	case $VTL_PORT in
	tcmu) echo 1048576 ;;
	*) echo 16777216 ;;
	esac
}

# No kernel object of the tcmu port is left, and its modules can go.
tcmu_nothing_left() {
	local dir=/sys/kernel/config/target

	[ -d $dir ] || return 0
	assert_eq "$(cd $dir && echo loopback/naa.* core/user_*)" 'loopback/naa.* core/user_*' \
		"left in $dir" || return
	timeout 60 modprobe -r tcm_loop target_core_user || fail "the tcmu modules do not go: $(lsmod)"
}

# The same without mercy: what nobody serves any more is reset, unplugged and removed.
tcmu_clear() {
	local dir

	for dir in /sys/kernel/config/target/core/user_7674/*/action; do
		[ -d "$dir" ] || continue
		echo 1 >"$dir/block_dev"
		echo 2 >"$dir/reset_ring"
	done
	for dir in /sys/kernel/config/target/loopback/naa.*/tpgt_*/lun/lun_*; do
		[ -d "$dir" ] || continue
		rm -f "$dir"/vtl && rmdir "$dir" "${dir%/lun/*}"
		rmdir "${dir%/tpgt_*}" 2>/dev/null
	done
	for dir in /sys/kernel/config/target/core/user_7674/*@*/ \
		/sys/kernel/config/target/core/user_7674/*+*/ \
		/sys/kernel/config/target/core/user_7674/*/; do
		[ -d "$dir" ] && [ -d "${dir}action" ] && rmdir "$dir"
	done
	rmdir /sys/kernel/config/target/core/user_7674 2>/dev/null
	true
}

# For teardown_file: ends what a failed test left, so that the next file finds a clean guest.
vtl_kill_all() {
	local mount

	cd /
	pkill -KILL -x 'vtl[tlf].*' || true
	while read -r _ mount _; do
		umount -l "$mount" || true
	done < <(grep -E '^[^ ]+ [^ ]+ fuse\.?(vtl|vtlfs)? ' /proc/mounts)
	wait_for_gone 30 pgrep -x 'vtl[tlf].*' || true
	vtl_module_unload || true
	tcmu_clear || true
}
