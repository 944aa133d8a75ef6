#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A pool that is not there: nothing is lost, what is missing is said to be, and comes back as it was.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

# The pool's file system is mounted there by mount --bind, so that it can be taken away and come back.
pool_mounted()
{
	((EUID == 0)) || skip 'mounting takes root'
	fs_kill TERM
	mkdir "$VTL_DIR/store"
	mount -t tmpfs vtl-test "$VTL_DIR/store" 2>/dev/null || skip 'no tmpfs can be mounted here'
	cp -a "$VTL_HOME/pool/." "$VTL_DIR/store/"
	rm -rf "$VTL_HOME/pool"
	mkdir "$VTL_HOME/pool"
	mount --bind "$VTL_DIR/store" "$VTL_HOME/pool"
	fs_start
}

inventory() { (cd "$VTL_HOME/state" && find . -type l -printf '%p %l\n' | sort); }
facts() { (cd "$M" && grep -r . cartridges/*/{type,health,capacity,location,mam}); }

assert_missing()
{
	local c

	for c in "$@"; do
		[[ $(<"$M/cartridges/$c/health") == "missing: "* ]] ||
			fail "$c is $(<"$M/cartridges/$c/health")" || return
	done
}

# The pool is away: what there is to see, and what can be done.
look_at_missing()
{
	assert_eq "$(ls "$M/cartridges")" $'E01001L8\nE01002L8\nE01003L8'
	assert_missing E01001L8 E01002L8 E01003L8
	assert_match "$(<"$M/lib0/slots/0001/E01001L8/health")" "pool $VTL_HOME/pool is not there"
	assert_file "$M/lib0/slots/0001/E01001L8/location" lib0/slots/0001
	ls -l "$M/lib0/slots/0001/E01001L8" >"$BATS_TEST_TMPDIR/ls" || return
	refused 'No such device' cat "$M/lib0/slots/0001/E01001L8/type" || return
	refused 'No such device' ls "$M/lib0/slots/0001/E01001L8/files" || return
	refused 'busy' mv -T "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0002/E01001L8" || return
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0005/" || return
	mv "$M/lib0/slots/0005/E01001L8" "$M/vault/" || return
	refused 'No such device' rmdir "$M/vault/E01001L8" || return
	assert_match "$(<"$M/last_error")" 'E01001L8 is missing: its pool' || return
	refused 'No such device' mkdir "$M/vault/F00001L8" || return
	mv "$M/vault/E01001L8" "$M/lib0/map/1/" || return
	mv "$M/lib0/map/1/E01001L8" "$M/lib0/slots/0001/"
}

@test "pools: one that was moved away is missed, and comes back as it was" {
	local before facts

	before=$(inventory) facts=$(facts)
	mv "$VTL_HOME/pool" "$VTL_HOME/away"
	look_at_missing
	mkdir "$VTL_HOME/pool" # an empty mount point
	look_at_missing
	rmdir "$VTL_HOME/pool"
	mv "$VTL_HOME/away" "$VTL_HOME/pool"
	assert_eq "$(facts)" "$facts"
	# The records of where things came from differ by what was moved.
	assert_eq "$(inventory | grep -v '/.where/')" "$(grep -v '/.where/' <<<"$before")"
	mkdir "$M/vault/F00001L8"
	rmdir "$M/vault/F00001L8"
}

@test "pools: one that was unmounted is missed, and comes back as it was" {
	local facts

	pool_mounted
	facts=$(facts)
	umount -l "$VTL_HOME/pool"
	look_at_missing
	mount --bind "$VTL_DIR/store" "$VTL_HOME/pool"
	assert_eq "$(facts)" "$facts"
	# Nothing was written where the mount had been.
	umount -l "$VTL_HOME/pool"
	assert_eq "$(ls -A "$VTL_HOME/pool")" ''
	# Nor does vtlfs keep it busy: it can be unmounted for good.
	assert_missing E01001L8 E01002L8 E01003L8
	wait_for 10 umount "$VTL_DIR/store"
}

@test "pools: nothing starts while one is away, and nothing changes" {
	local before

	before=$(inventory)
	fs_kill TERM
	mv "$VTL_HOME/pool" "$VTL_HOME/away"
	mkdir "$VTL_HOME/pool"
	run -1 timeout 60 "$VTLFS" -c "$VTL_CONF"
	assert_match "$output" "pool $VTL_HOME/pool is not the one that is meant.*is its file system mounted"
	run -1 timeout 60 "$VTLLIBRARY" -c "$VTL_CONF" lib0
	assert_match "$output" 'is its file system mounted'
	run -1 timeout 60 "$VTLTAPE" -c "$VTL_CONF" lib0/drives/1
	assert_match "$output" 'is its file system mounted'
	assert_eq "$(inventory)" "$before"
	assert_eq "$(ls -A "$VTL_HOME/pool")" ''
	rmdir "$VTL_HOME/pool"
	mv "$VTL_HOME/away" "$VTL_HOME/pool"
	fs_start
	assert_eq "$(inventory)" "$before"
	assert_file "$M/cartridges/E01001L8/health" ok
}

@test "pools: a file system that answers with errors is no reason to forget anything" {
	local before other=$VTL_DIR/other.conf

	((EUID == 0)) || skip 'takes root'
	before=$(inventory)
	# A dead FUSE server stands for the disk: whatever is asked of it is an error.
	sed "s#^home = .*#home = \"$VTL_DIR/home2\"#; s#^run = .*#run = \"$VTL_DIR/run2\"#" \
		"$VTL_CONF" >"$other"
	timeout 60 "$VTLFS" -c "$other" "$VTL_HOME/pool" </dev/null 3>&- 4>&-
	kill -KILL "$(<"$VTL_DIR/home2/vtlfs/lock")"
	wait_for 10 not ls "$VTL_HOME/pool"
	assert_missing E01001L8 E01002L8 E01003L8
	assert_match "$(<"$M/cartridges/E01001L8/health")" 'not connected'
	mv "$M/lib0/slots/0001/E01001L8" "$M/lib0/slots/0004/"
	mv "$M/lib0/slots/0004/E01001L8" "$M/lib0/slots/0001/"
	fs_kill
	not timeout 60 "$VTLFS" -c "$VTL_CONF"
	umount -l "$VTL_HOME/pool"
	umount -l "$M"
	assert_eq "$(inventory | grep -v '/.where/')" "$(grep -v '/.where/' <<<"$before")"
	fs_start
	assert_file "$M/cartridges/E01001L8/health" ok
}

@test "pools: a pool that became read-only can be read" {
	pool_mounted
	mount -o remount,ro,bind "$VTL_HOME/pool"
	assert_file "$M/cartridges/E01001L8/health" ok
	assert_file "$M/cartridges/E01001L8/write_protect" 0
	refused 'Read-only' bash -c 'echo 1 >"$0"' "$M/cartridges/E01001L8/write_protect"
	refused 'Read-only' mkdir "$M/vault/F00001L8"
	mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
	refused 'Read-only' rmdir "$M/vault/E01001L8"
	[[ -d $M/vault/E01001L8 ]]
	mv "$M/vault/E01001L8" "$M/lib0/slots/0001/"
	mount -o remount,rw,bind "$VTL_HOME/pool"
	echo 1 >"$M/cartridges/E01001L8/write_protect"
	assert_file "$M/cartridges/E01001L8/write_protect" 1
}

@test "pools: several, of which one goes and comes" {
	fs_kill TERM
	mkdir "$VTL_DIR/second"
	echo "pool = { \"pool\", \"$VTL_DIR/second\" }" >>"$VTL_CONF"
	fs_start
	[[ -e $VTL_DIR/second/.vtl-pool ]]
	mv "$VTL_HOME/pool/E01002L8" "$VTL_DIR/second/"
	fs_kill TERM
	fs_start # finds it there
	assert_eq "$(readlink "$VTL_HOME/state/lib0/slots/0002/E01002L8")" "$VTL_DIR/second/E01002L8"
	assert_file "$M/cartridges/E01002L8/health" ok
	mkdir "$M/vault/F00001L8"
	[[ -d $VTL_HOME/pool/F00001L8 ]]
	mv "$VTL_HOME/pool" "$VTL_HOME/away"
	assert_missing E01001L8 E01003L8
	assert_file "$M/cartridges/E01002L8/health" ok
	mkdir "$M/vault/F00002L8" # to the one that is there
	[[ -d $VTL_DIR/second/F00002L8 ]]
	refused 'exists' mkdir "$M/vault/F00001L8"
	mv "$VTL_HOME/away" "$VTL_HOME/pool"
	mv "$VTL_DIR/second" "$VTL_DIR/away"
	assert_missing E01002L8 F00002L8
	assert_file "$M/cartridges/F00001L8/health" ok
	mv "$VTL_DIR/away" "$VTL_DIR/second"
	assert_file "$M/cartridges/F00002L8/health" ok
}

@test "pools: a cartridge that is gone from its pool for good can be forgotten" {
	rm -rf "$VTL_HOME/pool/E01001L8"
	assert_missing E01001L8
	mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
	rmdir "$M/vault/E01001L8"
	assert_eq "$(places E01001L8)" ''
	[[ ! -e $M/cartridges/E01001L8 ]]
}
