#!/bin/sh
# Runs before this version is unpacked: by dpkg with "install" or "upgrade", by rpm
# with 1 or 2. Over a running service it stops it and keeps what postinst.sh needs
# to go back: the program, its unit and the database.
set -e
service=piaotong-agent.service
program=/usr/bin/piaotong-agent
unit=/usr/lib/systemd/system/$service
config=/etc/piaotong-agent/config.toml
before=/usr/lib/piaotong-agent-before # the program and the unit; /var may forbid running programs
saved=/var/lib/piaotong-agent-before  # what `upgrade save` keeps

case "$1" in upgrade | 2) ;; *) exit 0 ;; esac
[ -d /run/systemd/system ] && [ -x $program ] || exit 0
case "$(systemctl is-active $service)" in active | activating | reloading) ;; *) exit 0 ;; esac

# An upgrade that was broken off, by a power cut perhaps, is brought to its end first.
if [ -d $saved ] && [ -x $before/piaotong-agent ]; then
	$before/piaotong-agent upgrade settle --config $config --from $saved --program $program --within 30s || true
fi

mkdir -p $before
cp -p $program $unit $before/
systemctl stop $service
if ! $before/piaotong-agent upgrade save --config $config --to $saved --program $program; then
	systemctl start --no-block $service
	echo "piaotong-agent: 无法保存当前版本，没有升级 / the present version could not be kept, so nothing was upgraded" >&2
	exit 1
fi
