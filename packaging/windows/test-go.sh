# Read by test.sh: the packages' own tests as Windows programs.

# Not run: tests that ask the environment for a long time or another machine skip
# themselves; those below need what wine has not.
test_go() {
	local program=$WINE_WORK/agent-under-test.exe
	machine go
	export GOTMPDIR=$WINE_WORK
	CGO_ENABLED=0 GOOS=windows go build -o "$program" ./cmd/agent
	# shellcheck disable=SC2046 # words
	CGO_ENABLED=0 GOOS=windows WINE_ENV="AGENT_UNDER_TEST=Z:$(sed 's#/#\\#g' <<<"$program")" \
		go test -timeout 20m -exec "$wine" ./trade ./queue ./piaotong/... ./printer/... ./receipt ./localapi ./worker ./cmd/agent/config ||
		die "tests of the packages"
	ok "the packages' tests pass as Windows programs"
	turn_off
}
