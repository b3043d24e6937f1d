#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Holds who may include whom (README, "How to contribute").  A rule is kept for
# each room: which of our headers, and which of the system's, it may not name.
# First the check itself is checked, on a tree with one wrong #include at a time.
#
#     tests/check_layers.sh [top of a tree]
set -euo pipefail

top=${1-$(cd "$(dirname "$0")/.." && pwd)}
passed=0 failed=0

# What each room may include of ours, as an extended regular expression.
words='proto/(address|bytes|method|option|raw|option_text|quote|reason)\.h'
base='base/(clock|idmap|limits|lock_file|log|log_file|log_target|metrics|socket_file|thread)\.h'
jansson='jansson.*'
loop='(event|evutil|event2/.*)(\.h)?'
sockets='(sys/(socket|un|epoll|ioctl|uio)|netinet/.*|net/.*|arpa/inet|netdb|poll)\.h'

# room FILE: the room a file lives in
room() {
	case $1 in
	proto/address.* | proto/bytes.* | proto/method.* | proto/option.* | \
	    proto/option_list.* | proto/option_text.* | proto/quote.* | proto/raw.* | proto/reason.*)
		echo words ;;
	proto/*) echo sentences ;;
	src/*/*) room=${1#src/} && echo "${room%%/*}" ;;
	src/*) echo main ;;
	client/adapters/* | client/examples/*) echo adapters ;;
	client/*) echo client ;;
	*) echo unknown ;;
	esac
}

# ours ROOM: what of ours may be named there
ours() {
	case $1 in
	words) echo "$words" ;;
	sentences) echo "proto/.*" ;;
	base) echo "$base" ;;
	packet) echo 'packet/.*' ;;
	tcp) echo "tcp/.*|packet/packet(_http)?\.h|$base|$words" ;;
	rpc) echo "rpc/.*|tcp/tcp\.h|packet/packet_http\.h|$base|proto/.*" ;;
	control) echo "control/.*|rpc/rpc\.h|$base|proto/(bytes|message|reason|wire)\.h" ;;
	daemon) echo "daemon/.*|control/server\.h|rpc/(access|rpc)\.h|tcp/tcp\.h|$base|proto/.*" ;;
	main) echo "daemon/.*|$base" ;;
	client) echo "client/.*|proto/.*" ;;
	adapters) echo 'gentcp\.h' ;;
	*) echo 'nothing' ;;
	esac
}

# foreign ROOM: which headers of others may not be named there
foreign() {
	case $1 in
	words | base) echo "$jansson|$loop" ;;
	packet) echo "$jansson|$loop|$sockets|unistd\.h|pthread\.h" ;;
	sentences) echo "$loop|$sockets" ;;
	tcp) echo "$jansson" ;;
	rpc) echo "$loop|$sockets" ;;
	client) echo "$loop|gentcp_libevent\.h" ;;
	adapters) echo "$jansson" ;;
	*) echo 'nothing' ;;
	esac
}

# resolve TOP FILE NAME: a quoted header's path as from the top folders.  A name
# is looked for beside the file first, then from src/ and from the top.
resolve() {
	local beside
	beside=$(dirname "$2")/$3
	if [ -f "$1/$beside" ]; then
		echo "${beside#src/}"
	else
		echo "$3"
	fi
}

# violations TOP: prints a line for each #include that is not allowed
violations() {
	local file where kind name ours foreign
	while IFS= read -r file; do
		where=$(room "$file")
		ours=$(ours "$where")
		foreign=$(foreign "$where")
		while read -r kind name; do
			if [ "$kind" = '"' ]; then
				name=$(resolve "$1" "$file" "$name")
				[[ $name =~ ^($ours)$ ]] ||
					echo "$file: $where may not include \"$name\""
			elif [[ $name =~ ^($foreign)$ ]]; then
				echo "$file: $where may not include <$name>"
			fi
		done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">].*/\1 \2/p' \
		    "$1/$file")
	done < <(cd "$1" && find proto src client -name '*.[ch]' 2>/dev/null | sort)
}

# --- the check's own check ------------------------------------------------------
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect yes|no FILE INCLUDE: is this line refused there, in a tree of its own?
expect() {
	local tree=$scratch/tree found
	rm -rf "$tree"
	mkdir -p "$tree/$(dirname "$2")" "$tree/src/tcp" "$tree/proto"
	: >"$tree/src/tcp/tcp_socket.h"
	printf '#include %s\n' "$3" >"$tree/$2"
	found=$(violations "$tree")
	if [ "$1" = "$([ -n "$found" ] && echo yes || echo no)" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "self-test: in $2: #include $3: refused should be $1; $found"
	fi
}

expect yes proto/option.c '<jansson.h>'
expect yes proto/option.c '"proto/wire.h"'
expect yes proto/wire.c '<event2/event.h>'
expect yes proto/wire.c '"base/log.h"'
expect yes src/base/log.c '<event2/event.h>'
expect yes src/base/log.c '<jansson.h>'
expect yes src/base/log.c '"tcp/tcp.h"'
expect yes src/packet/packet.c '"proto/option.h"'
expect yes src/packet/packet.c '<sys/socket.h>'
expect yes src/tcp/reader.c '<jansson.h>'
expect yes src/tcp/reader.c '"proto/message.h"'
expect yes src/tcp/reader.c '"rpc/rpc.h"'
expect yes src/tcp/reader.c '"packet/packet_private.h"'
expect yes src/rpc/session.c '<event2/event.h>'
expect yes src/rpc/session.c '<sys/socket.h>'
expect yes src/rpc/session.c '"tcp/tcp_socket.h"'
expect yes src/rpc/session.c '"control/server.h"'
expect yes src/rpc/http.c '"packet/packet.h"'
expect yes src/control/channel.c '"tcp/tcp.h"'
expect yes src/control/channel.c '"proto/method.h"'
expect yes src/daemon/daemon.c '"rpc/rpc_private.h"'
expect yes src/main.c '"tcp/tcp.h"'
expect yes client/calls.c '"tcp/tcp.h"'
expect yes client/cli/main.c '"../../src/base/log.h"'
expect yes client/connection.c '<event2/event.h>'
expect yes client/adapters/gentcp_poll.h '"client/connection.h"'
expect yes client/adapters/gentcp_poll.h '<jansson.h>'
expect yes client/connection.c '<gentcp_libevent.h>'
expect no client/adapters/gentcp_libevent.h '<event2/event.h>'
expect no client/examples/chat.c '<gentcp_libevent.h>'
expect no proto/value.c '<jansson.h>'
expect no src/tcp/reader.c '"tcp_socket.h"'
expect no src/tcp/reader.c '<event2/event.h>'
expect no src/rpc/session.c '"tcp/tcp.h"'
expect no src/rpc/http.c '"packet/packet_http.h"'
expect no src/control/channel.c '"proto/wire.h"'
expect no client/cli/main.c '"proto/method.h"'
expect no client/cli/main.c '"proto/quote.h"'
expect no src/tcp/reader.c '"proto/quote.h"'

# --- the tree -------------------------------------------------------------------
files=$(cd "$top" && find proto src client -name '*.[ch]' | wc -l)
wrong=$(violations "$top")
if [ "$files" -eq 0 ]; then
	echo "no sources under $top"
	failed=$((failed + 1))
elif [ -n "$wrong" ]; then
	printf '%s\n' "$wrong"
	failed=$((failed + $(printf '%s\n' "$wrong" | wc -l)))
else
	echo "$files files include what they may"
	passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
