# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A library for a bats file: brought up in setup_file, taken down in teardown_file, looked at through
# mtx, mt and the mount. Load it after guest.bash.
#
# lib_up exports what a test needs:
#   CONF HOME_DIR MNT L        configuration, home, mount, and the library in the mount ($MNT/lib0)
#   CH CHANGER                 sg and sch node of the robot
#   T1 T2                      non-rewinding nodes of the drives (T2 only where there is a second one)
#   R1 R2 G1 G2                rewinding and sg nodes

SERIAL_L=VTLTESTL0
SERIAL_1=VTLTESTD1
SERIAL_2=VTLTESTD2

# Bytes to write, made once for each guest: they do not shrink, and no two places are alike.
export DATA=/run/vtl-data/random
DATA_BYTES=$((24 << 20))

# lib_text [SETTINGS]: the usual library: two drives, four cartridges in slots 1 to 4, a cleaning
# cartridge in slot 7, mail slots that mtx counts as 8 and 9. SETTINGS come first in its block.
lib_text() {
	cat <<-END
		library lib0 {
			serial = "$SERIAL_L"
			slots = 7
			map = 2
			fill = 4
			$1
			drive 1 { serial = "$SERIAL_1" }
			drive 2 { serial = "$SERIAL_2" }
		}
	END
}

# lib_up [TEXT]: see above; TEXT is the configuration of the library lib0.
lib_up() {
	local dir

	vtl_port_up || return
	dir=$(vtl_home)
	# Whatever hangs is found; a busy host is not taken for it.
	export BATS_TEST_TIMEOUT=1500
	export CONF HOME_DIR=$dir/home RUN_DIR=$dir/run MNT=$dir/mnt L=$dir/mnt/lib0
	CONF=$(vtl_config "$dir" "$VTL_PORT" "${1:-$(lib_text)}")
	vtl_start "$CONF" && lib_nodes && data_make
}

