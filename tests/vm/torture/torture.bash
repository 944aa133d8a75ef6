# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the files of the torture have in common: load it after guest.bash and echo.bash.
#
# VTL_TORTURE is how much: 1 is the full run, N a share of 1/N of it (default 20).

SHARE=${VTL_TORTURE:-20}
NOISE=()

teardown() {
	torture_teardown
}

torture_teardown() {
	kill -KILL "${NOISE[@]}" 2>/dev/null || true
	echo_clean
}

# times N: N of the full run, and 3 at the least; prints it.
times() {
	local n=$(($1 / SHARE))

	echo $((n < 3 ? 3 : n))
}

# noise COMMAND...: repeats it in the background for the rest of the test; nothing of it counts.
noise() {
	while :; do
		"$@"
	done >/dev/null 2>&1 3>&- &
	NOISE+=($!)
}

# quiet: ends the noise, and all that it has left must be killable.
quiet() {
	if ((${#NOISE[@]})); then # without arguments it would wait for everybody, bats's clock too
		kill -KILL "${NOISE[@]}" 2>/dev/null || true
		wait "${NOISE[@]}" 2>/dev/null || true
		NOISE=()
	fi
	pkill -KILL -x 'vtl-sg|sg_raw|sg_turs|sg_inq|dd|mt' || true
	wait_for_gone 120 pgrep -x 'vtl-sg|sg_raw|sg_turs|sg_inq|dd|mt'
}

# works: the unit serves as on its first day.
works() {
	wait_for 60 sg_turs "$SG"
	vsg echo "$SG" 65536
	vsg short "$SG"
}

tell() {
	echo "# $*" >&3
}

# progress I N: which of N rounds begins, for each tenth of them: a full run takes hours, and one that is broken
# off has been worth something, too.
progress() {
	(($1 == 0 || $1 % (($2 + 9) / 10))) || tell "$1 of $2"
}
