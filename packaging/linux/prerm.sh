#!/bin/sh
# Runs before files are removed: by dpkg with "remove" (or "upgrade"), by rpm with 0
# (or 1, an upgrade). A service that is removed is stopped; an upgrade stops it in
# preinst.sh.
set -e
[ -d /run/systemd/system ] || exit 0
case "$1" in
remove) systemctl stop piaotong-agent.service ;; # whether it starts with the system is configuration, and stays
0) systemctl disable --now piaotong-agent.service ;;
esac
