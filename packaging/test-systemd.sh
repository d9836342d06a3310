#!/usr/bin/env bash
# Installs the deb on a Debian that systemd boots in a container, as root, and goes
# through a till's life: setting up, selling, dying, upgrading, going back, removing,
# purging; then the rpm, by rpm, for what differs. Each step is judged by what it did, and printed with ✓. The Debian is made
# once, by debootstrap, and kept in a cache folder; each run works on a copy.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"

missing=""
command -v debootstrap >/dev/null || missing="$missing debootstrap"
command -v systemd-nspawn >/dev/null || missing="$missing systemd-container"
command -v curl >/dev/null || missing="$missing curl"
if [ -n "$missing" ]; then
	apt-get update -q
	# shellcheck disable=SC2086 # words
	apt-get install -q -y --no-install-recommends $missing
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/piaotong-agent-test
base=$cache/bookworm-rpm
work=$(mktemp -d)
box=$work/box
nspawn="" paper="" leader=""
end() {
	status=$?
	trap - EXIT
	if [ $status != 0 ] && [ -n "$leader" ]; then
		echo "--- what the container said last" >&2
		inside journalctl --no-pager -n 40 -u piaotong-agent >&2 || true
		inside sh -c 'tail -n 20 /var/lib/piaotong-agent/logs/agent.log' >&2 || true
	fi
	[ -z "$nspawn" ] || { kill "$nspawn" && wait "$nspawn"; } 2>/dev/null || true
	[ -z "$paper" ] || { kill "$paper" && wait "$paper"; } 2>/dev/null || true
	rm -rf "$work"
	exit $status
}
trap end EXIT

