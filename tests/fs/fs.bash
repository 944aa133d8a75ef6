# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A mount of its own for each test, without daemons: fs_setup makes a library lib0 of 6 slots, 2
# drives, 2 import/export elements and a picker, with E01001L8 to E01003L8 in slots 1 to 3, and
# mounts it.

load ../lib/vtl.bash

VTLFS=$VTL_BUILD/vtlfs/vtlfs
FSTOOL=$VTL_BUILD/tests/fs/fstool

# $M is the mount.
fs_config()
{
	vtl_config "${1:-library lib0 { slots = 6 map = 2 pickers = 1 fill = 0 \}}" &&
		M=$VTL_MNT
}

fs_setup()
{
	local i

	fs_config || return
	fstool shape "$VTL_HOME" lib0 6 2 2 1 || return
	for i in 1 2 3; do
		fstool create "$VTL_HOME" "E0100${i}L8" "lib0/slots/000$i" || return
	done
	fs_start
}

fstool()
{
	timeout 60 "$FSTOOL" "$@" 3>&- 4>&-
}

# Mounts; returns when it is there.
fs_start()
{
	timeout 60 "$VTLFS" -c "$VTL_CONF" "$@" </dev/null 3>&- 4>&- || return
	cp "$VTL_HOME/vtlfs/lock" "$VTL_RUN/vtlfs.pid"
	FS_PID=$(<"$VTL_RUN/vtlfs.pid")
}

fs_kill()
{
	kill_unit "${1:-KILL}" vtlfs
}

# Ends what the test started and remembered with fs_background, then the mount.
fs_teardown()
{
	end_background "${FS_BACKGROUND[@]}"
	vtl_teardown
}
FS_BACKGROUND=()

# fs_background FILE COMMAND...: in the background, its output in FILE.
fs_background()
{
	local out=$1

	shift
	timeout 120 "$@" >"$out" 2>&1 </dev/null 3>&- 4>&- &
	FS_BACKGROUND+=($!)
}

# refused ERRNO-WORDS COMMAND...: fails, and says so.
refused()
{
	local words=$1 out

	shift
	if out=$(timeout 60 "$@" 2>&1); then fail "this should have been refused: $*"; return; fi
	[[ $out == *"$words"* ]] || fail "$*: expected '$words', got '$out'"
}

# A drive or daemon played by fstool in a coprocess: fake ARGUMENT..., then fake_say LINE.
fake()
{
	coproc FAKE { timeout 120 "$FSTOOL" "$@" 3>&- 4>&-; }
	FS_BACKGROUND+=("$FAKE_PID")
	fake_hears
}

fake_hears()
{
	local line

	IFS= read -r -t 60 -u "${FAKE[0]}" line || fail "fstool: no answer" || return
	[[ $line == "${1:-ok}" ]] || fail "fstool: $line"
}

fake_say()
{
	echo "$1" >&"${FAKE[1]}" && fake_hears
}

fake_end()
{
	local pid=$FAKE_PID fd=${FAKE[1]}

	exec {fd}>&-
	wait "$pid"
}

# All places of a cartridge below state/, one per line.
places()
{
	(cd "$VTL_HOME/state" && find . -name "$1" -type l -not -path './.where/*' -printf '%P\n')
}
