#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Holds gen_tcp's 90 edge cases and the tests together: each number is the mark of a
# test, @probe(7), which stands in a file that make check runs.
#
#     tests/check_probes.sh [top of a tree]
#
# With -l it lists them: number, file, test.
set -euo pipefail
export LC_ALL=C

list=
if [ "${1-}" = -l ]; then
	list=1
	shift
fi
top=${1-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top/tests"
last=90 passed=0 failed=0

mapfile -t files < <(sed -n '/^system_tests = /,/[^\\]$/p' Makefile.am |
	grep -oE 'integration/test_[a-z0-9_]+\.py')
[ ${#files[@]} -gt 0 ]

# A mark stands right above its test, with nothing but other marks between them.
marks=$(awk -v last="$last" '
	function bad(what) { print FILENAME ":" FNR ": " what | "cat >&2"; status = 1 }
	FNR == 1 { if (n) bad("marks without a test"); n = 0 }
	/@(pytest\.mark\.)?probe|pytest\.mark\.probe/ {
		if ($0 !~ /^@probe\([0-9]+(, [0-9]+)*\)$/) { bad("a mark that is none"); next }
		gsub(/[^0-9,]/, "")
		n += split($0, some, ",")
		for (i in some) numbers[n - i] = some[i]
		next
	}
	n && /^def test_/ {
		split($2, name, "(")
		for (i = 0; i < n; i++) {
			if (numbers[i] < 1 || numbers[i] > last) bad("there is no " numbers[i])
			print numbers[i], FILENAME, name[1]
		}
		n = 0
		next
	}
	n && /^(def|class|$)/ { bad("marks without a test"); n = 0 }
	END { exit status }' "${files[@]}") || failed=1 # what it said is on stderr
marks=$(sort -n <<<"$marks")
if [ -n "$list" ]; then
	printf '%s\n' "$marks"
fi

for number in $(seq "$last"); do
	if grep -q "^$number " <<<"$marks"; then
		passed=$((passed + 1))
	else
		echo "no test for $number"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
