# Read by test.sh: the packages' own tests as Windows programs.
# shellcheck shell=bash disable=SC2154,SC2015

# Tests of the command that are not run, and why.
skipped=(
	'^Test(Update|Upgrade)'                                # they build programs, and there is no Go inside; the installers upgrade
	'^Test(DamagedDatabase|VerifyNamesTheBrokenEntry)$'    # they stop an agent by a signal, which Windows has not
	'^TestDropFolderFollowsNoLinks$'                       # wine shows links as what they lead to
	'^TestRemote$'                                         # wine does not tell the machine's addresses
	'^TestSecurity$/^bind'                                 # neither
)

test_go() {
	local program=$WINE_WORK/agent.exe
	machine go
	export GOTMPDIR=$WINE_WORK CGO_ENABLED=0
	GOOS=windows go build -o "$program" ./cmd/agent
	GOOS=windows go test -timeout 20m -exec "$wine" ./trade ./queue ./piaotong/... ./printer/... ./receipt ./localapi ./worker ./cmd/agent/config ||
		die "the packages' tests"
	ok "the packages' tests pass as Windows programs"
	GOOS=windows WINE_ENV="AGENT_UNDER_TEST=$(windows "$program")" go test -timeout 20m -exec "$wine" \
		-skip "$(IFS='|' && echo "${skipped[*]}")" ./cmd/agent || die "the command's tests"
	ok "the command's tests pass as Windows programs, but for: ${skipped[*]}"
	turn_off
}

# windows PATH is a path of this side as Windows names it.
windows() { printf 'Z:%s' "${1//\//\\}"; }
