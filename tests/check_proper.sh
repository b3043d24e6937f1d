#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A fixed number of random sequences with gen_tcp and with the binding, of one seed.
#
#     tests/check_proper.sh [folder of a build]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "${1-..}"
export GENTCPD=${GENTCPD:-$PWD/src/gentcpd} GENTCP_EBIN=${GENTCP_EBIN:-$PWD/client/erlang/ebin}
exec "$here/oracle/proper"