# lib_nodes: finds the units' nodes, by serial number.
lib_nodes() {
	export CH CHANGER T1 R1 G1 T2 R2 G2
	local HCTL

	wait_for 30 _serial_has_node sch_of $SERIAL_L && CH=$(sg_of "$HCTL") && CHANGER=$(sch_of "$HCTL") &&
		wait_for 30 _serial_has_node nst_of $SERIAL_1 && T1=$(nst_of "$HCTL") && G1=$(sg_of "$HCTL") || return
	R1=/dev/${T1#/dev/n}
	grep -q $SERIAL_2 "$CONF" || return 0
	wait_for 30 _serial_has_node nst_of $SERIAL_2 && T2=$(nst_of "$HCTL") && G2=$(sg_of "$HCTL") || return
	R2=/dev/${T2#/dev/n}
}

# lib_down: for teardown_file. In order, then without mercy; what did not go in order is a failure.
lib_down() {
	local ret=0

	vtl_stop "$CONF" && vtl_port_down || ret=1
	vtl_kill_all
	return $ret
}

# Random bytes are dear under emulation: one MiB of them, again and again, but each time turned a bit
# further, which is more than any codec looks back.
data_make() {
	local dir=${DATA%/*} i

	[ -e $DATA ] && return
	mkdir -p "$dir" && head -c 1048576 /dev/urandom >"$dir/seed" || return
	for ((i = 0; i < DATA_BYTES >> 20; i++)); do
		tail -c +$((i * 4099 + 1)) "$dir/seed" && head -c $((i * 4099)) "$dir/seed" || return
	done >$DATA.new
	mv $DATA.new $DATA
}

# fresh BARCODE: a new cartridge of that name in the vault.
fresh() {
	mkdir "$MNT/vault/$1"
}

# ------------------------------------------------------------------------------------------------
# Where the cartridges are. Elements are named as in the mount: drives/1, slots/0001, map/1.

# at ELEMENT: its first cartridge in the mount, or nothing.
at() {
	local AT

	_at "$1"
	echo "$AT"
}

# The same into AT: a process less, and processes are dear under emulation.
_at() {
	local dir

	AT=
	for dir in "$L/$1"/*/; do
		[ -d "$dir" ] || continue
		dir=${dir%/}
		AT=${dir##*/}
		return
	done
}

# The pictures are lines "ELEMENT BARCODE" for each cartridge: drives, slots, mail slots.

# mtx_picture: what the robot says.
mtx_picture() {
	local PICTURE

	_mtx_picture
	printf %s "$PICTURE"
}

_mtx_picture() {
	local status line slots map= n=0
	local full='^ *(Data Transfer|Storage) Element ([0-9]+)( IMPORT.EXPORT)?:Full.*VolumeTag *= *([^ ]+)'

	status=$(mtx -f "$CH" status) || fail "mtx status: $status" || return
	slots=("$L"/slots/*/)
	PICTURE=
	while IFS= read -r line; do
		[[ $line =~ $full ]] || continue
		n=${BASH_REMATCH[2]}
		case ${BASH_REMATCH[1]}${BASH_REMATCH[3]} in
		Data*) printf -v line 'drives/%d %s\n' $((n + 1)) "${BASH_REMATCH[4]}" ;;
		Storage) printf -v line 'slots/%04d %s\n' "$n" "${BASH_REMATCH[4]}" ;;
		*) printf -v line 'map/%d %s\n' $((n - ${#slots[@]})) "${BASH_REMATCH[4]}" ;;
		esac
		PICTURE+=$line
	done <<<"$status"
}

# _dir_picture DIRECTORY SUFFIX: of the element directories there, into PICTURE.
_dir_picture() {
	local path

	PICTURE=
	for path in "$1"/drives/*/*"$2" "$1"/slots/*/*"$2" "$1"/map/*/*"$2"; do
		if [ -n "$2" ]; then
			[ -d "$path" ] || continue
		else
			[ -L "$path" ] || continue
		fi
		path=${path#"$1"/}
		path=${path%/}
		PICTURE+="${path%/*} ${path##*/}"$'\n'
	done
}

# The robot, the mount and the disk agree.
same_picture() {
	local PICTURE mount

	_dir_picture "$L" /
	mount=$PICTURE
	_dir_picture "$HOME_DIR/state/lib0" ""
	assert_eq "$PICTURE" "$mount" "the disk beside the mount" || return
	_mtx_picture && assert_eq "$PICTURE" "$mount" "mtx beside the mount"
}

# All cartridges that there are, each as often as it has a place. (state/.where only helps to find one, and a
# library's `pool' is the way to the pool.)
census() {
	find "$HOME_DIR/state" \( -name .where -o -name pool \) -prune -o -type l -printf '%f\n' | sort
}

# Every cartridge of the pool is in exactly one place.
each_in_one_place() {
	assert_eq "$(census)" "$(ls "$HOME_DIR/pool")" "cartridges with a place beside the pool's"
}

# assert_at ELEMENT BARCODE: for the robot as for the mount; BARCODE may be "" for empty.
assert_at() {
	local AT PICTURE

	_at "$1"
	assert_eq "$AT" "$2" "$1 in the mount" || return
	_mtx_picture || return
	if [ -n "$2" ]; then
		[[ $'\n'$PICTURE == *$'\n'"$1 $2"$'\n'* ]]
	else
		[[ $'\n'$PICTURE != *$'\n'"$1 "* ]]
	fi || fail "$1 should hold '$2', but mtx says:
$PICTURE"
}

# The first slot of the mount that is empty: slots/0005.
free_slot() {
	local dir AT

	for dir in "$L"/slots/*/; do
		dir=${dir#"$L"/}
		dir=${dir%/}
		_at "$dir"
		if [ -z "$AT" ]; then
			echo "$dir"
			return
		fi
	done
	fail "no slot is empty"
}

# Brings every cartridge of the drives and mail slots into a free slot, so that a test begins in order;
# those that tests have made (VM...) to the vault.
all_home() {
	local dir slot

	for dir in "$L"/{drives,map}/*/*/; do
		[ -d "$dir" ] || continue
		case $dir in
		*/VM*/) mv "$dir" "$MNT/vault/" || return ;;
		*) slot=$(free_slot) && mv "$dir" "$L/$slot/" || return ;;
		esac
	done
}

# ------------------------------------------------------------------------------------------------
# The tape

# in_drive N BARCODE: puts it there (from wherever it is) if it is not there yet, at the beginning, with
# variable block size.
in_drive() {
	local now where AT state

	_at "drives/$1"
	now=$AT
	if [ "$now" != "$2" ]; then
		if [ -n "$now" ]; then
			all_home || return
		fi
		where=$(readlink -f "$MNT/cartridges/$2") && mv "$where" "$L/drives/$1/" || return
	elif read -r state <"$L/drives/$1/state" && [ "$state" != ready ]; then
		# A failed test left it unloaded; st would wait for it.
		case $1 in
		1) mt -f "$T1" load ;;
		2) mt -f "$T2" load ;;
		esac || return
	fi
	rewind_tape "$1"
}

rewind_tape() {
	case $1 in
	1) mt -f "$T1" rewind && mt -f "$T1" setblk 0 ;;
	2) mt -f "$T2" rewind && mt -f "$T2" setblk 0 ;;
	esac
}

