#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Every method of proto/openrpc.json is one that each binding knows by name, but for
# those that it cannot have, or leaves to its function for any method.
#
#     tests/check_bindings.sh [top of a tree]
set -euo pipefail
export LC_ALL=C

top=${1-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top"
passed=0 failed=0
methods=$(sed -nE 's/^   "name": "([a-z_]+\.[a-z_]+)",$/\1/p' proto/openrpc.json | sort -u)
[ "$(wc -l <<<"$methods")" -gt 20 ]

# binding NAME WITHOUT FILE…: WITHOUT are methods that it need not have
binding() {
	local name=$1 without=$2 method missing=()
	shift 2
	for method in $methods; do
		[[ " $without " == *" $method "* ]] || grep -qwF "$method" "$@" ||
			missing+=("$method")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		passed=$((passed + 1))
	else
		printf '%s has not: %s\n' "$name" "${missing[*]}"
		failed=$((failed + 1))
	fi
}

kept="session.keep session.attach session.ack"
# for administrators, who have gentcp-cli
admin="daemon.status daemon.reload daemon.shutdown daemon.log_level daemon.metrics"
binding C "rpc.discover $admin" client/*.c
binding Python "$admin" client/python/src/gentcp/*.py
# Node passes no descriptors
binding Node "file.sendfile inet.getfd gen_tcp.fdopen $admin" client/node/lib/*.js
# what gen_tcp has; a process stands for a client there, and dies instead of cancelling
binding Erlang "inet.getfd inet.port rpc.discover session.cancel session.clients session.self $kept $admin" \
    client/erlang/src/*.erl

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
