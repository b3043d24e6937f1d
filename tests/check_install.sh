#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Somebody else's program: the library is installed into a folder, and all that is
# used from then on is there.  The examples are compiled from where they are
# installed with what pkg-config says, the tests run them with the installed daemon,
# and the manual has a page for each function.
#
#     tests/check_install.sh [folder of a build]
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1-..}" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0

# verdict WHAT COMMAND…: what it says is shown where it fails
verdict() {
	local what=$1
	shift
	if "$@" >"$root/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what:"
		cat "$root/log"
	fi
}

# the folder that a name is installed in, of those below $root
folder_of() {
	dirname "$(find "$root" -name "$1" | head -n 1)"
}

# In a make that makes this test its variables are not for the one below; nor is the
# folder of a package in the making.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
verdict "make install" make -s -C "$build" install DESTDIR="$root"

libdir=$(folder_of libgentcp.so)
export LD_LIBRARY_PATH=$libdir
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libdir/pkgconfig
# what an example needs besides; the system's own libraries are not below $root
PKG_CONFIG_PATH=$(env -u PKG_CONFIG_LIBDIR pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_PATH

verdict "soname" grep -q 'libgentcp\.so\.1' <(objdump -p "$libdir/libgentcp.so" |
	grep SONAME)
verdict "symbol versions" grep -q 'GENTCP_0\.1 gentcp_open' \
    <(objdump -T "$libdir/libgentcp.so" | sed -E 's/[()]//g; s/ +/ /g')
# the adapters are headers: a program without libevent does not get it
if objdump -p "$libdir/libgentcp.so" | grep -q 'NEEDED.*libevent'; then
	echo "libgentcp.so links libevent"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi

mkdir "$root/programs"
doc=$(folder_of http_fetch.c)
for name in chat echo handover http_fetch kept_echo; do
	packages=(gentcp)
	[ "$name" != chat ] || packages+=(libevent_core)
	read -ra flags <<<"$(pkg-config --cflags --libs "${packages[@]}")"
	# shellcheck disable=SC2086 # CC and SANITIZE are words
	verdict "$name.c" ${CC-cc} -Wall -Wextra -Werror ${SANITIZE-} \
	    -o "$root/programs/$name" "$doc/$name.c" "${flags[@]}"
done
# a C++ program may use it
if command -v c++ >/dev/null; then
	printf '#include <gentcp_libevent.h>\n#include <gentcp_poll.h>\n' >"$root/a.cc"
	read -ra flags <<<"$(pkg-config --cflags gentcp libevent_core)"
	verdict "C++" c++ -Wall -Wextra -Werror -fsyntax-only "$root/a.cc" "${flags[@]}"
fi

python=${PYTHON-/usr/bin/python3}
if "$python" -c 'import pytest' 2>/dev/null; then
	GENTCPD=$(find "$root" -path '*bin/gentcpd')
	GENTCP_CLI=$(find "$root" -path '*bin/gentcp-cli')
	export GENTCPD GENTCP_CLI GENTCP_EXAMPLES=$root/programs PYTHONDONTWRITEBYTECODE=1
	verdict "the examples" env GENTCP_TEST_KILLS=5 "$python" -m pytest -p no:cacheprovider \
	    -q --tb=short "$top"/tests/integration/test_library{,_kept}.py
fi

man=$(folder_of libgentcp.3)
while read -r name; do
	verdict "no page $name.3" test -s "$man/$name.3"
done < <(sed -nE 's/^[[:blank:]](gentcp_[a-z0-9_]+);$/\1/p' "$top/client/gentcp.map")
while read -r page; do
	verdict "$page: there is no such page" test -s "$man/../$page"
done < <(sed -n 's/^\.so //p' "$man"/*.3 | sort -u)

verdict "make uninstall" make -s -C "$build" uninstall DESTDIR="$root"
left=$(find "$root" ! -type d ! -path "$root/programs/*" ! -path "$root/a.cc" \
    ! -path "$root/log")
verdict "left by make uninstall: $left" test -z "$left"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
