#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Holds the manual and the tables of the sources together: each method with its
# params, each event, option, error, flag and key of the configuration has its
# place in man/, and nothing stands there that is not in a table.
#
#     tests/check_manual.sh [top of a tree]
set -euo pipefail
export LC_ALL=C

top=${1-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top"
passed=0 failed=0

# same WHAT TABLE MANUAL: two lists that have to be one
same() {
	local differs
	differs=$(diff <(sort -u <<<"$2") <(sort -u <<<"$3") || true)
	if [ -z "$2" ]; then
		echo "$1: the table was not found"
		failed=$((failed + 1))
	elif [ -n "$differs" ]; then
		printf '%s: source (<) and page (>) differ:\n%s\n' "$1" "$differs"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}

# section PAGE NAME: the lines of a section
section() {
	awk -v name=".Sh $2" '/^\.Sh / { on = $0 == name } on' "man/$1"
}

# --- the protocol ---------------------------------------------------------------
# "gen_tcp.connect address port options timeout", a line for each method
methods=$(awk '
	/^\t\[METHOD_[A-Z_]*\] = / { if (row) print row; row = "" }
	/^};/ { if (row) print row; row = ""; exit }
	{
		line = $0
		while (match(line, /"[a-z_]+\.[a-z_]+"|\{"[a-z]+", METHOD_T|[,{ \t]SOCKET|TIMEOUT[},]/)) {
			word = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			gsub(/METHOD_T|[^A-Za-z_.]/, "", word)
			row = row (row ? " " : "") tolower(word)
		}
	}' <(sed -n '/^static const struct method_row rows/,$p' proto/method.c))
# .It Ic gen_tcp.connect Ar address port Oo Ar options Oc …
described=$(section gentcp-protocol.7 METHODS | sed -nE 's/^\.It Ic //p' |
	sed -E 's/ (Ar|Oo|Oc)\>//g')
same "methods in gentcp-protocol(7)" "$methods" "$described"
same "methods in PROTOCOL.md" "$(cut -d ' ' -f 1 <<<"$methods")" \
    "$(sed -n '/^## Methods/,/^## Events/p' proto/PROTOCOL.md | grep '^|' |
	cut -d '|' -f 2 | grep -oE '[a-z_]+\.[a-z_]+')"

events=$(sed -n '/^static const struct event_row/,/^};/p' proto/event.c |
	sed -nE 's/^[[:blank:]]*\[EVENT_[A-Z_]+\] = \{"([a-z_]+)".*/\1/p')
same "events in gentcp-protocol(7)" "$events" "$(section gentcp-protocol.7 EVENTS |
	sed -nE 's/^\.It Ic ([a-z_]+).*/\1/p')"
same "events in PROTOCOL.md" "$events" "$(sed -n '/^| event/,/^$/p' proto/PROTOCOL.md |
	cut -d '|' -f 2 | grep -oE '[a-z_]+' | grep -v '^event$')"

same "options in gentcp-protocol(7)" \
    "$(grep -oE 'ID\(OPTION_[A-Z0-9_]+, "[a-z0-9_]+"\)' proto/option.c | cut -d '"' -f 2)" \
    "$(section gentcp-protocol.7 OPTIONS | sed -nE 's/^\.It Cm ([a-z0-9_]+).*/\1/p')"

# and word by word, where the program is there that prints the table
if [ -x "${PRINT_OPTIONS-}" ]; then
	same "lists of options in gentcp-protocol(7), which build-aux/update-manual writes" \
	    "$("$PRINT_OPTIONS" mdoc)" \
	    "$(sed '1,/^\.\\" begin of the lists/d; /^\.\\" end of the lists/,$d' \
		man/gentcp-protocol.7)"
fi

same "codes in gentcp-protocol(7)" \
    "$(sed -nE 's/^\tREASON_[A-Z_]+ = (-?[0-9]{5}),?$/\1/p' proto/reason.h)" \
    "$(sed -nE 's/^\.It [^0-9-]?(-?[0-9]{5}) .*/\1/p' man/gentcp-protocol.7)"
# gen_tcp's own, with the names that reason.c has for them
same "reasons in gentcp-protocol(7)" \
    "$(while read -r constant _ code; do
	sed -nE "s/.*\b$constant\b.*\"([a-z_]+)\".*/${code%,} \1/p" proto/reason.c
    done < <(grep -E '^[[:blank:]]REASON_[A-Z_]+ = 1[0-9]{4},?$' proto/reason.h))" \
    "$(sed -nE 's/^\.It (1[0-9]{4}) Ta ([a-z_]+) Ta .*/\1 \2/p' man/gentcp-protocol.7)"

