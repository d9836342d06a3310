#!/bin/sh
# Runs after this version is unpacked: by dpkg with "configure" (or "abort-…", when
# something else failed), by rpm with 1 or 2. Nothing is started that nobody has set
# up: `piaotong-agent init` enables the service. After an upgrade over a running service
# it is seen that this version serves, or the one before takes over again.
set -e
service=piaotong-agent.service
program=/usr/bin/piaotong-agent
unit=/usr/lib/systemd/system/$service
config=/etc/piaotong-agent/config.toml
before=/usr/lib/piaotong-agent-before
saved=/var/lib/piaotong-agent-before

systemd-sysusers piaotong-agent.conf
if [ ! -d /etc/piaotong-agent ]; then
	mkdir -p /etc/piaotong-agent
	chown root:piaotong-agent /etc/piaotong-agent
	chmod 0750 /etc/piaotong-agent
fi
[ -d /run/systemd/system ] || exit 0
if [ -S /run/udev/control ]; then
	udevadm control --reload && udevadm trigger --subsystem-match=usbmisc || true
fi
systemctl daemon-reload

if [ -d $saved ]; then
	# The version before does this: it is known to work, the new one is not yet.
	if $before/piaotong-agent upgrade settle --config $config --from $saved --program $program --within 30s; then
		rm -rf $saved $before
		exit 0
	fi
	if [ -f $before/$service ] && ! cmp -s $before/$service $unit; then
		cp -p $before/$service $unit
		systemctl daemon-reload
		systemctl restart $service || true
	fi
	if systemctl is-active --quiet $service; then
		rm -rf $saved $before
		echo "piaotong-agent: 新版本没有就绪，已回到原版本并继续工作；请安装修正后的版本，或重新安装原版本 / the new version did not get ready; the one before is back and serves. Install a mended version, or the one before again" >&2
	else
		echo "piaotong-agent: 新版本没有就绪，原版本也没有启动；原程序和数据库保存在 $before 和 $saved，原因见 journalctl -u piaotong-agent / neither the new version nor the one before gets ready; the program and database of before are in $before and $saved, journalctl -u piaotong-agent tells why" >&2
	fi
	exit 1
fi
if [ -f $config ] && systemctl is-enabled --quiet $service; then
	systemctl restart $service
fi
