#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The Python binding as its users have it: makes a wheel of client/python, installs it
# with pip into an environment of its own, and runs its tests there.
#
#     GENTCPD=… tests/check_python.sh [argument of pytest]…
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-/usr/bin/python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# nothing is written into the source tree, nothing is fetched
cp -R "$top/client/python" "$folder/source"
chmod -R u+w "$folder/source"
export PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH PIP_FIND_LINKS
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$folder" \
    "$folder/source" >"$folder/log" 2>&1 || {
	cat "$folder/log"
	exit 1
}
# with the system's packages, of which pytest is one
"$python" -m venv --system-site-packages "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps "$folder"/gentcp-*.whl
where=$("$folder/venv/bin/python" -c 'import gentcp; print(gentcp.__file__)')
[[ $where == "$folder"/venv/* ]] || {
	echo "gentcp is of $where"
	exit 1
}
"$folder/venv/bin/python" -m pytest -p no:cacheprovider -q --tb=short "$@" \
    "$top/client/python/tests"
