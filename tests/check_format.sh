#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Holds the looks: the licence line of each source file, no blank at the end of a
# line, no file over 600 lines, no function over 60, and clang-format 14's opinion
# of the C files (where there is no clang-format 14, the rest alone).
#
#     tests/check_format.sh [top of a tree]
set -euo pipefail

top=${1-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top"
passed=0 failed=0

# report NAME TEXT: a check that found TEXT, which should be empty
report() {
	if [ -n "$2" ]; then
		printf '%s:\n%s\n' "$1" "$2"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}

mapfile -t c_files < <(find proto src client tests -name '*.[ch]' | sort)
mapfile -t scripts < <(find build-aux/bootstrap build-aux/count build-aux/coverage build-aux/demo \
    build-aux/packages build-aux/test build-aux/update-manual build-aux/update-openrpc .ci tests client -type f \
    \( -name '*.sh' -o -name '*.py' -o -path 'build-aux/*' -o -path '.ci/*' \
    -o -name 'check_examples' -o -name 'check_library' \) 2>/dev/null | sort)
[ ${#c_files[@]} -gt 0 ] && [ ${#scripts[@]} -gt 0 ]

# The first line; in a script the second.
report "without a licence line" "$(
	for file in "${c_files[@]}"; do
		[ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: ISC */' ] || echo "$file"
	done
	for file in "${scripts[@]}"; do
		head -n 2 "$file" | grep -qx '# SPDX-License-Identifier: ISC' || echo "$file"
	done
)"
report "blanks at the end of a line" \
    "$(grep -nE '[[:blank:]]+$' "${c_files[@]}" "${scripts[@]}" || true)"
report "files over 600 lines" "$(awk 'FNR == 601 { print FILENAME }' "${c_files[@]}")"
# A body stands between a { and a } in the first column; }; is a table's end.
report "functions over 60 lines" "$(awk '
	/^\{$/ { start = FNR }
	/^\}$/ && start { if (FNR - start - 1 > 60)
		print FILENAME ":" start ": " FNR - start - 1 " lines"; start = 0 }
	/^\};/ { start = 0 }' "${c_files[@]}")"

formatter=
for name in clang-format-14 clang-format; do
	if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
		formatter=$name
		break
	fi
done
if [ -n "$formatter" ]; then
	report "clang-format has it otherwise" \
	    "$("$formatter" --dry-run -Werror "${c_files[@]}" 2>&1 || true)"
else
	echo "clang-format 14 is not here: not asked"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
