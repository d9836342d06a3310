#!/usr/bin/env bash
# Runs a Windows program in the Debian that test.sh has prepared, in the folder where
# it is called: what `go test -exec` wants. Called from test.sh alone, which sets
# WINE_DEBIAN, the folder of that Debian, and WINEPREFIX, the Windows machine as a path
# inside it. WINE_ENV are further variables; --linux COMMAND runs a command of that
# Debian instead.
set -euo pipefail
case ${1:-} in
--linux) shift ;;
*) set -- wine "$@" ;;
esac
# shellcheck disable=SC2086 # WINE_ENV are words
exec chroot "$WINE_DEBIAN" env -i HOME=/root PATH=/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 XDG_RUNTIME_DIR=/tmp \
	WINEDEBUG="${WINEDEBUG:--all}" WINEPREFIX="$WINEPREFIX" ${WINE_ENV:-} sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
