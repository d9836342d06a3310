#!/bin/sh
# Runs before files are removed: by dpkg with "remove" (or "upgrade"), by rpm with 0
# (or 1, an upgrade). A service that is removed is stopped, and its tokens are removed
# while there is a program that can read the configuration; an upgrade stops it in
# preinst.sh.
set -e
service=piaotong-agent.service
program=/usr/bin/piaotong-agent
config=/etc/piaotong-agent/config.toml
data=/var/lib/piaotong-agent

case "$1" in
remove) action=stop ;; # whether it starts with the system is configuration, and stays
0) action="disable --now" ;;
*) exit 0 ;;
esac
# shellcheck disable=SC2086 # words
[ ! -d /run/systemd/system ] || systemctl $action $service
if ! timeout 60 $program setup remove --config $config; then
	[ -L $data ] || rm -f $data/api-token $data/tokens.json # the program may be broken
	echo "piaotong-agent: 若配置另外指定了数据目录,请自己删除其中的 api-token 和 tokens.json / if the configuration names another data folder, delete api-token and tokens.json in it yourself" >&2
fi
