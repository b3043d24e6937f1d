#!/bin/sh
# SPDX-License-Identifier: ISC
# Answers lines: a job for each connection, and four that accept.
#
#     line_server.sh [port]
set -u

serve() {
	while line=$(gentcp-cli -q recv "$1"); do
		printf 'you said: %s\n' "$line" | gentcp-cli send "$1"
	done
	gentcp-cli close "$1"
}

acceptor() {
	while s=$(gentcp-cli accept "$listener"); do
		serve "$s" &
	done
}

eval "$(gentcp-cli session)"
trap 'eval "$(gentcp-cli session -k)"' EXIT
trap exit INT TERM
listener=$(gentcp-cli listen "${1:-0}" ip=loopback packet=line active=false \
    reuseaddr=true backlog=128) || exit
echo "listening on port $(gentcp-cli port "$listener")"
for _ in 1 2 3 4; do
	acceptor &
done
wait
