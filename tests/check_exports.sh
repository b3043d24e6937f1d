#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Every name that a source file exports stands in a header, and libgentcp exports
# what gentcp.map and gentcp.h say, and nothing else.  Asked is the compiler's own
# answer, the objects of a build.
#
#     tests/check_exports.sh [folder of a build]
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=${1-..}
export LC_ALL=C
passed=0 failed=0

# names: external definitions in the objects given; the tools' own are passed over
names() {
	nm -g --defined-only "$@" 2>/dev/null |
		awk 'NF == 3 && $2 ~ /^[TDBRVWC]$/ { print $3 }' |
		grep -vE '^(_|__)|^(main$|asan|lsan|ubsan)' | sort -u
}

# uncommented: C without its comments
uncommented() {
	sed -Ez 's:/\*[^*]*\*+([^/*][^*]*\*+)*/::g'
}

# Headers as one list of words.
headers=$(cd "$top" && find proto src client -name '*.h' -exec cat {} + |
	uncommented | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u)

mapfile -t archives < <(find "$build/proto" "$build/src" "$build/client" \
    -name '*.a' | sort)
if [ ${#archives[@]} -eq 0 ]; then
	echo "no libraries under $build: build first"
	echo "0 passed, 1 failed"
	exit 1
fi
for archive in "${archives[@]}"; do
	exported=$(names "$archive")
	missing=$(comm -23 <(printf '%s\n' "$exported") <(printf '%s\n' "$headers"))
	if [ -z "$exported" ]; then
		echo "${archive##*/}: exports nothing"
		failed=$((failed + 1))
	elif [ -n "$missing" ]; then
		printf '%s: in no header: %s\n' "${archive##*/}" "$missing"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
done

map=$top/client/gentcp.map
if [ -f "$map" ]; then
	declared=$(uncommented <"$top/client/gentcp.h" |
		grep -oE '\bgentcp_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
	mapped=$(grep -oE '\bgentcp_[a-z0-9_]+ *;' "$map" | tr -d ' ;' | sort -u)
	differs=$(diff <(printf '%s\n' "$declared") <(printf '%s\n' "$mapped") || true)
	if [ -n "$differs" ] || [ -z "$declared" ]; then
		printf 'gentcp.h (<) and gentcp.map (>) differ:\n%s\n' "$differs"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
	library=$(find "$build/client" -name 'libgentcp.so' | head -n 1)
	exported=$(nm -D --defined-only "$library" | awk 'NF == 3 && $2 != "A" { print $3 }' |
		sed 's/@.*//' | sort -u)
	differs=$(diff <(printf '%s\n' "$mapped") <(printf '%s\n' "$exported") || true)
	if [ -n "$differs" ]; then
		printf 'gentcp.map (<) and libgentcp.so (>) differ:\n%s\n' "$differs"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
