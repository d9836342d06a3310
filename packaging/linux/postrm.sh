#!/bin/sh
# Runs after files are removed: by dpkg with "remove" and "purge" (or "upgrade"), by
# rpm with 0 (or 1). Removing keeps configuration and data (prerm.sh takes the tokens), purging leaves
# nothing.
set -e
service=piaotong-agent.service
case "$1" in
remove | 0)
	rm -rf /usr/lib/piaotong-agent-before /var/lib/piaotong-agent-before
	;;
purge)
	data=$(sed -n "s/^data_dir *= *[\"']\([^\"']*\)[\"'].*/\1/p" /etc/piaotong-agent/config.toml 2>/dev/null || true)
	rm -rf /usr/lib/piaotong-agent-before /var/lib/piaotong-agent-before /var/lib/piaotong-agent /etc/piaotong-agent
	rm -rf /etc/systemd/system/$service /etc/systemd/system/$service.d
	rm -f /etc/systemd/system/*.wants/$service
	userdel piaotong-agent 2>/dev/null || true # there is none where it was never set up
	groupdel piaotong-agent 2>/dev/null || true
	if [ -n "$data" ] && [ -d "$data" ]; then
		echo "piaotong-agent: 数据目录由配置指定，没有删除，不再需要时请手工删除 / the data folder is one that the configuration named; it stays, delete it when it is no longer needed: $data" >&2
	fi
	;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl reset-failed $service 2>/dev/null || true
fi
