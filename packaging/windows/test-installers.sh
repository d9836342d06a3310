# Read by test.sh: the setup program and the MSI, as a technician and a fleet use them.
# shellcheck shell=bash disable=SC2154,SC2015

# Installed by the setup program in a folder with a space and Chinese in its name, and
# by the MSI in the usual one.
setup_folder='C:\收银 程序\piaotong-agent'
msi_folder='C:\Program Files\piaotong-agent'

test_installers() {
	build_installers
	check_signatures
	start_stand_ins
	test_serial
	machine installers
	drive=$WINE_DEBIAN$WINEPREFIX/drive_c
	data=$drive/ProgramData/piaotong-agent
	folder=$setup_folder
	test_setup
	folder=$msi_folder
	test_msi
	kill "$sandbox" "$paper"
	turn_off
}

# build_installers builds a version, the next one, and one whose service ends at once.
build_installers() {
	out=$WINE_WORK/out
	mkdir "$out"
	cat >"$WINE_WORK/broken.go" <<-'GO'
		package main

		import (
			"os"
			"slices"
		)

		func init() {
			if slices.Contains(os.Args, "run") {
				os.Exit(3)
			}
		}
	GO
	printf '{"Replace":{"%s/cmd/agent/broken.go":"%s/broken.go"}}' "$PWD" "$WINE_WORK" >"$WINE_WORK/overlay.json"
	export WINDOWS_ARCHES=amd64
	SIGN=throwaway VERSION=1.0.0 "$here/build.sh" "$out" >"$WINE_WORK/build.log" 2>&1 || die "build.sh: $(cat "$WINE_WORK/build.log")"
	VERSION=1.0.1 "$here/build.sh" "$out" >"$WINE_WORK/build.log" 2>&1 || die "build.sh: $(cat "$WINE_WORK/build.log")"
	grep -q '^not signed' "$WINE_WORK/build.log" || die "without a certificate build.sh does not say that nothing is signed"
	GOFLAGS=-overlay=$WINE_WORK/overlay.json VERSION=1.0.2 "$here/build.sh" "$out" >"$WINE_WORK/build.log" 2>&1 || die "build.sh: $(cat "$WINE_WORK/build.log")"
	mkdir "$WINE_WORK/again"
	VERSION=1.0.1 "$here/build.sh" "$WINE_WORK/again" >/dev/null 2>&1
	for f in "$WINE_WORK"/again/*; do
		cmp -s "$f" "$out/${f##*/}" || die "${f##*/} is another one when it is built again"
	done
	ok "zip, setup and MSI are built, and the same when they are built again"
}

verifies() { osslsigncode verify -CAfile "$out/throwaway.crt" -in "$1" 2>&1 | grep -qx Succeeded; }

