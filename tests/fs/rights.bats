#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Who may do what: root everything, group tape what it may do with a tape drive, others nothing.

load fs.bash

setup()
{
	((EUID == 0)) || skip 'being somebody else takes root'
	getent group tape >/dev/null || skip 'there is no group tape'
	vtl_config 'library lib0 { slots = 4 map = 1 fill = 2 fill_media = "L8" }'
	M=$VTL_MNT
	chmod 755 "$VTL_HOME" "$VTL_RUN" # as an older version left them
	# The way there is open, so that what is refused is refused by what is tested.
	local d=$VTL_DIR
	while [[ $d != / ]]; do
		chmod a+x "$d"
		d=${d%/*} d=${d:-/}
	done
	umask 000
	vtl_start
}
teardown() { fs_teardown; }

nobody() { timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
tape() { timeout 60 setpriv --reuid=65534 --regid=65534 --groups=tape "$@"; }

# refuses nobody|tape COMMAND...
refuses()
{
	local out

	if out=$("$@" 2>&1); then fail "this should have been refused: $*"; return; fi
	[[ $out == *'ermission denied'* ]] || fail "$*: $out"
}

@test "rights: modes of all that is made" {
	local d

	for d in "$VTL_HOME" "$VTL_HOME/pool" "$VTL_HOME/state" "$VTL_RUN" "$VTL_HOME/pool/E01001L8"; do
		assert_eq "$(stat -c %a "$d")" 750 "$d"
	done
	assert_eq "$(find "$VTL_HOME" "$VTL_RUN" ! -type l \( -perm /007 -o -type f -perm /020 \))" ''
	assert_eq "$(find "$VTL_HOME" "$VTL_RUN" -name '*lock' -type f -perm /066)" ''
	assert_eq "$(stat -c '%a %U %G' "$VTL_RUN/lib0.sock")" '660 root tape'
	assert_eq "$(stat -c '%a %U %G' "$VTL_RUN")" '750 root tape'
	assert_eq "$(stat -c '%a %U %G' "$M")" '770 root tape'
	assert_eq "$(stat -c '%a %U %G' "$M/cartridges/E01001L8/write_protect")" '660 root tape'
	assert_eq "$(stat -c '%a' "$M/cartridges/E01001L8/type")" 440
}

@test "rights: nobody reads a tape, lists anything, asks or locks" {
	local path

	for path in "$VTL_HOME" "$VTL_HOME/pool" "$VTL_HOME/pool/E01001L8" "$VTL_HOME/state/lib0" \
		"$VTL_RUN" "$VTL_RUN/lib0" "$M" "$M/lib0" "$M/vault"; do
		refuses nobody ls "$path"
	done
	for path in "$VTL_HOME/pool/E01001L8/manifest" "$VTL_HOME/pool/.vtl-pool" \
		"$VTL_HOME/state/.pools" "$M/events" "$M/lib0/state"; do
		refuses nobody cat "$path"
	done
	echo 1 >"$M/lib0/drives/1/online" # now the one who asks has a lock, too
	for path in "$VTL_HOME/state/lib0/lock" "$VTL_HOME/state/vault/.lock" \
		"$VTL_RUN/lib0/status/alive" "$VTL_RUN/lib0/drives/1/control/lock" "$VTL_HOME/vtlfs/lock"; do
		[[ -e $path ]] || fail "$path is not there"
		refuses nobody flock -n "$path" true
	done
	refuses nobody mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
	refuses nobody mkdir "$M/vault/F00001L8"
	not nobody "$VTLCDB" -c "$VTL_CONF" -t 5 lib0 00 00 00 00 00 00
	# The link in state/ leads nowhere for him, wherever he starts.
	refuses nobody cat "$VTL_HOME/state/lib0/slots/0001/E01001L8/manifest"
}

@test "rights: group tape works with the library through the mount and the sockets" {
	tape ls "$M/lib0/slots/0001/E01001L8" >/dev/null
	tape mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/drives/1/"
	assert_file "$M/lib0/drives/1/state" ready
	tape cat "$M/events" >/dev/null
	tape sh -c 'echo 0 >"$0"' "$M/lib0/drives/1/online"
	assert_file "$M/lib0/drives/1/online" 0
	tape sh -c 'echo 1 >"$0"' "$M/lib0/drives/1/online"
	tape mkdir "$M/vault/F00001L8"
	tape rmdir "$M/vault/F00001L8"
	tape "$VTLCDB" -c "$VTL_CONF" -t 60 lib0 12 00 00 00 60 00 >/dev/null
	# The store itself is not its business.
	refuses tape ls "$VTL_HOME/pool"
	refuses tape ls "$VTL_HOME/state"
	refuses tape flock -n "$VTL_HOME/state/lib0/lock" true
	refuses tape flock -n "$VTL_RUN/lib0/drives/1/control/lock" true
}
