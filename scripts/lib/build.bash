# SPDX-License-Identifier: GPL-2.0-only
# Building from a checkout. Sourced; needs $top, the checkout.

# Sets the build directory $1 up (further arguments go to meson setup) and builds; prints only what
# went wrong.
build_tree()
{
	local dir=$1 log=$1.log

	shift
	mkdir -p "$(dirname "$dir")"
	{
		if [[ -f $dir/build.ninja ]]; then
			meson configure "$dir" "$@"
		else
			meson setup "$dir" "$top" "$@"
		fi && ninja -C "$dir"
	} </dev/null >"$log" 2>&1 || {
		tail -n 60 "$log" >&2
		return 1
	}
}
