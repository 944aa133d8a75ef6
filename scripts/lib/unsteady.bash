# SPDX-License-Identifier: GPL-2.0-only
# Unsteady tests: those that fail, and pass when they run again. Sourced; needs $top, the checkout.
#
# An unsteady test fails the gate like any other: either the test or what it tests is wrong, and whoever sees it
# first knows best when it began. What somebody is looking into stands in the list tests/unsteady, with a date and
# a cause, and counts as passed for as long as the date is young.

unsteady_list=${unsteady_list:-$top/tests/unsteady}
unsteady_weeks=3

# The lines of the list: `DATE SUITE CAUSE | NAME'.
unsteady_rows()
{
	grep -vE '^[[:space:]]*(#|$)' "$unsteady_list"
}

# unsteady_known SUITE NAME: the row of a test that is on the list; fails where there is none.
unsteady_known()
{
	local row

	while IFS= read -r row; do
		[[ $row == *" $1 "* && ${row#*" | "} == "$2" ]] && echo "${row%%" | "*}" && return
	done < <(unsteady_rows)
	return 1
}

# unsteady_result SUITE NAME [PREFIX]: the TAP line of a test that failed and then passed; what it said when it
# failed follows.
unsteady_result()
{
	local known

	if known=$(unsteady_known "$1" "$2"); then
		echo "${3-}ok - $2 # unsteady, listed: $known"
	else
		echo "${3-}not ok - $2 # unsteady: it passed when it ran again"
	fi
	echo "# the first time:"
}

# The unsteady tests of a TAP file.
unsteady_lines()
{
	sed -nE 's/^([0-9a-z.-]+: )?(not )?ok - (.*) # (unsteady[:,].*)$/\1\3 (\4)/p' "$1"
}

# Each row has a date that is neither old nor to come, a suite and a cause of some words.
unsteady_check()
{
	local row date rest now age rc=0

	now=$(date +%s)
	while IFS= read -r row; do
		if ! [[ $row =~ ^([0-9]{4}-[0-9]{2}-[0-9]{2})\ (fs|scsi|vm|powercut)\ ([^|]+)\ \|\ (.+)$ ]]; then
			echo "$unsteady_list: not 'DATE SUITE CAUSE | NAME': $row"
			rc=1
			continue
		fi
		date=${BASH_REMATCH[1]} rest=${BASH_REMATCH[3]}
		if ! age=$(date -d "$date" +%s 2>/dev/null) || ((age > now + 86400)); then
			echo "$unsteady_list: no date of the past: $row"
			rc=1
		elif ((now - age > unsteady_weeks * 7 * 86400)); then
			echo "$unsteady_list: older than $unsteady_weeks weeks; mend it: $row"
			rc=1
		fi
		((${#rest} >= 15)) || { echo "$unsteady_list: no cause: $row"; rc=1; }
	done < <(unsteady_rows)
	return $rc
}
