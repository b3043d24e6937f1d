#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The Node binding as its users have it: packs client/node, unpacks that where Node
# finds packages, as npm install does, and runs its tests with it.
#
#     GENTCPD=… tests/check_node.sh
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
node=${NODE:-node}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/node_modules"
if command -v npm >/dev/null; then
	(cd "$folder" && npm pack --silent --ignore-scripts "$top/client/node" >/dev/null &&
	    npm install --silent --offline --no-audit --no-fund --no-save ./gentcp-*.tgz)
else # what package.json's "files" has
	mkdir "$folder/node_modules/gentcp"
	cp -R "$top/client/node/package.json" "$top/client/node/lib" "$folder/node_modules/gentcp"
fi
[ -f "$folder/node_modules/gentcp/lib/index.d.ts" ] || {
	echo "the package has no types"
	exit 1
}
export NODE_PATH=$folder/node_modules
status=0
"$node" --test "$top"/client/node/test/*.test.js >"$folder/log" 2>&1 || status=$?
[ "$status" -eq 0 ] || cat "$folder/log"
passed=$(sed -nE 's/^(# |ℹ )pass //p' "$folder/log")
failed=$(sed -nE 's/^(# |ℹ )(fail|cancelled) //p' "$folder/log" | awk '{ n += $1 } END { print n + 0 }')
echo "${passed:-0} passed, $failed failed"
[ "$status" -eq 0 ] && [ "${passed:-0}" -gt 0 ]
