# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Helpers for the bats files of tests/fs and tests/scsi: a private library on the socket port.
#
#   load ../lib/vtl.bash
#
#   setup()    { vtl_config "library lib0 { slots = 4 }" && vtl_start -n; }
#   teardown() { vtl_teardown; }
#
#   @test "..." {
#           cdb lib0/drives/1 00 00 00 00 00 00
#           assert_sense 6/29/00
#   }
#
# vtl_config makes directories below $BATS_TEST_TMPDIR (in setup_file: $BATS_FILE_TMPDIR, one library
# for all tests of a file) and sets:
#
#   VTL_DIR     that directory          VTL_CONF   the configuration file
#   VTL_HOME    home: pool/, state/     VTL_RUN    sockets, logs
#   VTL_MNT     the mount
#
# Nothing here sleeps for a time; what has to be waited for is waited for with a bound. Whatever a test
# leaves running ends in vtl_teardown, also when the test failed.

bats_require_minimum_version 1.5.0

VTL_REPO=$(readlink -f "${BASH_SOURCE[0]%/*}/../..")
export VTL_BUILD=${VTL_BUILD:-$VTL_REPO/build}
VTL=$VTL_REPO/scripts/vtl
VTLTAPE=$VTL_BUILD/emul/daemon/vtltape
VTLLIBRARY=$VTL_BUILD/emul/daemon/vtllibrary
VTLCDB=$VTL_BUILD/emul/tools/vtl-cdb

# ---- failing -------------------------------------------------------------------------------------

fail()
{
	printf 'failed: %s\n' "$*" >&2
	return 1
}

# assert_eq ACTUAL EXPECTED [WHAT]
assert_eq()
{
	[[ $1 == "$2" ]] || fail "${3:-value}: expected '$2', got '$1'"
}

# assert_match TEXT REGEX [WHAT]
assert_match()
{
	[[ $1 =~ $2 ]] || fail "${3:-text} does not match '$2': $1"
}

# assert_file FILE TEXT: a file of one line holds it.
assert_file()
{
	local line=''

	IFS= read -r line <"$1" || [[ $line ]] || { [[ -e $1 ]] || fail "$1 is not there"; } || return
	assert_eq "$line" "$2" "$1"
}

# Succeeds if the command fails; unlike "!" its own failure ends a test wherever it stands.
not()
{
	if "$@"; then fail "this should have failed: $*"; fi
}

# ---- waiting -------------------------------------------------------------------------------------

# wait_for SECONDS COMMAND...: until it succeeds; its output is dropped.
wait_for()
{
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000)) seconds=$1

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < end)) || { fail "not within $seconds s: $*"; return 1; }
		sleep 0.02
	done
}

# wait_file SECONDS FILE TEXT: until the file's line is TEXT.
wait_file()
{
	wait_for "$1" file_is "$2" "$3" || fail "$2 holds '$(cat "$2" 2>&1)', not '$3'"
}

file_is()
{
	local line=''

	IFS= read -r line <"$1"
	[[ $line == "$2" ]]
}

