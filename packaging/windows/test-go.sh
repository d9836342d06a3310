# Read by test.sh: the packages' own tests as Windows programs.
# shellcheck shell=bash disable=SC2154

# Tests that are not run, and why.
skipped=(
	'^Test(Update|Upgrade)'                             # they build programs, and there is no Go inside; the installers upgrade
	'^Test(DamagedDatabase|VerifyNamesTheBrokenEntry)$' # they stop an agent by a signal, which Windows has not
	'^TestDropFolderFollowsNoLinks$'                    # wine shows links as what they lead to
	'^Test(TLSOnEveryAddress|Remote)$'                  # wine does not tell the machine's addresses
	'^TestSecurity$/^bind'                              # neither
)

test_go() {
	local program=$WINE_WORK/agent.exe
	machine go
	CGO_ENABLED=0 GOOS=windows go build -o "$program" ./cmd/agent
	CGO_ENABLED=0 GOOS=windows GOTMPDIR=$WINE_WORK WINE_ENV="AGENT_UNDER_TEST=$(windows "$program")" \
		go test -timeout 20m -exec "$wine" -skip "$(IFS='|' && echo "${skipped[*]}")" \
		./trade ./queue ./piaotong/... ./printer/... ./receipt ./localapi ./worker ./cmd/agent/... || die "the packages' tests"
	ok "the packages' tests pass as Windows programs, but for: ${skipped[*]}"
	turn_off
}

# windows PATH is a path of this side as Windows names it.
windows() { printf 'Z:%s' "${1//\//\\}"; }
