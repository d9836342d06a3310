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

# go_test PACKAGE…: their tests.
go_test() {
	CGO_ENABLED=0 GOOS=windows GOTMPDIR=$WINE_WORK WINE_ENV="AGENT_UNDER_TEST=$(windows "$WINE_WORK/agent.exe")" \
		go test -timeout 20m -exec "$wine" -skip "$(IFS='|' && echo "${skipped[*]}")" "$@"
}

# A package that fails gets a second try: wine has its own pace, and now and then
# locks a file or ends a connection later than Windows. What fails twice fails.
test_go() {
	local failed
	machine go
	CGO_ENABLED=0 GOOS=windows go build -o "$WINE_WORK/agent.exe" ./cmd/agent
	if ! go_test ./trade ./queue ./piaotong/... ./printer/... ./receipt ./localapi ./worker ./cmd/agent/... | tee "$WINE_WORK/go.log"; then
		mapfile -t failed < <(sed -n 's/^FAIL[[:space:]]\+\(tillagent[^[:space:]]*\).*/\1/p' "$WINE_WORK/go.log")
		[ ${#failed[@]} -gt 0 ] || die "the packages' tests"
		say "once more: ${failed[*]}"
		go_test "${failed[@]}" || die "the packages' tests"
	fi
	ok "the packages' tests pass as Windows programs, but for: ${skipped[*]}"
	turn_off
}

# windows PATH is a path of this side as Windows names it.
windows() { printf 'Z:%s' "${1//\//\\}"; }