began=$SECONDS
passed=0
ok() {
	passed=$((passed + 1))
	echo "✓ $*"
}
# fail ends the run; every check ends in it, since set -e does not see into && and !.
fail() {
	echo "✗ $*" >&2
	exit 1
}
# inside runs a command in the container.
inside() { nsenter -t "$leader" -m -u -i -n -p -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }
# within SECONDS COMMAND…: waits until the command succeeds.
within() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.2
	done
}
readonly api=http://127.0.0.1:17216
# ask METHOD PATH [BODY]: calls the agent as a POS does and prints the status, then the answer.
ask() {
	local token
	token=$(cat "$box/var/lib/piaotong-agent/api-token")
	nsenter -t "$leader" -n curl -sS --max-time 10 -w '\n%{http_code}' -X "$1" "$api$2" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' ${3:+--data-binary "$3"} | tac
}
answers() { [ "$(nsenter -t "$leader" -n curl -s --max-time 2 -o /dev/null -w '%{http_code}' "$api/readyz")" = 200 ]; }
silent() { ! nsenter -t "$leader" -n curl -s --max-time 2 -o /dev/null "$api/readyz"; }
# printed FIRST ID: a receipt with this text and a QR code has come out after number FIRST.
printed() {
	local f n
	for f in "$work"/paper/*.txt; do
		n=$(basename "$f" .txt)
		[ "$((10#$n))" -gt "$1" ] && grep -q "$2" "$f" && grep -q 'QR: http' "$f" && return 0
	done
	return 1
}
papers() { find "$work/paper" -name '*.txt' | wc -l; }
sales=()
# sell ID: a sale is taken and its receipt is on paper, with its QR code.
sell() {
	local first status
	first=$(papers)
	status=$(ask POST /v1/sales "$(sed "s/REST-0001/$1/" examples/sales/1-restaurant.json)" | head -n 1)
	[ "$status" = 201 ] || fail "the sale $1 is answered $status"
	within 20 printed "$first" "$1" || fail "the sale $1 is not on paper"
	sales+=("$1")
}
# keeps: all sales so far are there.
keeps() {
	local id
	for id in "${sales[@]}"; do
		[ "$(ask GET "/v1/sales/$id" | head -n 1)" = 200 ] || fail "the sale $id is lost"
	done
}
serves() { ask GET /v1/status | grep -q "\"version\":\"$1\""; }
# give_token makes a second token.
give_token() { inside piaotong-agent token add --config /etc/piaotong-agent/config.toml --role pos till-2 >/dev/null 2>&1; }
tokens() { cat "$box/var/lib/piaotong-agent/api-token" "$box/var/lib/piaotong-agent/tokens.json"; }
# tokens_gone [DATA]: the tokens of a data folder are gone, and its database is not.
tokens_gone() {
	local data=$box${1:-/var/lib/piaotong-agent}
	[ ! -e "$data/api-token" ] && [ ! -e "$data/tokens.json" ] && [ -s "$data/agent.db" ]
}
state() { inside systemctl show --property="$1" --value piaotong-agent.service || true; }
nothing_kept() { [ ! -e "$box/usr/lib/piaotong-agent-before" ] && [ ! -e "$box/var/lib/piaotong-agent-before" ]; }

if [ ! -d "$base" ]; then
	mkdir -p "$cache"
	rm -rf "$base.part"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,iproute2,rpm bookworm "$base.part" >"$work/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
	tr -d - </proc/sys/kernel/random/uuid >"$base.part/etc/machine-id"
	echo 127.0.0.1 localhost >"$base.part/etc/hosts"
	mv "$base.part" "$base"
fi
echo "Debian: $base ($((SECONDS - began)) s)"

# The versions: two good ones, one that never gets ready, and one that does not even start, with a unit that is broken, too.
arch=$(go env GOARCH)
for version in 1.0.0 1.1.0; do
	VERSION=$version LINUX_TARGETS=$arch packaging/build.sh "$work/debs" >/dev/null
done
debarch=$(dpkg --print-architecture)
deb() { echo "piaotong-agent_$1-1_$debarch.deb"; }
# broken VERSION PROGRAM SED: makes of 1.1.0 another version.
broken() {
	dpkg-deb -R "$work/debs/$(deb 1.1.0)" "$work/broken"
	printf '%s\n' "$2" >"$work/broken/usr/bin/piaotong-agent"
	sed -i "s/^Version: .*/Version: $1-1/" "$work/broken/DEBIAN/control"
	sed -i "$3" "$work/broken/usr/lib/systemd/system/piaotong-agent.service"
	dpkg-deb -Zgzip -b "$work/broken" "$work/debs/$(deb "$1")" >/dev/null
	rm -rf "$work/broken"
}
broken 1.2.0 $'#!/bin/sh\n[ "$1" = run ] || exit 1\nexec sleep 1000' ''
broken 1.3.0 $'#!/bin/sh\nexit 1' 's/^User=.*/User=nobody-knows/'
for version in 1.0.0 1.1.0; do
	members=$(ar t "$work/debs/$(deb $version)" | tr '\n' ' ')
	[ "$members" = "debian-binary control.tar.gz data.tar.gz " ] || fail "the deb has $members"
done
ok "the debs are built, in a form that old dpkgs read"

cp -a "$base" "$box"
install -D "$(dpkg-deb --fsys-tarfile "$work/debs/$(deb 1.0.0)" | tar -x -C "$work" ./usr/bin/piaotong-agent && echo "$work/usr/bin/piaotong-agent")" "$box/opt/standin/agent"
install -d "$box/opt/debs"
cp "$work/debs/"*.deb "$work/debs/"*.rpm "$box/opt/debs/"

