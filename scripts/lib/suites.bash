# SPDX-License-Identifier: GPL-2.0-only
# The suites of scripts/check. Each suite_NAME prints TAP; run_suite counts it. Sourced.
#
# A new suite is a function here, nothing else.

# Runs one suite: its output goes to $reports/NAME.tap, its status and seconds to NAME.end beside it.
suite_output()
{
	local t=$SECONDS

	rm -f "$reports/$1.end"
	("suite_$1") >"$reports/$1.tap" 2>&1 </dev/null
	echo "$? $((SECONDS - t))" >"$reports/$1.end"
}

# Counts one suite that has run: one line of result to the terminal, and what failed is shown whole.
count_suite()
{
	local name=$1 tap=$reports/$1.tap rc=1 seconds=0 ok bad skip died=0

	read -r rc seconds <"$reports/$name.end"
	read -r ok bad skip < <(awk '
		{ sub(/^[0-9a-z.-]+: /, "") }
		/^ok / { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) skip++; else ok++ }
		/^not ok / { bad++ }
		END { print ok + 0, bad + 0, skip + 0 }' "$tap")
	# A suite that dies without saying which test failed has failed all the same.
	if ((rc != 0 && bad == 0)) || ((ok + bad + skip == 0)); then
		((bad++))
		died=1
	fi
	printf '%5d passed %4d failed %4d skipped %6d s\n' "$ok" "$bad" "$skip" "$seconds"
	if ((bad)); then
		broken+=("$name: $bad, see $tap")
		show_failures "$tap"
		if ((died)); then
			tail -n 40 "$tap" | sed 's/^/    /'
			echo "    not ok - suite $name ended with status $rc" | tee -a "$tap"
		fi
	fi
	unsteady_lines "$tap" | sed 's/^/    unsteady: /'
	mapfile -t -O ${#unsteady[@]} unsteady < <(unsteady_lines "$tap" | sed "s/^/$name: /")
	((passed += ok, failed += bad, skipped += skip))
	return 0
}

# run_suites NAME...: one after the other; but `kill' goes on beside the last of the others, with a low priority,
# because it takes its time whatever there is to do.
run_suites()
{
	local name last='' beside=''

	for name; do
		[[ $name == kill ]] && beside='kill' || last=$name
	done
	[[ $last ]] || last=$beside beside=''
	for name; do
		[[ $name == "$beside" ]] && continue
		if [[ $name == "$last" && $beside ]]; then
			(
				renice -n 10 "$BASHPID" >/dev/null
				suite_output "$beside"
			) &
		fi
		printf '%-9s' "$name"
		suite_output "$name"
		count_suite "$name"
	done
	[[ $beside ]] || return 0
	printf '%-9s' "$beside"
	wait
	count_suite "$beside"
}

# The failed tests of a TAP file with the lines that follow them; when there are too many, the first.
show_failures()
{
	awk '
		{ bare = $0; sub(/^[0-9a-z.-]+: /, "", bare) }
		bare ~ /^not ok / { show = 1 }
		bare ~ /^ok / || bare ~ /^1\.\./ { show = 0 }
		show { print "    " $0; if (++n >= 160) exit }' "$1"
}

# One TAP test line from a command: tap_run "name" command... (its output only when it fails)
tap_run()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		echo "ok - $name"
	else
		echo "not ok - $name"
		printf '%s\n' "$out" | head -n 60 | sed 's/^/# /'
		return 1
	fi
}

# Checkout files by pattern, committed or new.
sources()
{
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do
		[[ -f $f ]] && echo "$f"
	done
}

check_format()
{
	local files

	# Tracepoint macros are laid out as the kernel lays them out.
	mapfile -t files < <(sources '*.c' '*.h' | grep -v '^kernel/trace\.h$')
	clang-format --dry-run -Werror "${files[@]}"
}