# Is the process gone, with all its threads?
process_gone()
{
	local stat tasks

	[[ -e /proc/$1 ]] || return 0
	{ read -r stat </proc/"$1"/stat; } 2>/dev/null || return 0
	[[ ${stat##*) } == Z* ]] || return 1
	tasks=(/proc/"$1"/task/*)
	((${#tasks[@]} <= 1))
}

# ---- a library -----------------------------------------------------------------------------------

# vtl_config [LIBRARIES [GENERAL]]: writes a configuration. Both are in the configuration's own language.
vtl_config()
{
	VTL_DIR=${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:?}}/${VTL_INSTANCE:-vtl}
	VTL_HOME=$VTL_DIR/home VTL_RUN=$VTL_DIR/run VTL_MNT=$VTL_DIR/mnt
	export VTL_DIR VTL_HOME VTL_RUN VTL_MNT VTL_CONF=$VTL_DIR/vtl.conf
	mkdir -p "$VTL_HOME" "$VTL_RUN" "$VTL_MNT"
	cat >"$VTL_CONF" <<-END
		home = "$VTL_HOME"
		run = "$VTL_RUN"
		mount = "$VTL_MNT"
		port = "socket"
		workers = 1
		${2-}
		${1-library lib0 { slots = 6 map = 2 fill = 3 \}}
	END
}

# vtl_start [OPTION|UNIT...], vtl_stop ...: as a person does; -n leaves the mount out.
vtl_start()
{
	timeout 120 "$VTL" start -q -c "$VTL_CONF" "$@" </dev/null 3>&- 4>&-
}

vtl_stop()
{
	timeout 120 "$VTL" stop -c "$VTL_CONF" "$@" </dev/null 3>&- 4>&-
}

# unit_pid UNIT: the pid of its daemon (vtlfs: of the mount's).
unit_pid()
{
	local file=$VTL_RUN/$1/status/alive pid

	[[ $1 == vtlfs ]] && file=$VTL_RUN/vtlfs.pid
	read -r pid <"$file" && echo "$pid"
}

# kill_unit SIGNAL UNIT...: and waits until they are gone.
kill_unit()
{
	local sig=$1 u pid

	shift
	for u in "$@"; do
		pid=$(unit_pid "$u") || return
		kill -"$sig" "$pid" || return
		wait_for 20 process_gone "$pid" || return
	done
}

# Ends everything of this test's library, and shows the ends of its logs when the test has failed. What a sanitizer
# found, or a process that was left behind, fails a test that has passed.
vtl_teardown()
{
	local f pid mount mounts i failed=''

	[[ ${VTL_DIR:-} ]] || return 0
	[[ ${BATS_TEST_COMPLETED:-} || -z ${BATS_TEST_NAME:-} ]] || failed=1
	shopt -s nullglob
	if [[ $failed ]]; then
		for f in "$VTL_DIR"/../*/run/*.log; do
			[[ -s $f ]] && printf -- '--- end of %s:\n%s\n' "$f" "$(tail -n 30 "$f")"
		done
	fi
	# Side by side instances of one test lie beside each other.
	for f in "$VTL_DIR"/../*/run/{*,*/drives/*}/status/alive "$VTL_DIR"/../*/run/vtlfs.pid; do
		read -r pid <"$f" || continue
		_is_ours "$pid" "${VTL_DIR%/*}" || continue
		kill -KILL "$pid"
		wait_for 20 process_gone "$pid"
	done 2>/dev/null
	# Read before any goes, the last first: the list must not change under the reader.
	mapfile -t mounts </proc/self/mountinfo
	for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do
		read -r _ _ _ _ mount _ <<<"${mounts[i]}"
		[[ $mount == "${VTL_DIR%/*}"/* ]] || continue
		umount -l "$mount" 2>/dev/null || fusermount3 -uz "$mount"
	done
	shopt -u nullglob
	wait_for 10 _none_left "${VTL_DIR%/*}" || {
		pgrep -a -f -- "${VTL_DIR%/*}/" >&2
		pkill -KILL -f -- "${VTL_DIR%/*}/"
		return 1
	}
	! grep -hE 'Sanitizer|runtime error' "$VTL_DIR"/../*/run/*.log >&2
}

# Does no process name a path below this test's directory any more?
_none_left()
{
	! pgrep -f -- "$1/"
}

# end_background PID...: ends what was started in the background, and what it started: `timeout' leads a process
# group, and would leave its command behind.
end_background()
{
	local pid

	for pid; do
		{ kill -KILL -- "-$pid" || kill -KILL "$pid"; } 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# A process of ours names a configuration below this directory.
_is_ours()
{
	local args a

	mapfile -d '' -t args </proc/"$1"/cmdline || return
	for a in "${args[@]}"; do
		[[ $a == "$2"/* ]] && return 0
	done
	return 1
}

# ---- commands ------------------------------------------------------------------------------------

# cdb [OPTION...] UNIT BYTE...: one command as the initiator vtl-cdb (-n NAME: another). Sets
#   CDB_STATUS  "00", "02"     CDB_SENSE  "5/24/00", "" without
#   CDB_FLAGS   "[eom] [info 3]", what else the sense data says
#   CDB_DATA    data-in as hex digits without blanks     CDB_LEN  its length
# Fails only when no answer came. Options are those of vtl-cdb; a time limit is always set.
cdb()
{
	local out rc=0 line hex

	CDB_STATUS='' CDB_SENSE='' CDB_FLAGS='' CDB_DATA='' CDB_LEN=0
	out=$("$VTLCDB" -c "$VTL_CONF" -t 60 "$@" 2>&1) || rc=$?
	while IFS= read -r line; do
		case $line in
		'status: '*) CDB_STATUS=${line:8:2} ;;
		'sense: '*)
			CDB_SENSE=${line:7:7}
			[[ $line == *' ['* ]] && CDB_FLAGS=[${line#*' ['}
			;;
		'data: '*) CDB_LEN=${line//[!0-9]/} ;;
		'  '[0-9a-f][0-9a-f][0-9a-f][0-9a-f]*)
			hex=${line#  *  }
			hex=${hex:0:48}
			CDB_DATA+=${hex// /}
			;;
		esac
	done <<<"$out"
	CDB_OUTPUT=$out
	[[ $CDB_STATUS ]] || fail "vtl-cdb $*: status $rc: $out"
}

assert_good()
{
	[[ $CDB_STATUS == 00 ]] || fail "GOOD expected: $CDB_OUTPUT"
}

# assert_sense K/ASC/ASCQ [FLAGS-REGEX]: CHECK CONDITION with it.
assert_sense()
{
	[[ $CDB_STATUS == 02 && $CDB_SENSE == "$1" ]] || fail "sense $1 expected: $CDB_OUTPUT" || return
	[[ -z ${2:-} ]] || assert_match "$CDB_FLAGS" "$2" "sense flags"
}

# cdb_good, cdb_sense K/ASC/ASCQ: a command that must end so.
cdb_good()
{
	cdb "$@" && assert_good
}

cdb_sense()
{
	local want=$1

	shift
	cdb "$@" && assert_sense "$want"
}

# Takes the unit attentions that wait for an initiator: settle UNIT [OPTION...]
settle()
{
	local unit=$1 i

	shift
	for ((i = 0; i < 10; i++)); do
		cdb "$@" "$unit" 00 00 00 00 00 00 || return
		[[ $CDB_SENSE == 6/* ]] || return 0
	done
	fail "$unit has unit attentions without end"
}

# element_address KIND N: two bytes in hex of an element of lib0, as its mode page says; asked by an
# initiator of its own, which takes no unit attention from others. KIND: picker slot map drive.
element_address()
{
	local first at=12

	cdb -n element-address lib0 1a 08 1d 00 ff 00 || return
	[[ $CDB_SENSE == 6/* ]] && { cdb -n element-address lib0 1a 08 1d 00 ff 00 || return; }
	assert_good || return
	case $1 in
	picker) at=12 ;;
	slot) at=20 ;;
	map) at=28 ;;
	drive) at=36 ;;
	esac
	first=$((16#${CDB_DATA:at:4} + $2 - 1))
	printf '%02x %02x\n' $((first >> 8)) $((first & 255))
}

# move FROM-KIND FROM-N TO-KIND TO-N: MOVE MEDIUM on lib0; look at CDB_STATUS.
move()
{
	local from to

	from=$(element_address "$1" "$2") && to=$(element_address "$3" "$4") || return
	# shellcheck disable=SC2086
	cdb lib0 a5 00 00 00 $from $to 00 00 00 00
}

# The cartridge in an element of the tree, e.g. in_element lib0/slots/0001; nothing where it is empty.
in_element()
{
	local f

	for f in "$VTL_HOME/state/$1"/*; do
		[[ -L $f ]] && echo "${f##*/}"
	done
	return 0
}