# The printer is outside: a pseudo-terminal that the container has as /dev/ttyUSB0.
"$box/opt/standin/agent" paper --pty --dir "$work/paper" >"$work/paper.log" 2>&1 &
paper=$!
within 10 grep -q /dev/pts/ "$work/paper.log" || fail "there is no paper printer"
pty=$(grep -o '/dev/pts/[0-9]*' "$work/paper.log")
systemd-nspawn --quiet --register=no --keep-unit --private-network --bind="$pty:/dev/ttyUSB0" -D "$box" -b --console=pipe </dev/null >"$work/console.log" 2>&1 &
nspawn=$!
booted() {
	leader=$(pgrep -P $nspawn) && [ "$(inside systemctl is-system-running)" = running ]
}
within 180 booted || { cat "$work/console.log" >&2; fail "the container does not boot"; }
leader=$(pgrep -P $nspawn)
inside sh -c 'chgrp dialout /dev/ttyUSB0 && chmod 660 /dev/ttyUSB0'
inside systemd-run --quiet --unit=standin /opt/standin/agent sandbox --listen 127.0.0.1:18080 --data /opt/standin/platform
told() { inside journalctl --no-pager -o cat -u standin >"$work/platform.toml" && grep -q red_view "$work/platform.toml"; }
within 20 told || fail "there is no platform"
ok "systemd runs, with a platform inside and a printer outside"

inside dpkg -i "/opt/debs/$(deb 1.0.0)" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "the deb does not install"; }
[ "$(state ActiveState)" = inactive ] && [ "$(state UnitFileState)" = disabled ] || fail "the service is $(state ActiveState) and $(state UnitFileState)"
inside id piaotong-agent >/dev/null || fail "there is no account"
[ -r "$box/usr/share/doc/piaotong-agent/config.example.toml" ] && [ ! -e "$box/etc/piaotong-agent/config.toml" ] || fail "the example is not there, or a configuration is"
for text in localapi/openapi.yaml printer/font/OFL.txt; do
	[ -r "$box/usr/share/doc/piaotong-agent/$text" ] || fail "$text is not there"
done
ok "install: account, unit and papers are there; nothing runs and nothing is enabled"

