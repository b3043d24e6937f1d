#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The oracle's scenarios, by the binding and by OTP's own gen_tcp over it.
#
#     tests/check_oracle.sh [folder of a build]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "${1-..}"
export GENTCPD=${GENTCPD:-$PWD/src/gentcpd} GENTCP_EBIN=${GENTCP_EBIN:-$PWD/client/erlang/ebin}

status=0
"$here/oracle/run" || status=$?
[ "$status" -eq 77 ] && exit 77
"$here/oracle/run" -g || status=$?
exit "$status"
