#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# build-aux/count, which says what all other tests said: on a folder made for it.
#
#     tests/check_count.sh [top of a tree]
set -euo pipefail

top=${1-$(cd "$(dirname "$0")/.." && pwd)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tests"
passed=0 failed=0

# program NAME VERDICT LINE…: what automake leaves of a test program
program() {
	local name=$folder/tests/$1
	printf ':test-result: %s\n:global-test-result: %s\n' "$2" "$2" >"$name.trs"
	shift 2
	printf '%s\n' "$@" >"$name.log"
}

# expect WHAT STATUS LAST-LINE ARGUMENT…: count says so in the end
expect() {
	local what=$1 wanted=$2 line=$3 status=0 said
	shift 3
	said=$("$top/build-aux/count" "$@") || status=$?
	if [ "$status" -eq "$wanted" ] && [ "$(tail -n 1 <<<"$said")" = "$line" ]; then
		passed=$((passed + 1))
	else
		printf '%s: status %s, wanted %s; it said\n%s\n' "$what" "$status" "$wanted" "$said"
		failed=$((failed + 1))
	fi
}

expect "nothing was run" 1 "0 passed, 1 failed" "$folder"
program check_a PASS "100%: Checks: 5, Failures: 0, Errors: 0"
program test_b PASS "3 passed in 0.1s"
program check_c.sh PASS "2 passed, 0 failed"
program check_d PASS "no sum at all"
expect "all is well" 0 "11 passed, 0 failed" "$folder"
expect "make failed outside the tests" 1 "11 passed, 1 failed" "$folder" 2
expect "nothing was skipped" 0 "" -s "$folder"

program test_b PASS "skipped: test_b.py::test_it[a b]: no luck" "2 passed, 1 skipped in 0.1s"
program check_a PASS "skipped: check_a.c::one: no luck" "100%: Checks: 5, Failures: 0, Errors: 0"
expect "the skipped are no passes" 0 "9 passed, 0 failed" "$folder"
expect "a skip that is on no list" 1 \
    "skipped, and not on the list tests/skips: test_b.py::test_it[a b]: no luck" -s "$folder"
program check_a PASS "100%: Checks: 5, Failures: 0, Errors: 0"
while IFS= read -r listed; do
	program test_b PASS "skipped: ${listed//\*/x}" "2 passed, 1 skipped in 0.1s"
	expect "a skip that is on the list" 0 "" -s "$folder"
done < <(grep -v '^#' "$top/tests/skips")
program test_b PASS "2 passed in 0.1s"
program check_d SKIP "no word of a reason"
expect "a program that skips without a word" 1 \
    "skipped, and not on the list tests/skips: check_d::all: it does not say why" -s "$folder"

program check_a FAIL "80%: Checks: 5, Failures: 1, Errors: 0"
program check_d FAIL "Segmentation fault"
expect "failures" 1 "8 passed, 2 failed" "$folder"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