# set_up runs init with the platform's parameters.
set_up() {
	cp "$box/opt/standin/platform/private.pem" "$box/etc/piaotong-agent/private.pem"
	chmod 600 "$box/etc/piaotong-agent/private.pem"
	inside env AGENT_PIAOTONG_DES3_KEY="$(account des3_key)" piaotong-agent init --yes --install --print-test --lang en --platform-code "$(account platform_code)" \
		--platform-prefix "$(account platform_prefix)" --taxpayer-num "$(account taxpayer_num)" --enterprise-name "$(account enterprise_name)" --drawer-name 张三 \
		--base-url "$(account base_url)" --printer /dev/ttyUSB0 --platform-key /opt/standin/platform/platform.pem >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "init fails"; }
}
account() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$work/platform.toml"; }
set_up
answers || fail "it is not ready"
[ "$(state UnitFileState)" = enabled ] || fail "the service is $(state UnitFileState)"
case "$(state FragmentPath)" in /lib/* | /usr/lib/*) ;; *) fail "the unit is $(state FragmentPath)" ;; esac
[ "$(papers)" = 1 ] || fail "there are $(papers) test pages"
grep '^✓ printer' "$work/init.log" >/dev/null && ! grep '^✗' "$work/init.log" || fail "doctor is not content"
ok "init --yes --install: a test page on paper, the package's unit enabled, the service ready, doctor content"

pid=$(state MainPID)
[ "$(inside stat -c %U "/proc/$pid")" = piaotong-agent ] || fail "it runs as $(inside stat -c %U "/proc/$pid")"
for want in 'NoNewPrivs:	1' 'CapEff:	0000000000000000' 'CapBnd:	0000000000000000' 'Seccomp:	2'; do
	inside grep -q "^$want" "/proc/$pid/status" || fail "its process has no $want"
done
for file in /etc/piaotong-agent/config.toml /etc/piaotong-agent/private.pem /var/lib/piaotong-agent/api-token; do
	[ "$(stat -c %a "$box$file")" = 600 ] || fail "$file may be read by others"
done
inside systemd-analyze security --no-pager --threshold=20 piaotong-agent.service >"$work/security.log" || { tail -n 3 "$work/security.log" >&2; fail "the unit is too open"; }
ok "it runs as piaotong-agent without rights; systemd's judgement is $(sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p' "$work/security.log") of 10"

sell TILL-0001
ok "a sale posted with the token is on paper with its QR code"

inside systemctl kill -s KILL piaotong-agent.service
# A real port is free again when its user dies. This one stays taken (TIOCEXCL), since the stand-in keeps its own end open: TIOCNXCL.
perl -e 'open(my $port, "+<", shift) or die; ioctl($port, 0x540D, 0) or die' "$pty"
killed() { [ "$(state NRestarts)" -ge 1 ] && answers; }
within 30 killed || fail "it is not started again after kill -9"
sell TILL-0002
keeps
ok "killed with -9: it is started again, the sales are there, the next one prints"

inside piaotong-agent restart >/dev/null
within 10 answers || fail "it does not serve after a restart"
sell TILL-0003
give_token
inside piaotong-agent uninstall >/dev/null
silent && [ "$(state UnitFileState)" = disabled ] && [ -e "$box/usr/lib/systemd/system/piaotong-agent.service" ] || fail "uninstall does not do what it says"
tokens_gone || fail "uninstall leaves tokens, or takes the database"
inside piaotong-agent install --config /etc/piaotong-agent/config.toml >/dev/null
within 10 answers && [ "$(state UnitFileState)" = enabled ] || fail "install does not do what it says"
keeps
ok "restart, uninstall and install of the program work with the package's unit; uninstall removes the tokens"

give_token
was=$(tokens)
cp "$box/etc/piaotong-agent/config.toml" "$work/config.before"
inside dpkg -i "/opt/debs/$(deb 1.1.0)" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "the upgrade fails"; }
serves 1.1.0 && nothing_kept && cmp -s "$box/etc/piaotong-agent/config.toml" "$work/config.before" || fail "1.1.0 does not serve as 1.0.0 did"
[ "$(tokens)" = "$was" ] || fail "the upgrade changed the tokens"
keeps
sell TILL-0004
ok "upgraded over the running service: 1.1.0 serves, configuration, tokens and sales are kept, the next one prints"

# goes_back VERSION: an upgrade to it fails, and 1.1.0 serves again.
goes_back() {
	local start=$SECONDS
	! inside dpkg -i "/opt/debs/$(deb "$1")" >"$work/dpkg.log" 2>&1 || fail "dpkg calls a broken version installed"
	serves 1.1.0 && nothing_kept && grep -q 'the one before is back' "$work/dpkg.log" || { cat "$work/dpkg.log" >&2; fail "1.1.0 is not back"; }
	keeps
	sell "TILL-$2"
	ok "upgraded to $3: dpkg says that it failed, 1.1.0 is back and serves after $((SECONDS - start)) s, the next sale prints"
}
goes_back 1.2.0 0005 "a version that never gets ready"
goes_back 1.3.0 0006 "a version that does not start, with a broken unit"
inside dpkg -i "/opt/debs/$(deb 1.1.0)" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg does not take the old version"; }
[ "$(tokens)" = "$was" ] || fail "upgrades that failed changed the tokens"
serves 1.1.0 && inside dpkg --audit >"$work/audit.log" && [ ! -s "$work/audit.log" ] || fail "dpkg's books are not in order"
keeps
ok "installing the version before again puts dpkg's books in order"

inside dpkg -r piaotong-agent >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "remove fails"; }
silent && [ ! -e "$box/usr/bin/piaotong-agent" ] && [ -e "$box/etc/piaotong-agent/config.toml" ] && [ -e "$box/var/lib/piaotong-agent/agent.db" ] || fail "remove does not do what it should"
inside pgrep -x piaotong-agent >/dev/null && fail "it still runs"
tokens_gone && grep -q /var/lib/piaotong-agent "$work/dpkg.log" || fail "remove leaves tokens, or does not say that they are gone"
ok "removed: nothing runs or listens; the tokens are gone; configuration and data are kept"
inside dpkg -i "/opt/debs/$(deb 1.1.0)" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "installing again fails"; }
within 10 answers || fail "it does not serve"
keeps
[ "$(cat "$box/var/lib/piaotong-agent/api-token")" != "${was%%$'\n'*}" ] || fail "the token of before works again"
sell TILL-0007
ok "installed again: it serves by itself, with a new token and all sales"

inside systemctl stop piaotong-agent.service
printf '#!/bin/sh\nexit 1\n' >"$box/usr/bin/piaotong-agent"
inside dpkg -r piaotong-agent >"$work/dpkg.log" 2>&1 && tokens_gone || { cat "$work/dpkg.log" >&2; fail "a broken program is not removed with its tokens"; }
ok "a program that does not start is removed, with its tokens"

inside dpkg -P piaotong-agent >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "purge fails"; }
silent || fail "something still answers"
left=$(find "$box" -xdev -path "$box/opt" -prune -o -path "$box/proc" -prune -o -path "$box/sys" -prune -o -iname '*piaotong*' -print)
[ -z "$left" ] || fail "left behind: $left"
! inside getent passwd piaotong-agent && ! inside getent group piaotong-agent || fail "the account is left behind"
! grep -rl --exclude='*-' piaotong-agent "$box/etc" || fail "the name is left behind"
[ "$(state LoadState)" = not-found ] || fail "systemd still knows the unit"
ok "purged: no file, account, unit or listener is left"
rpmarch=$(uname -m)
rpm() { inside rpm --nodeps "$@" >"$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2; fail "rpm $*"; }; }
rpm -i "/opt/debs/piaotong-agent-1.0.0-1.$rpmarch.rpm"
[ "$(state UnitFileState)" = disabled ] || fail "the rpm's service is $(state UnitFileState)"
sales=()
set_up
sell TILL-0001
give_token
was=$(tokens)
rpm -U "/opt/debs/piaotong-agent-1.1.0-1.$rpmarch.rpm"
serves 1.1.0 && nothing_kept || fail "1.1.0 does not serve: $(cat "$work/rpm.log")"
[ "$(tokens)" = "$was" ] || fail "the rpm's upgrade changed the tokens"
keeps
sell TILL-0002
rpm -e piaotong-agent
silent && [ ! -e "$box/usr/bin/piaotong-agent" ] && [ -e "$box/var/lib/piaotong-agent/agent.db" ] && [ -z "$(find "$box/etc/systemd" -name 'piaotong*')" ] || fail "rpm -e does not do what it should"
tokens_gone || fail "rpm -e leaves tokens, or takes the database"
ok "the rpm: set up, upgraded over the running service, removed; the tokens are kept, then gone; configuration and data are kept"

# The program alone, with names that a unit has to quote.
data="/srv/收银 100% \"数据\" \$x"
mv "$box/etc/piaotong-agent" "$box/srv/配置 \$1"
mv "$box/srv/配置 \$1/config.toml" "$box/srv/配置 \$1/a b.toml"
sed -i "/^data_dir/d; 1i data_dir = '$data'" "$box/srv/配置 \$1/a b.toml"
cp "$box/opt/standin/agent" "$box/usr/local/bin/agent"
inside agent install --config "/srv/配置 \$1/a b.toml" >/dev/null
inside agent start >/dev/null
within 10 answers && [ -s "$box$data/api-token" ] || fail "the program alone does not serve"
inside agent uninstall >"$work/uninstall.log" 2>&1 || { cat "$work/uninstall.log" >&2; fail "uninstall of the program alone fails"; }
silent && [ ! -e "$box/etc/systemd/system/piaotong-agent.service" ] && tokens_gone "$data" && grep -qF "$data" "$work/uninstall.log" || fail "uninstall of the program alone does not do what it says"
ok "the program alone, in places with odd names: install, start, uninstall; the tokens are gone, the data is kept"
echo "$passed passed, 0 failed ($((SECONDS - began)) s)"
