#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A fixed number of random sequences with gen_tcp and with the binding, of one seed,
# and those that differed once.
#
#     tests/check_proper.sh [folder of a build]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "${1-..}"
export GENTCPD=${GENTCPD:-$PWD/src/gentcpd} GENTCP_EBIN=${GENTCP_EBIN:-$PWD/client/erlang/ebin}
status=0
"$here/oracle/proper" || status=$?
[ "$status" -eq 77 ] && exit 77
"$here/oracle/proper" "$here"/oracle/found/*.term || status=$?
exit "$status"