check_shell()
{
	local files first

	# No process for each file: the seeds of tests/fuzz are many.
	mapfile -t files < <(
		sources 'scripts/*' 'tests/*' '.ci/*' 'kernel/*' | while read -r f; do
			IFS= read -r first <"$f"
			[[ $first =~ ^#!.*[/\ ](bash|sh)$ ]] && ! grep -q busybox "$f" && echo "$f"
		done
		sources '*.bash'
	)
	shellcheck -x -S warning -e SC1007,SC2119,SC2120,SC1090,SC1091,SC2034,SC2154,SC2148 "${files[@]}"
}

check_size()
{
	local long

	long=$(sources '*.c' '*.h' '*.bash' '*.bats' | xargs wc -l | awk '$2 != "total" && $1 > 1000')
	[[ -z $long ]] || { echo "past 1000 lines: $long"; return 1; }
}

check_licence()
{
	local bare a b c

	bare=$(sources '*.c' '*.h' '*.bash' '*/meson.build' meson.build | while read -r f; do
		{ read -r a; read -r b; read -r c; } <"$f"
		[[ $a$b$c == *'SPDX-License-Identifier: GPL-2.0'* ]] || echo "$f"
	done)
	[[ -z $bare ]] || { echo "without SPDX line: $bare"; return 1; }
}

suite_style()
{
	local rc=0

	tap_run "C is formatted by .clang-format" check_format || rc=1
	tap_run "shell scripts pass shellcheck" check_shell || rc=1
	tap_run "no file has outgrown its room" check_size || rc=1
	tap_run "every source names its licence" check_licence || rc=1
	tap_run "the list of unsteady tests is short and young" unsteady_check || rc=1
	tap_run "an unsteady test fails the gate" tests/lib/gate-selftest || rc=1
	return $rc
}

# unit_tests_of DIR [PATTERN]: runs the unit tests of a build directory, two at a time, as TAP; those whose path
# matches PATTERN alone.
unit_tests_of()
{
	local dir=$1 some=${2-.}

	export CMOCKA_MESSAGE_OUTPUT=TAP VTL_TOP=$top
	find "$dir/tests/unit" -maxdepth 1 -type f -name 'test_*' -executable | grep -E "$some" | sort |
		xargs -r -d '\n' -P "$(nproc)" -n 1 "$top/scripts/lib/run-unit"
}

suite_unit()
{
	unit_tests_of "$VTL_BUILD"
}

suite_asan()
{
	local dir=$VTL_BUILD-asan

	build_tree "$dir" -Db_sanitize=address,undefined -Db_lundef=false || return 1
	export VTL_UNIT_TIMEOUT=900
	export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	unit_tests_of "$dir"
}

# Data races and orders of locks, by ThreadSanitizer: the unit tests of what has threads, and the daemons and the
# mount under some traffic. Whatever is found ends the program and fails the test. The thousands of damages of
# test_cart_crash are one thread's: only its tests with several run.
suite_tsan()
{
	local dir=$VTL_BUILD-tsan some

	build_tree "$dir" -Db_sanitize=thread -Db_lundef=false || return 1
	export VTL_UNIT_TIMEOUT=900 BATS_TEST_TIMEOUT=600
	export TSAN_OPTIONS=halt_on_error=1:abort_on_error=1:second_deadlock_stack=1
	unit_tests_of "$dir" '/test_(cart|cart_codec|cart_model|ctl|fs|killed|moves|port_.*|smc|ssc_.*|tree|watch)$'
	for some in follower 'overwritten*' 'stream*'; do
		VTL_UNIT_ONLY=$some unit_tests_of "$dir" '/test_cart_crash$'
	done
	VTL_BUILD=$dir bats --tap --jobs "$(nproc)" --no-parallelize-within-files tests/fs/daemons.bats \
		tests/scsi/tape_data.bats 2>&1
}

# Ten of the deliberate defects of tests/mutants, others each day: a test sees each.
suite_mutants()
{
	tests/mutants/run --today 10
}

# A suite of bats files; `fast` leaves out what is tagged `slow`. A test that fails runs once more, alone: if it
# passes then it is unsteady, and has failed all the same (unsteady.bash).
bats_suite()
{
	local dir=$1 jobs out line name
	local -a some=()

	[[ ${fast-} ]] && some=(--filter-tags '!slow')
	jobs=$(nproc)
	command -v parallel >/dev/null || jobs=1
	export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-120}
	out=$(mktemp)
	bats --tap --jobs "$jobs" --no-parallelize-within-files "${some[@]}" "$dir" >"$out" 2>&1
	while IFS= read -r line; do
		if [[ $line =~ ^not\ ok\ [0-9]+\ (.*)$ ]]; then
			name=${BASH_REMATCH[1]%% # *}
			if bats_again "$dir" "$name"; then
				unsteady_result "${dir##*/}" "$name"
				continue
			fi
		fi
		printf '%s\n' "$line"
	done <"$out"
	rm -f "$out"
}

bats_again()
{
	local exact

	exact=$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$2")
	bats --tap --filter "^$exact\$" "$1" 2>&1 | awk '
		/^ok / { ok++ }
		/^not ok / { bad++ }
		END { exit !(ok > 0 && bad == 0) }'
}

suite_fs()
{
	bats_suite tests/fs
}

suite_scsi()
{
	bats_suite tests/scsi
}

suite_fault()
{
	tests/fault/run --tap sweeps
}

# Five minutes of kill -9.
suite_kill()
{
	tests/fault/run --tap --kill-seconds 300 kill
}

# What was found before, and the seeds; a short run that is the same each time. Chance has its turn by hand
# (tests/fuzz/run).
suite_fuzz()
{
	tests/fuzz/run --tap --fixed 2000
}

# The module builds without a warning against the headers of every kernel that the VM runs.
suite_module()
{
	local k rc=0

	for k in 6.1 6.12; do
		tap_run "vtl.ko builds for Linux $k" build_module "$k" || rc=1
	done
	return $rc
}

build_module()
{
	local release kdir log

	release=$(tests/vm/fetch-kernel "$1") && kdir=$(tests/vm/fetch-kernel --kdir "$1") || return 1
	log=$(kernel/build.sh "$kdir" "$VTL_BUILD/kernel/$release" 2>&1) || {
		echo "$log"
		return 1
	}
	if grep -iE 'warning|error:' <<<"$log"; then
		return 1
	fi
}

# guest_suite NAME KERNEL ARGUMENT...: tests/vm/suite on one kernel, each line with NAME before it. As with
# bats_suite, what fails runs once more, alone in a guest of its own; the first few of them.
guest_suite()
{
	local job=$1 kernel=$2 out line name bad=0 status head='^not ok [0-9]+ (.*)$' tail='^(.*) in [0-9]+ms$'

	shift 2
	out=$(mktemp)
	tests/vm/suite --logs "$reports/vm-$job" -k "$kernel" --short "$kernel" -t 3600 "$@" >"$out" 2>&1
	status=$?
	while IFS= read -r line; do
		if [[ $line =~ $head ]] && ((++bad <= 4)); then
			name=${BASH_REMATCH[1]%% # *}
			[[ $name =~ $tail ]] && name=${BASH_REMATCH[1]}
			if guest_again "$kernel" "$name" "$@" >"$reports/vm-$job-again-$bad" 2>&1; then
				unsteady_result vm "$name" "$job: "
				continue
			fi
		fi
		printf '%s: %s\n' "$job" "$line"
	done <"$out"
	((status == 0 || bad)) || echo "$job: not ok - the suite of this guest ended with status $status"
	rm -f "$out"
}

# guest_again KERNEL NAME ARGUMENT...
guest_again()
{
	local kernel=$1 exact

	exact=$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$2")
	shift 2
	tests/vm/suite -k "$kernel" --short "$kernel" -f "^$exact\$" "$@" </dev/null
}

guest_files()
{
	local name

	for name; do
		echo "tests/vm/$name.bats"
	done
}

# What each guest does: guest_NAME prints its kernel and the arguments of tests/vm/suite, one in a line. A guest
# of one processor does twice as much in its time; one has two for what is about things at the same time.
guest_6.1()
{
	printf '%s\n' 6.1 --smp 1
	guest_files smoke dd demo files hba idle mt mtx nfs powercut tar
}

guest_6.1-smp()
{
	printf '%s\n' 6.1 --smp 2 -e VTL_TORTURE=100
	guest_files crash handover module torture/torture
}

guest_6.12()
{
	printf '%s\n' 6.12 --smp 1 -e VTL_TORTURE=100
	guest_files smoke crash dd demo files handover hba idle module mt mtx tar torture/torture
}

guest_tcmu()
{
	printf '%s\n' 6.12 --smp 1 -e VTL_PORT=tcmu
	guest_files tcmu iscsi crash dd files handover mt mtx tar
}

# The whole system through the real st, ch and sg: over vtl.ko on both kernels, over the kernel's own modules on
# one, and exported; with a tenth of the rounds of what is repeated (all of them: tests/vm/suite). A short turn
# of the torture is in it. As many guests at once as there are processors; the long ones begin.
suite_vm()
{
	local job args order=(6.12 6.1 tcmu 6.1-smp)

	build_module 6.1 && build_module 6.12 || return 1
	for job in "${order[@]}"; do
		while (($(jobs -rp | wc -l) >= $(nproc))); do
			wait -n
		done
		mapfile -t args < <("guest_$job")
		guest_suite "$job" "${args[@]}" >"$reports/vm-$job.tap" </dev/null &
	done
	wait
	for job in "${order[@]}"; do
		cat "$reports/vm-$job.tap"
	done
}

# Power cuts at every recorded flush of ext4 and xfs, on one kernel; suite_vm has some of them.
suite_powercut()
{
	guest_suite powercut 6.12 --smp 1 --test-timeout 1700 -e VTL_POWERCUT=all tests/vm/powercut.bats
}