# Whatever the oracle lets differ on purpose has its reason in the manual's list.
differs=$(section gentcp-protocol.7 'DIFFERENCES FROM GEN_TCP' | sed -nE 's/^\.It Em //p')
rows=$(sed -nE 's/^\{".*", "([a-z_ ]+)",$/\1/p' tests/oracle/on_purpose.term | sort -u)
same "differences from gen_tcp in gentcp-protocol(7)" "$rows" \
    "$(grep -xF "$rows" <<<"$differs" || true)"

# --- the programs ---------------------------------------------------------------
# flags NAME PAGE SOURCE…: each letter of getopt's strings has its place
flags() {
	local page=$1
	shift
	same "flags in $page" \
	    "$(sed -nE 's/.*getopt(_long)?\([^"]*"[+:]*([A-Za-z:]+)".*/\2/p' "$@" |
		grep -oE '[A-Za-z]')" \
	    "$(sed -nE 's/^\.It Fl ([A-Za-z])\>.*/\1/p' "man/$page")"
}
flags gentcpd.8 src/main.c
flags gentcp-cli.1 client/cli/*.c

same "long flags in gentcpd.8" \
    "$(sed -nE 's/^[ \t]*\{"([a-z-]+)", (no|required)_argument.*/\1/p' src/main.c)" \
    "$(grep '^\.It Fl' man/gentcpd.8 | grep -oE 'Fl -[a-z-]+' | cut -c 5-)"
same "keys in gentcpd.conf(5)" \
    "$(sed -n '/^static const struct .*\[\] = {/,/^};/p' src/daemon/config.c |
	sed -nE 's/^[ \t]*\{"([a-z_]+)",.*/\1/p')" \
    "$(section gentcpd.conf.5 KEYS | sed -nE 's/^\.It Cm ([a-z_]+).*/\1/p')"
same "metrics in gentcpd(8)" \
    "$(cat src/*/*.c | tr '\n\t' '  ' |
	grep -oE '(METRICS_(COUNTER|GAUGE)|metrics_histogram\(&?t), *"gentcp_[a-z_]+"' |
	sed -E '/COUNTER/s/"$/_total"/; s/.*"(.*)"/\1/')" \
    "$(section gentcpd.8 METRICS | sed -nE 's/^\.It Cm //p')"
same "members of a rule in gentcpd.conf(5)" \
    "$(sed -n '/^} members\[\] = {/,/^};/p' src/daemon/config_access.c |
	sed -nE 's/^[ \t]*\{"([a-z_]+)",.*/\1/p')" \
    "$(section gentcpd.conf.5 'ACCESS RULES' | sed -nE 's/^\.It Cm ([a-z_]+).*/\1/p')"
same "keys in gentcpd.conf(5) that need a new start" \
    "$(sed -nE 's/^[ \t]*\{"([a-z_]+)", KEY_[A-Z]+, KEY_START,.*/\1/p' src/daemon/config.c)" \
    "$(section gentcpd.conf.5 RELOADING | sed '/^\.Pp/q' |
	sed -nE 's/^\.Cm ([a-z_]+).*/\1/p')"
same "subsystems of the log in gentcpd.conf(5)" \
    "$(sed -n '/^static const char \*const subsystems/,/};/p' src/base/log.c |
	grep -oE '"[a-z]+"' | tr -d '"')" \
    "$(section gentcpd.conf.5 KEYS | sed -n '/^or an object of these/,/^One that/p' |
	sed -nE 's/^\.Li //p' | tr -d ', ' | tr ';' '\n' |
	grep -oE 'access|config|control|daemon|libevent|metrics|rpc|tcp|other')"
# "max_packet 67108864", where a daemon is there to be asked and the default is one
# for everybody
if [ -x "${GENTCPD-}" ]; then
	same "defaults in gentcpd.conf(5)" \
	    "$("$GENTCPD" --help-config | awk '/^  [a-z]/ { key = $1 }
		sub(/.*; default /, "") && key !~ /^((monitor_)?(socket|group)|admin_group|access)$/ { print key, $0 }' |
		tr -d '"')" \
	    "$(section gentcpd.conf.5 KEYS |
		sed -nE 's/^\.It Cm ([a-z_]+) : .* , No (\\\(dq)?([0-9a-z]+).*/\1 \3/p')"
fi

# --- README ---------------------------------------------------------------------
script=$(sed 1,2d tests/integration/bare.py)
shown=$(awk '/^```python$/ { on = 1; next } /^```$/ { on = 0 } on' README)
if [ -n "$script" ] && [ "$script" = "$shown" ]; then
	passed=$((passed + 1))
else
	echo "README shows another bare.py than tests/integration has"
	failed=$((failed + 1))
fi

if command -v mandoc >/dev/null; then
	wrong=$(mandoc -T lint -W warning man/*.[1-8] 2>/dev/null || true)
	if [ -n "$wrong" ]; then
		printf '%s\n' "$wrong"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
