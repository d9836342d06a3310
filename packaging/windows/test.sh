#!/usr/bin/env bash
# Tests on Windows without Windows: the packages' own tests, and the installers, both
# run by wine 10 of Debian 13, in a folder outside the tree that is made at the first
# time: some 230 MB are fetched, 1.5 GB kept, under ${XDG_CACHE_HOME:-~/.cache}. It needs
# root: chroot and mounts, which nobody else sees.
#
#   test.sh [go|installers]    all by default
#
# What wine is not like: services that fail are not started again; rights are those of
# Unix, so that who may read what is not tested; an MSI's rollback puts no entry back.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/packaging/windows
what=${1:-all}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/piaotong-agent-test
export WINE_DEBIAN=$cache/wine

say() { printf '%s\n' "$*"; }
ok() { say "✓ $*"; }
die() {
	say "✗ $*" >&2
	exit 1
}

# In the outer half this machine is prepared; in the inner one, which sees mounts of
# its own, the tests run.
if [ -z "${WINE_WORK:-}" ]; then
	[ "$(id -u)" = 0 ] || die "test.sh needs root"
	missing=
	for tool in debootstrap makensis:nsis wixl msibuild:msitools osslsigncode faketime zip unzip curl openssl unshare:util-linux; do
		command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:}"
	done
	if [ -n "$missing" ]; then
		# shellcheck disable=SC2086 # words
		apt-get update -q && apt-get install -q -y --no-install-recommends $missing
	fi
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	ready=$WINE_DEBIAN/.ready-1
	if [ ! -e "$ready" ]; then
		rm -rf "$WINE_DEBIAN"
		debootstrap --variant=minbase trixie "$WINE_DEBIAN"
		cp /etc/resolv.conf "$WINE_DEBIAN/etc/resolv.conf"
		chroot "$WINE_DEBIAN" env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -q -y --no-install-recommends wine wine64 && apt-get clean'
		touch "$ready"
	fi
	WINE_WORK=$(mktemp -d)
	export WINE_WORK
	trap 'rm -rf "$WINE_WORK" "$WINE_DEBIAN$WINE_WORK"' EXIT
	unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$here/test.sh" "$what"
	exit
fi

mount -t proc proc "$WINE_DEBIAN/proc"
mount --rbind /dev "$WINE_DEBIAN/dev"
for dir in "$PWD" "$WINE_WORK"; do
	mkdir -p "$WINE_DEBIAN$dir"
	mount --bind "$dir" "$WINE_DEBIAN$dir"
done
wine=$here/wine.sh
# machine NAME begins with a new Windows.
machine() {
	export WINEPREFIX=/windows-$1
	rm -rf "$WINE_DEBIAN$WINEPREFIX"
	"$wine" wineboot -i 2>/dev/null
	"$wine" --linux wineserver -w # its first start has two service managers
	"$wine" --linux wineserver -p 2>/dev/null # and now it stays while nothing runs, for the services
	"$wine" cmd /c ver >"$WINE_WORK/null" 2>&1     # which would keep the standard output of whoever starts them
}
# halt ends what runs; it writes down what was open.
halt() {
	"$wine" --linux wineserver -k || true
	"$wine" --linux wineserver -w || true
}
turn_off_and_on() {
	halt
	"$wine" --linux wineserver -p 2>/dev/null
	"$wine" cmd /c ver >"$WINE_WORK/null" 2>&1
}
# turn_off ends the machine and deletes it.
turn_off() {
	halt
	rm -rf "$WINE_DEBIAN$WINEPREFIX"
}

. "$here/test-go.sh"
. "$here/test-installers.sh"
began=$SECONDS
case $what in
go) test_go ;;
installers) test_installers ;;
all)
	test_go
	test_installers
	;;
*) die "test.sh [go|installers]" ;;
esac
say "all holds, after $((SECONDS - began)) s"
