# The targets that people and CI use. Everything a target needs and the machine
# lacks is installed by `make deps` (Debian packages; Go modules come by themselves).

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
TARGETS  := windows/amd64 windows/386 windows/arm64 linux/amd64 linux/arm64 linux/arm linux/loong64 linux/riscv64
FUZZTIME ?= 10s
SOAK     ?= 60s
IDLE     ?= 60s
PRINT_SOAK ?= 2000

.PHONY: build test deps lint unit binaries security soak soak-print events idle bench load fuzz fuzz-foreign packages packages-deps packages-check release test-systemd test-windows clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o agent ./cmd/agent

# test is everything that must hold before a change lands.
test: deps lint unit binaries

# zbarimg reads the QR codes on the receipts, as a tool that is not ours, and so
# does a parser from npm their bytes; the C compiler is for the race detector;
# strace shows that a sale is on disk before it is answered; Chromium opens the
# pages. mcs and fpc compile examples.
deps:
	@missing=""; command -v zbarimg >/dev/null || missing="$$missing zbar-tools"; command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v strace >/dev/null || missing="$$missing strace"; command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-noto-cjk"; \
	command -v mcs >/dev/null || missing="$$missing mono-mcs mono-runtime libmono-system-net-http4.0-cil libmono-system-web-extensions4.0-cil"; \
	command -v fpc >/dev/null || missing="$$missing fp-compiler fp-units-fcl fp-units-net"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
		$$SUDO apt-get update -q && $$SUDO apt-get install -q -y --no-install-recommends $$missing; \
	fi

lint:
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "not gofmt-ed:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) tool staticcheck ./...

unit:
	$(GO) test -race -timeout 20m ./...

# binaries builds the agent for every target and holds it under 25 MB.
binaries:
	@mkdir -p dist
	@for t in $(TARGETS); do \
		out=dist/agent-$${t%/*}-$${t#*/}; case $$t in windows/*) out=$$out.exe;; esac; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $$out ./cmd/agent || exit 1; \
		size=$$(wc -c < $$out); echo "$$out $$size bytes"; \
		[ $$size -lt 25000000 ] || { echo "$$out is over 25 MB"; exit 1; }; \
	done

# security tries what a page in the till's browser, another program or a guesser
# would do against the built agent, and prints the list. It is part of unit.
security:
	@$(GO) test -count 1 -timeout 5m -run '^TestSecurity$$' -v ./cmd/agent | awk ' \
		/^    --- (PASS|FAIL|SKIP): TestSecurity\// { ok = ($$2 == "PASS:"); bad += !ok; n++; name = $$0; sub(/^[^\/]*\//, "", name); sub(/ \([0-9.]+s\)$$/, "", name); gsub(/_/, " ", name); print (ok ? "✓ " : "✗ ") name; next } \
		/\.go:[0-9]+:|^panic:|^FAIL/ { print } \
		END { printf "%d of %d hold\n", n - bad, n; exit bad > 0 || n == 0 }'

# soak kills the built agent again and again for SOAK while everything around
# it fails at times, and then counts. SOAK_KILLS ends it after so many kills
# instead, SOAK_SEED repeats an earlier run.
soak:
	SOAK=$(SOAK) $(GO) test -race -count 1 -timeout 0 -run '^TestSoak$$' -v ./cmd/agent

# soak-print sells PRINT_SOAK receipts at eight tills whose printers fail every
# few seconds, and compares the paper with what the agent says: 2000 take about
# eleven minutes. PRINT_SOAK_SEED repeats an earlier run.
soak-print:
	PRINT_SOAK=$(PRINT_SOAK) $(GO) test -count 1 -parallel 8 -timeout 0 -run '^TestPrintSoak$$' -v ./cmd/agent

# events kills the agent 200 times while its events are followed, in a minute or two.
events:
	EVENT_KILLS=200 $(GO) test -count 1 -run '^TestEventsAcrossKills$$' -v -timeout 30m ./cmd/agent

# bench measures speed, on the disk of this folder, in some minutes; the figures
# mean something only while the machine does nothing else. BENCH_LARGE=1 adds a
# database of a million sales, which is made once and kept in .bench. At its end
# stands what the agent takes while nothing is sold, for IDLE.
bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...
	IDLE=$(IDLE) $(GO) test -count 1 -timeout 0 -run '^TestIdle$$' -v ./cmd/agent

# load measures how a till is served beside a crowd that only holds connections,
# in some seconds; it is part of bench.
load:
	$(GO) test -run '^$$' -bench '^BenchmarkCrowd$$' -timeout 10m ./cmd/agent

# fuzz runs every fuzz target for FUZZTIME. Making an input smaller gets a second:
# by default it takes the whole minute.
fuzz:
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$p || exit 1; \
		done; \
	done

# fuzz-foreign runs those that open what others send: the platform's envelopes
# and pushes, and the till's JSON, money and ids.
fuzz-foreign:
	@for f in piaotong/FuzzOpenResponse piaotong/FuzzOpenInvoicePush localapi/FuzzJSON trade/FuzzParseMoney trade/FuzzID; do \
		echo "$$f"; $(GO) test -run '^$$' -fuzz "^$${f#*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s ./$${f%/*} || exit 1; \
	done

# idle measures what the agent takes while nothing is sold, for IDLE.
idle:
	IDLE=$(IDLE) $(GO) test -count 1 -timeout 0 -run '^TestIdle$$' -v ./cmd/agent

# packages builds what is given out, for Windows and Linux, into dist/packages.
packages: packages-deps
	packaging/windows/build.sh dist/packages
	packaging/build.sh dist/packages

packages-deps:
	@missing=""; for p in makensis:nsis wixl:wixl msiinfo:msitools osslsigncode:osslsigncode faketime:faketime zip:zip openssl:openssl; do \
		command -v $${p%:*} >/dev/null || missing="$$missing $${p#*:}"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
		$$SUDO apt-get update -q && $$SUDO apt-get install -q -y --no-install-recommends $$missing; \
	fi

# packages-check builds the Linux packages twice and compares them byte by byte.
packages-check:
	packaging/reproducible.sh

# release signs what packages built; the key stays off the tills.
release: build
	./agent update make --key $(KEY) --version $(VERSION) --out dist/packages/release.json dist/packages/*.tar.gz dist/packages/*.zip

# test-windows runs the tests and the installers under Wine, in a Debian of its
# own, as root, in some eight minutes.
test-windows:
	packaging/windows/test.sh

# test-systemd installs the packages on a Debian that systemd boots in a
# container, as root, in some minutes.
test-systemd:
	packaging/test-systemd.sh

clean:
	rm -rf agent dist paper demo-data .bench
