#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The eunit tests of the Erlang binding, on what was built of it.
#
#     tests/check_erlang.sh [folder of a build]
#
# $ERL and $ERLC are Erlang's, $GENTCPD the daemon that tests start.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1-..}" && pwd)
erl=${ERL:-erl} erlc=${ERLC:-erlc}
export GENTCPD=${GENTCPD:-$build/src/gentcpd} ERL_CRASH_DUMP=/dev/null

header='filename:join([code:lib_dir(eunit), "include", "eunit.hrl"])'
if ! "$erl" -noinput -boot start_clean -eval "
	halt(try true = filelib:is_file($header), 0 catch _:_ -> 1 end)."; then
	echo "skipped: check_erlang::all: Erlang has no eunit"
	exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$erlc" +debug_info +warnings_as_errors -pa "$build/client/erlang/ebin" -o "$folder" \
	"$top"/client/erlang/test/*.erl

status=0
TMPDIR=$folder timeout -k 5 "${ERLANG_LIMIT:-120}" \
	"$erl" -noinput -boot start_clean -pa "$build/client/erlang/ebin" -pa "$folder" -eval '
	Files = filelib:wildcard("*_tests.beam", "'"$folder"'"),
	Modules = [list_to_atom(filename:basename(File, ".beam")) || File <- Files],
	halt(case eunit:test(Modules) of ok -> 0; _ -> 1 end).' |
	tee "$folder/said" || status=$?

# eunit has a sentence for each case
passed=$(sed -nE 's/^ *All ([0-9]+) tests passed\.$/\1/p; s/^ *([0-9]+) tests passed\.$/\1/p
	s/^ *Test passed\.$/1/p; s/^ *Failed: .*Passed: ([0-9]+)\.$/\1/p' "$folder/said" | tail -n 1)
failed=$(sed -nE 's/^ *Failed: ([0-9]+)\..*$/\1/p' "$folder/said" | tail -n 1)
if [ "$status" -ne 0 ] && [ "${failed:-0}" -eq 0 ]; then
	failed=1
elif [ "${passed:-0}" -eq 0 ] && [ "${failed:-0}" -eq 0 ]; then
	echo "no test was run"
	failed=1
fi
echo "${passed:-0} passed, ${failed:-0} failed"
[ "${failed:-0}" -eq 0 ]
