#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# mkdir in the vault makes a cartridge, rmdir there destroys one.

load fs.bash

setup() { fs_setup; }
teardown() { fs_teardown; }

@test "vault: mkdir makes a cartridge of the kind that the bar code says" {
	mkdir "$M/vault/F00001L9" "$M/vault/CLN001L1"
	assert_file "$M/vault/F00001L9/type" LTO-9
	assert_file "$M/vault/F00001L9/used" 0
	assert_file "$M/vault/F00001L9/write_protect" 0
	[[ -d $VTL_HOME/pool/F00001L9 && -L $VTL_HOME/state/vault/F00001L9 ]]
	mv "$M/vault/F00001L9" "$M/lib0/slots/0006/"
	assert_file "$M/lib0/slots/0006/F00001L9/capacity" 18000000000000
}

@test "vault: bar codes that cannot be are refused, with words" {
	refused "Invalid argument" mkdir "$M/vault/F00001"
	assert_match "$(<"$M/last_error")" "F00001: .*kind of cartridge"
	refused "Invalid argument" mkdir "$M/vault/A B L8"
	assert_match "$(<"$M/last_error")" "no bar code"
	refused "Invalid argument" mkdir "$M/vault/$(printf 'A%.0s' {1..40})L8"
	refused "File exists" mkdir "$M/vault/E01001L8"
	mkdir "$M/vault/F00001L8"
	refused "File exists" mkdir "$M/vault/F00001L8"
	assert_eq "$(ls "$M/vault")" F00001L8
	assert_eq "$(ls "$VTL_HOME/pool" | wc -l)" 4
}

@test "vault: a cartridge is made nowhere else" {
	refused "not permitted" mkdir "$M/lib0/slots/0006/F00001L8"
	refused "not permitted" mkdir "$M/cartridges/F00001L8"
	refused "not permitted" mkdir "$M/lib0/slots/0001/E01001L8/F00001L8"
	assert_match "$(<"$M/lib0/last_error")" "in the vault"
}

@test "vault: rmdir destroys there and only there" {
	refused "not permitted" rmdir "$M/lib0/slots/0001/E01001L8"
	assert_match "$(<"$M/lib0/last_error")" "in the vault"
	cat "$M/lib0/slots/0001/E01001L8/type"
	mv "$M/lib0/slots/0001/E01001L8" "$M/vault/"
	rmdir "$M/vault/E01001L8"
	[[ ! -e $VTL_HOME/pool/E01001L8 && ! -L $VTL_HOME/state/vault/E01001L8 ]]
	refused "No such file" stat "$M/cartridges/E01001L8"
	refused "No such file" rmdir "$M/vault/E01001L8"
	# The same name again is another cartridge.
	mkdir "$M/vault/E01001L8"
	assert_file "$M/vault/E01001L8/generation" 1
}

@test "vault: a cartridge that somebody has open for writing is not destroyed" {
	mkdir "$M/vault/F00001L8"
	fake drive "$VTL_HOME" F00001L8
	refused "resource busy" rmdir "$M/vault/F00001L8"
	assert_eq "$(ls "$M/vault")" F00001L8
	fake_say "write 512 1 a"
	fake_end
	assert_file "$M/vault/F00001L8/record_count" 1
	rmdir "$M/vault/F00001L8"
}

@test "vault: rm -r destroys nothing" {
	mkdir "$M/vault/F00001L8"
	refused "not permitted" rm -rf "$M/vault/F00001L8"
	[[ -d $VTL_HOME/pool/F00001L8 ]]
	assert_file "$M/vault/F00001L8/health" ok
}
