# SPDX-License-Identifier: GPL-2.0-only
# The systemd units and the generator that reads vtl.conf. No service manager runs here: what it would be
# given is looked at, by systemd-analyze where it is installed.

load ../lib/vtl.bash

setup()
{
	vtl_config 'library lib0 {} library my-lib.2 { drive 1 { enabled = false } drive 4 {} }'
	sed "s#@conf@#$VTL_CONF#; s#@sbindir@#$VTL_BUILD/emul/tools#; s#@unitdir@#/usr/lib/systemd/system#" \
		"$VTL_REPO/etc/vtl-generator.in" >"$VTL_DIR/vtl-generator"
	mkdir "$VTL_DIR/out"
}
teardown() { vtl_teardown; }

@test "the generator wants a service for each library and enabled drive, in order" {
	local out=$VTL_DIR/out

	run -0 bash "$VTL_DIR/vtl-generator" "$out"
	assert_eq "$(cd "$out/vtl.target.wants" && printf '%s ' *)" \
		'vtl-library@lib0.service vtl-library@my\x2dlib.2.service vtl-tape@lib0-drives-1.service vtl-tape@lib0-drives-2.service vtl-tape@my\x2dlib.2-drives-4.service '
	assert_eq "$(readlink "$out/vtl.target.wants/vtl-tape@lib0-drives-1.service")" \
		/usr/lib/systemd/system/vtl-tape@.service
	grep -qx 'After=vtl-library@lib0.service' "$out/vtl-tape@lib0-drives-1.service.d/40-order.conf"
	grep -qx 'After=vtl-tape@lib0-drives-1.service' "$out/vtl-tape@lib0-drives-2.service.d/40-order.conf"
	grep -q "^ReadWritePaths=.*\"$VTL_HOME\"" "$out/vtl-tape@.service.d/50-vtl-conf.conf"
}

@test "the generator escapes names as systemd does" {
	command -v systemd-escape >/dev/null || skip "no systemd-escape"
	bash "$VTL_DIR/vtl-generator" "$VTL_DIR/out"
	[ -L "$VTL_DIR/out/vtl.target.wants/vtl-tape@$(systemd-escape my-lib.2/drives/4).service" ]
}

@test "the generator starts nothing from a configuration that is wrong, and lets the host boot" {
	echo 'bogus = 1' >>"$VTL_CONF"
	run -0 bash "$VTL_DIR/vtl-generator" "$VTL_DIR/out"
	assert_match "$output" 'bogus'
	[ ! -e "$VTL_DIR/out/vtl.target.wants" ]
	rm "$VTL_CONF"
	run -0 bash "$VTL_DIR/vtl-generator" "$VTL_DIR/out"
	assert_eq "$output" ''
}

@test "systemd accepts the units" {
	local f dir=$VTL_DIR/units bad

	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	mkdir "$dir"
	for f in "$VTL_REPO"/etc/*.service.in "$VTL_REPO"/etc/vtl.target; do
		sed 's#@sbindir@/[^ ]*#/bin/true#; s#@conf@#/etc/vtl/vtl.conf#' "$f" >"$dir/$(basename "$f" .in)"
	done
	cp "$dir/vtl-tape@.service" "$dir/vtl-tape@lib0-drives-1.service"
	cp "$dir/vtl-library@.service" "$dir/vtl-library@lib0.service"
	bad=$(systemd-analyze verify --man=no "$dir"/vtl.target "$dir"/vtlfs.service \
		"$dir"/vtl-tape@lib0-drives-1.service "$dir"/vtl-library@lib0.service 2>&1 | grep -F vtl) || true
	assert_eq "$bad" ''
}