# mt_pos NODE: "FILE BLOCK PARTITION" of mt status.
mt_pos() {
	local status

	status=$(mt -f "$1" status) || return
	[[ $status =~ File\ number=(-?[0-9]+),\ block\ number=(-?[0-9]+),\ partition=([0-9]+) ]] ||
		fail "no position: $status" || return
	echo "${BASH_REMATCH[*]:1}"
}

# mt_bits NODE: the words of "General status bits".
mt_bits() {
	local status

	status=$(mt -f "$1" status) && echo "${status##*$'\n'}"
}

# assert_pos NODE FILE BLOCK [PARTITION]
assert_pos() {
	assert_eq "$(mt_pos "$1")" "$2 $3 ${4:-0}" "position (file, block, partition)"
}

# marked_tape NODE FILES BLOCKS: from where the tape is, FILES files of BLOCKS blocks of 1 KiB, each of
# which begins with its name: f0b0, f0b1 ...
marked_tape() {
	local f b names

	for ((f = 0; f < $2; f++)); do
		names=()
		for ((b = 0; b < $3; b++)); do
			names+=("f${f}b$b")
		done
		printf '%-1023s\n' "${names[@]}" |
			dd of="$1" bs=1024 iflag=fullblock status=none || return
	done
}

# next_block NODE: the name of the block that is read now; nothing at a filemark or at the end.
next_block() {
	local name

	read -r name < <(dd if="$1" bs=64k count=1 status=none 2>/dev/null) || true
	echo "$name"
}

assert_next() {
	local name=

	read -r name < <(dd if="$1" bs=64k count=1 status=none 2>/dev/null) || true
	assert_eq "$name" "$2" "block read"
}

# small_cartridge BARCODE [BYTES [ELEMENT]]: a new cartridge of so few bytes (8 MiB), in ELEMENT or in
# the vault.
small_cartridge() {
	"$VTL_BUILD/tests/vm/mkcart" "$HOME_DIR" "$1" "${2:-$((8 << 20))}" || return
	[ -z "${3:-}" ] || mv "$MNT/vault/$1" "$L/$3/"
}

# ------------------------------------------------------------------------------------------------
# The daemons

# drive_pid N, robot_pid: the process that serves it, as it says itself; nothing when none lives.
drive_pid() { _daemon_pid "$RUN_DIR/lib0/drives/$1/status/alive"; }
robot_pid() { _daemon_pid "$RUN_DIR/lib0/status/alive"; }

_daemon_pid() {
	local pid

	read -r pid <"$1" && [ -d "/proc/$pid" ] && echo "$pid"
}

vtlfs_pid() { _daemon_pid "${HOME_DIR%/home}/run/vtlfs.pid"; }

# kill_hard PID: kill -9, and wait until it is gone.
kill_hard() {
	kill -KILL "$1" && wait_for 30 gone "$1"
}

# gone PID: no such process, or a zombie, whose files and locks are gone too.
gone() {
	[ ! -d "/proc/$1" ] || grep -q '^State:.*[ZX]' "/proc/$1/status"
}
