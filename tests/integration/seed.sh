#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The exchanges with which gen_tcp's manual begins, between shells of gentcp-cli
# and a daemon of their own: each line that is typed and each that is answered is
# printed, and compared with what gen_tcp answers.
#
#     GENTCPD=… GENTCP_CLI=… tests/integration/seed.sh [folder]
#
# With a folder the daemon lives there and goes on running when all is done: its
# socket is gentcpd.sock, its number stands in pid.  Without one all of it is gone
# at the end.  With GENTCPD empty it is a daemon that runs already, whose socket
# GENTCPD_SOCKET names.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
GENTCPD=${GENTCPD-../src/gentcpd}
GENTCP_CLI=${GENTCP_CLI-../client/gentcp-cli}
seconds=20 # for anything to be answered

passed=0 failed=0 daemon='' keep=no
declare -A to=() from=() # descriptors of each shell, by its name

if [ $# -gt 0 ]; then
	folder=$1 keep=yes
else
	folder=$(mktemp -d)
fi
[ -z "$GENTCPD" ] || GENTCPD_SOCKET=$folder/gentcpd.sock
export GENTCPD_SOCKET

finish() {
	local name
	for name in "${!to[@]}"; do
		leave "$name"
	done
	if [ "$keep" = no ] || [ "$failed" -gt 0 ]; then
		[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
		wait
	fi
	[ "$keep" = yes ] || rm -rf "$folder"
}
trap finish EXIT

# --- a daemon --------------------------------------------------------------------
# setsid: it is nobody's child when this script is done
start_daemon() {
	local left=$((seconds * 20))
	echo "\$ gentcpd -s $GENTCPD_SOCKET &"
	setsid "$GENTCPD" -s "$GENTCPD_SOCKET" </dev/null >"$folder/log" 2>&1 &
	daemon=$!
	echo "$daemon" >"$folder/pid"
	until "$GENTCP_CLI" -T "$seconds" call session.self >/dev/null 2>&1; do
		left=$((left - 1))
		if [ "$left" -eq 0 ] || ! kill -0 "$daemon" 2>/dev/null; then
			echo "the daemon does not start:" && cat "$folder/log"
			exit 1
		fi
		read -rt 0.05 <>"$folder/never" || true
	done
}

# --- shells of gentcp-cli, several at once ---------------------------------------
# open NAME: starts a shell of that name
open() {
	local both read write
	mkfifo "$folder/fifo"
	exec {both}<>"$folder/fifo" # so that neither of the next two waits
	exec {read}<"$folder/fifo"
	exec {write}>"$folder/fifo" {both}>&-
	to[$1]=$write
	rm "$folder/fifo"
	launch "$1" "$read"
	exec {read}<&-
	printf '%-9s $ gentcp-cli shell\n' "$1"
}

# launch NAME DESCRIPTOR: the shell itself, its standard input there.  It must not
# have the other shells' descriptors, or these would never see the end of theirs.
launch() {
	local out input=$2
	exec {out}< <(
		for fd in "${to[@]}" "${from[@]}"; do
			exec {fd}>&-
		done
		exec "$GENTCP_CLI" shell <&"$input" {input}<&- 2>&1
	)
	from[$1]=$out
}

# type_line NAME LINE: types a line into a shell
type_line() {
	local shown=$2
	[ ${#shown} -le 100 ] || shown="${shown:0:40}…\" (${#shown} characters)"
	printf '%-9s > %s\n' "$1" "$shown"
	printf '%s\n' "$2" >&"${to[$1]}"
}

# hear NAME: the next line that a shell prints, in $line
hear() {
	line=
	IFS= read -rt "$seconds" line <&"${from[$1]}" || line="(nothing in $seconds s)"
}

# expect NAME PATTERN: prints the next line and compares it
expect() {
	hear "$1"
	check "$1" "$2"
}

# check NAME PATTERN: prints $line and compares it
check() {
	if [[ $line =~ ^($2)$ ]]; then
		passed=$((passed + 1))
		printf '%-9s   %s\n' "$1" "$line"
	else
		failed=$((failed + 1))
		printf '%-9s   %s     <-- expected: %s\n' "$1" "$line" "$2"
	fi
}

# leave NAME: the end of its input; its sockets close
leave() {
	local in=${to[$1]} out=${from[$1]}
	exec {in}>&- {out}>&-
	unset "to[$1]" "from[$1]"
}

# listen NAME OPTIONS: a listener on a free port, in $listener and $port
listen() {
	type_line "$1" "l = listen 0 ip=loopback $2"
	expect "$1" 'socket [0-9]+ port [0-9]+'
	read -r _ listener _ port <<<"$line"
}

mkfifo "$folder/never"
[ -z "$GENTCPD" ] || start_daemon

echo
echo "1. A server receives until the client closes: binary, packet 0, active false"
open server
open client
listen server "binary packet=0 active=false"
type_line server "s = accept \$l"
type_line client "s = connect localhost $port binary packet=0"
expect client 'socket [0-9]+'
expect server 'socket [0-9]+'
type_line client "send \$s \"Some Data\""
expect client ok
type_line client "close \$s"
expect client ok
type_line server "recv \$s 0"
expect server '"Some Data"'
type_line server "recv \$s 0"
expect server 'gentcp-cli: recv: closed'
type_line server "close \$s"
expect server ok
type_line server "close \$l"
expect server ok
leave server
leave client

echo
echo "2. A pool of servers accepts from one listener: packet 2, active once"
open pool
listen pool "packet=2 active=false"
for n in 1 2 3; do
	open "server $n"
	type_line "server $n" "s = accept $listener"
done
for n in 1 2 3; do
	open "client $n"
	type_line "client $n" "s = connect localhost $port packet=2 active=false"
	expect "client $n" 'socket [0-9]+'
done
for n in 1 2 3; do
	expect "server $n" 'socket [0-9]+'
	type_line "server $n" "setopts \$s active=once"
	expect "server $n" ok
done
for n in 1 2 3; do
	type_line "client $n" "send \$s \"question $n\""
	expect "client $n" ok
done
answered=
for n in 1 2 3; do
	type_line "server $n" "d = wait tcp \$s"
	expect "server $n" 'tcp [0-9]+ "question [123]"'
	answered+=${line: -2:1}
	type_line "server $n" "send \$s \$d"
	expect "server $n" ok
	type_line "server $n" "getopts \$s active packet"
	expect "server $n" 'active=false packet=2'
done
for n in 1 2 3; do
	[[ $answered == *$n* ]] || failed=$((failed + 1))
	type_line "client $n" "recv \$s 0"
	expect "client $n" "\"question $n\""
done
for n in 1 2 3; do
	type_line "server $n" "setopts \$s active=once"
	expect "server $n" ok
done
for n in 1 2 3; do
	leave "client $n"
	type_line "server $n" "wait tcp_closed \$s"
done
for n in 1 2 3; do
	expect "server $n" 'tcp_closed [0-9]+'
	leave "server $n"
done
leave pool

echo
echo "3. A peer that never reads: send_timeout"
open silent
open sender
listen silent "active=false recbuf=4096"
type_line silent "s = accept \$l"
type_line sender "s = connect localhost $port packet=2 active=false sndbuf=4096 \
send_timeout=300 linger=[true,0]"
expect sender 'socket [0-9]+'
expect silent 'socket [0-9]+'
printf -v request 'x%.0s' {1..5000}
request="send \$s \"$request\""
type_line sender "$request"
hear sender
for ((sends = 1; sends < 1000; sends++)); do
	[ "$line" = ok ] || break
	printf '%s\n' "$request" >&"${to[sender]}"
	hear sender
done
printf '%-9s   ok, and so on; the answer to send number %d is:\n' sender "$sends"
check sender 'gentcp-cli: send: timeout'
type_line sender "close \$s"
expect sender ok
leave sender
leave silent

if [ -x /usr/bin/python3 ]; then
	echo
	echo "4. Ten lines of Python, with its socket and json alone"
	open server
	listen server "active=false"
	type_line server "s = accept \$l"
	echo "python    \$ python3 bare.py localhost $port"
	exec {bare}< <(exec /usr/bin/python3 "$here/bare.py" localhost "$port" 2>&1)
	expect server 'socket [0-9]+'
	type_line server "d = recv \$s 0"
	expect server '"Some Data"'
	type_line server "send \$s \$d"
	expect server ok
	IFS= read -rt "$seconds" line <&"$bare" || line="(nothing in $seconds s)"
	check python 'Some Data'
	exec {bare}<&-
	leave server
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
