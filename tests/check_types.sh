#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The types of the bindings: mypy --strict for Python's, tsc --strict for Node's.
#
#     tests/check_types.sh folder
#
# The folder is one of node's node_modules with @types/node.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
modules=$(cd "$1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mypy --strict --cache-dir "$folder/mypy" "$top/client/python/src/gentcp"
cat >"$folder/tsconfig.json" <<END
{"compilerOptions": {
	"strict": true, "exactOptionalPropertyTypes": true, "noEmit": true,
	"target": "es2022", "module": "node16", "moduleResolution": "node16",
	"baseUrl": ".", "paths": {"gentcp": ["$top/client/node/lib/index.d.ts"]},
	"typeRoots": ["$modules/@types"], "types": ["node"]},
 "files": ["$top/client/node/test/types.ts"]}
END
tsc -p "$folder"
echo "index.d.ts is what types.ts needs"