check_signatures() {
	unzip -q -j "$out/piaotong-agent-1.0.0-windows-amd64.zip" '*/piaotong-agent.exe' -d "$WINE_WORK/zip"
	for f in "$WINE_WORK/zip/piaotong-agent.exe" "$out/piaotong-agent-1.0.0-setup.exe" "$out/piaotong-agent-1.0.0.msi"; do
		verifies "$f" || die "the signature of ${f##*/} does not verify"
		cp "$f" "$WINE_WORK/flipped"
		printf '\x5a' | dd of="$WINE_WORK/flipped" bs=1 seek=$(($(wc -c <"$f") / 2)) conv=notrunc status=none
		cmp -s "$f" "$WINE_WORK/flipped" && die "the byte was not flipped"
		! verifies "$WINE_WORK/flipped" || die "a flipped byte in ${f##*/} is not found"
	done
	ok "program, setup and MSI are signed, and a flipped byte is found"
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 20000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# eventually COMMAND... waits until a command succeeds, at most a minute.
eventually() {
	local end=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || die "after a minute still not: $*"
		sleep 0.2
	done
}

# start_stand_ins starts the platform's and the printer's on this side.
start_stand_ins() {
	local agent=$WINE_WORK/agent
	CGO_ENABLED=0 go build -o "$agent" ./cmd/agent
	api=$(free_port) platform=$(free_port) port=$(free_port)
	"$agent" sandbox --listen "127.0.0.1:$platform" --data "$WINE_WORK/sandbox" --lang en >"$WINE_WORK/sandbox.out" 2>&1 &
	sandbox=$!
	"$agent" paper --listen "tcp://127.0.0.1:$port" --dir "$WINE_WORK/paper" >"$WINE_WORK/paper.out" 2>&1 &
	paper=$!
	eventually grep -q 'curl' "$WINE_WORK/sandbox.out"
	eventually bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
}

# settings is the configuration of the test's till.
settings() {
	printf "[api]\nlisten = '127.0.0.1:%s'\n" "$api"
	printf "[printer]\nport = 'tcp://127.0.0.1:%s'\nprofile = 'generic-80'\n[receipt]\nqr_wait = '20s'\n" "$port"
	sed -n '/^\[piaotong\]/,/^$/p' "$WINE_WORK/sandbox.out" | sed -e "s#$WINE_WORK/sandbox/##"
}

agent() { "$wine" "$folder\\piaotong-agent.exe" "$@" --lang en; }
# /D wants no quotes, which wine puts around an argument with a space: it gets two.
run_setup() { "$wine" "$(windows "$out/piaotong-agent-$1-setup.exe")" /S "/D=${folder%% *}" "${folder#* }"; }
run_msi() { "$wine" msiexec /qn "$@"; }
# unix PATH is a path of drive C on this side.
unix() {
	local path=${1#C:}
	printf '%s' "$drive${path//\\//}"
}

state() { "$wine" sc query piaotong-agent | sed -nE 's/.*STATE *: [0-9]+ +([A-Z_]+).*/\1/p'; }
running() { [ "$(state)" = RUNNING ]; }
registered() { "$wine" sc query piaotong-agent | grep -q SERVICE_NAME; }
answers() { [ "$(curl -s -m 5 "127.0.0.1:$api/readyz")" = '{"status":"ready"}' ]; }
silent() { ! curl -s -m 2 -o "$WINE_WORK/null" "127.0.0.1:$api/healthz"; }
call() { curl -s -m 20 -H "Authorization: Bearer $(cat "$data/api-token")" -H 'Content-Type: application/json' "$@"; }
version_is() { call "127.0.0.1:$api/v1/status" | grep -q "\"version\":\"$1\""; }
in_path() { "$wine" reg query 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' /v Path | grep -q ';C:[^;]*\\piaotong-agent.\?$'; } # reg prints no Chinese
event_source() { "$wine" reg query 'HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\piaotong-agent' | grep -q EventMessageFile; }
menu() { find "$drive" -ipath '*start menu*piaotong-agent*.lnk' | wc -l; }

# sell ID sells something and waits for its receipt, which has a QR code on it.
sell() {
	local status
	status=$(call -o "$WINE_WORK/answer" -w '%{http_code}' "127.0.0.1:$api/v1/sales" --data-binary \
		"{\"sale_id\":\"$1\",\"total\":\"9.00\",\"items\":[{\"name\":\"$1\",\"quantity\":\"1\",\"unit_price\":\"9.00\",\"amount\":\"9.00\",\"tax_code\":\"3070401000000000000\",\"tax_rate\":\"0.06\"}]}")
	[ "$status" = 201 ] || die "the sale $1: $status $(cat "$WINE_WORK/answer")"
	eventually printed "$1"
	sold="$sold $1"
}
printed() { grep -lF "$1" "$WINE_WORK"/paper/*.txt | xargs grep -qF "QR: http://127.0.0.1:$platform/"; }
# kept holds that every sale is still there.
kept() {
	local id
	for id in $sold; do
		call "127.0.0.1:$api/v1/sales/$id" | grep -q "\"sale_id\":\"$id\"" || die "the sale $id is gone"
	done
}

# test_serial prints at a serial port with a number over 9.
test_serial() {
	local terminal serial
	"$WINE_WORK/agent" paper --pty --dir "$WINE_WORK/serial" --lang en >"$WINE_WORK/serial.out" 2>&1 &
	serial=$!
	eventually grep -q '/dev/pts/' "$WINE_WORK/serial.out"
	terminal=$(grep -o '/dev/pts/[0-9]*' "$WINE_WORK/serial.out" | head -n 1)
	machine serial
	"$wine" reg add 'HKLM\Software\Wine\Ports' /v COM12 /t REG_SZ /d "$terminal" /f >/dev/null
	turn_off_and_on
	cp "$WINE_WORK/zip/piaotong-agent.exe" "$WINE_DEBIAN$WINEPREFIX/drive_c/"
	printf "[printer]\nport = 'COM12'\nprofile = 'generic-80'\n" >"$WINE_DEBIAN$WINEPREFIX/drive_c/till.toml"
	"$wine" 'C:\piaotong-agent.exe' print-test --config 'C:\till.toml' --lang en >"$WINE_WORK/said" 2>&1 || die "print-test at COM12: $(cat "$WINE_WORK/said")"
	grep -q confirmed "$WINE_WORK/said" || die "the printer's answers are not read at COM12: $(cat "$WINE_WORK/said")"
	grep -q COM12 "$WINE_WORK/serial/0001.txt" || die "nothing was printed at COM12"
	ok "a test page prints at COM12, and the printer's answers are read"
	kill "$serial"
	turn_off
}

test_setup() {
	local status
	sold=
	run_setup 1.0.0 || die "setup /S: exit status $?"
	registered || die "setup registers no service"
	[ "$(state)" = STOPPED ] || die "without a configuration the service is $(state)"
	iconv -f UTF-16LE -t UTF-8 "$(unix "$folder")/setup.txt" | grep -q 'piaotong-agent init' || die "setup does not say what to do next"
	"$wine" reg query 'HKLM\SYSTEM\CurrentControlSet\Services\piaotong-agent' >"$WINE_WORK/service"
	grep -q 'ObjectName.*NT AUTHORITY.LocalService' "$WINE_WORK/service" || die "the service's account: $(cat "$WINE_WORK/service")"
	grep -q 'DelayedAutoStart.*0x1' "$WINE_WORK/service" && grep -q 'Start .*0x2' "$WINE_WORK/service" || die "the service's start: $(cat "$WINE_WORK/service")"
	event_source || die "setup registers no source in the event log"
	in_path || die "setup does not put the program into PATH"
	[ "$(menu)" = 3 ] || die "the start menu has $(menu) entries"
	ok "setup /S installs into a folder with a space and Chinese in its name; without a configuration nothing starts, and setup says what to do"

	status=0
	agent start >"$WINE_WORK/said" 2>&1 || status=$?
	[ "$status" = 1 ] && grep -q 'configuration' "$WINE_WORK/said" || die "start without a configuration: exit status $status: $(cat "$WINE_WORK/said")"
	ok "start without a configuration fails, and says why"

	settings >"$data/config.toml"
	cp "$WINE_WORK"/sandbox/{private,platform}.pem "$data/"
	agent init --yes --install >"$WINE_WORK/said" 2>&1 || die "init: $(cat "$WINE_WORK/said")"
	running || die "after init the service is $(state)"
	answers || die "after init the service does not answer"
	agent status >/dev/null || die "status does not say that the service runs"
	sell SETUP-1
	ok "init starts the service; a sale is taken and printed with its QR code"

	cp "$data/config.toml" "$WINE_WORK/config.toml"
	agent stop >/dev/null
	agent upgrade save --config 'C:\ProgramData\piaotong-agent\config.toml' --to "$folder\\upgrade" >/dev/null || die "upgrade save: exit status $?"
	run_setup 1.0.0 || die "setup after one that was broken off: exit status $?"
	version_is 1.0.0 || die "after a setup that was broken off and another one the service does not run"
	kept
	ok "a setup goes on where one was broken off"

	run_setup 1.0.1 || die "the upgrade: exit status $?: $(iconv -f UTF-16LE -t UTF-8 "$(unix "$folder")/setup.txt")"
	version_is 1.0.1 || die "after the upgrade another version serves"
	cmp -s "$data/config.toml" "$WINE_WORK/config.toml" || die "the upgrade changed the configuration"
	sell SETUP-2
	kept
	[ ! -e "$(unix "$folder")/upgrade" ] || die "the upgrade left its copies behind"
	ok "an upgrade over the running service keeps data and configuration"

	status=0
	run_setup 1.0.2 || status=$?
	[ "$status" = 3 ] || die "an upgrade that cannot work: exit status $status"
	version_is 1.0.1 || die "the older version does not serve again"
	iconv -f UTF-16LE -t UTF-8 "$(unix "$folder")/setup.txt" | grep -q '1\.0\.1' || die "setup does not say that it went back"
	sell SETUP-3
	kept
	ok "an upgrade whose service ends at once goes back by itself, and setup fails"

	agent stop >/dev/null || die "stop: exit status $?"
	silent || die "it answers after its stop"
	"$wine" net start piaotong-agent >/dev/null || die "net start: exit status $?"
	eventually answers
	ok "the service stops and starts by Windows' own means, too"

	status=0
	run_msi /i "$(windows "$out/piaotong-agent-1.0.1.msi")" || status=$?
	[ "$status" != 0 ] || die "the MSI installs over what the setup program installed"
	running || die "after an MSI that refused the service is $(state)"
	ok "the MSI refuses where the setup program installed"

	"$wine" "$folder\\uninstall.exe" /S || die "uninstall: exit status $?"
	eventually test ! -e "$(unix "$folder")" # it goes on by itself after its first process
	! registered || die "the service is still there"
	silent || die "it still answers"
	! event_source || die "the source in the event log is still there"
	! in_path || die "it is still in PATH"
	[ "$(menu)" = 0 ] || die "the start menu still has $(menu) entries"
	[ ! -e "$data/api-token" ] || die "the token is still there"
	[ -e "$data/agent.db" ] && [ -e "$data/config.toml" ] || die "data or configuration is gone"
	ok "uninstall removes service, event source, PATH, menu and token; data and configuration stay"
}

# upgrade_msi VERSION is the MSI of a version for an upgrade. Windows tells the product
# that is removed that it is upgraded; wine does not, and is made to, by its use of
# the column of features to remove.
upgrade_msi() {
	local copy=$WINE_WORK/piaotong-agent-upgrade-$1.msi
	cp "$out/piaotong-agent-$1.msi" "$copy"
	msibuild "$copy" -q "UPDATE Upgrade SET Remove = 'ALL UPGRADINGPRODUCTCODE=1' WHERE ActionProperty = 'OLDER'"
	windows "$copy"
}

test_msi() {
	local product=$out/piaotong-agent status
	run_msi /i "$(windows "$product-1.0.0.msi")" || die "msiexec /i: exit status $?"
	running || die "after msiexec the service is $(state)"
	version_is 1.0.0 || die "another version serves"
	[ "$(menu)" = 3 ] || die "the start menu has $(menu) entries"
	kept
	sell MSI-1
	ok "msiexec /qn installs beside data that is there, and starts; the sales are there"

	cp "$data/api-token" "$WINE_WORK/api-token"
	run_msi /i "$(upgrade_msi 1.0.1)" || die "the upgrade: exit status $?"
	version_is 1.0.1 || die "after the upgrade another version serves"
	cmp -s "$data/api-token" "$WINE_WORK/api-token" || die "the upgrade changed the token"
	sell MSI-2
	kept
	ok "an upgrade by MSI over the running service keeps data and configuration"

	status=0
	run_setup 1.0.1 || status=$?
	[ "$status" = 3 ] || die "setup over what the MSI installed: exit status $status, want 3"
	[ ! -e "$(unix "$folder")/uninstall.exe" ] || die "setup that refuses leaves files behind"
	running || die "after a setup that refused the service is $(state)"
	ok "the setup program refuses where the MSI installed"

	status=0
	run_msi /i "$(upgrade_msi 1.0.2)" || status=$?
	[ "$status" != 0 ] || die "an upgrade that cannot work succeeds"
	version_is 1.0.1 || die "the older version does not serve again"
	sell MSI-3
	kept
	ok "an upgrade by MSI whose service ends at once goes back by itself"

	# Windows puts the older product's entry back, too; wine only the files that are ours.
	run_msi /i "$(windows "$product-1.0.1.msi")" || die "the older version again: exit status $?"
	kept
	run_msi /x "$(windows "$product-1.0.1.msi")" PURGE=1 || die "msiexec /x: exit status $?"
	! registered || die "the service is still there"
	silent || die "it still answers"
	[ ! -e "$(unix "$folder")" ] || die "the program's folder is still there: $(ls "$(unix "$folder")")"
	[ "$(menu)" = 0 ] || die "the start menu still has $(menu) entries"
	[ ! -e "$data" ] || die "PURGE=1 left data behind"
	ok "msiexec /x PURGE=1 leaves nothing"
}
