package main

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// printers are what TestPrintSoak prints on: each is one till's, half of them at
// a network port and half at a serial one. weight is its part of the sales:
// without answers the agent waits as long as the printer may need.
var printers = []struct {
	name   string
	serial bool
	config string // further lines of [printer]
	traits paper.Traits
	proves bool // it can say that something is printed
	weight int
}{
	{name: "tcp-token", proves: true, weight: 4, traits: paper.Traits{Speed: 300}},
	{name: "tcp-gsr", proves: true, weight: 4, traits: paper.Traits{Speed: 300, NoProcessID: true, Model: "A"}},
	{name: "tcp-realtime", weight: 2, config: "profile = \"xprinter-80\"\n", traits: paper.Traits{Speed: 300, NoProcessID: true, NoGSr: true}},
	{name: "tcp-silent", weight: 4, traits: paper.Traits{Speed: 300, NoProcessID: true, NoGSr: true, NoRealtime: true, NoIdentity: true}},
	{name: "pty-token", serial: true, proves: true, weight: 4, config: "flow = \"xonxoff\"\nprofile = \"xprinter-80\"\n",
		traits: paper.Traits{Buffer: 4096, Loses: true, Flow: "xonxoff", Baud: 115200, Speed: 200}},
	{name: "pty-gsr", serial: true, proves: true, weight: 4, config: "confirm = \"status\"\nprofile = \"xprinter-80\"\n",
		traits: paper.Traits{Buffer: 4096, Loses: true, Baud: 115200, Speed: 200, NoProcessID: true}},
	{name: "pty-realtime", serial: true, weight: 2, config: "flow = \"xonxoff\"\nprofile = \"xprinter-80\"\n",
		traits: paper.Traits{Buffer: 4096, Loses: true, Flow: "xonxoff", Baud: 115200, Speed: 200, NoProcessID: true, NoGSr: true}},
	{name: "pty-silent", serial: true, weight: 3, config: "confirm = \"none\"\nprofile = \"xprinter-80\"\n",
		traits: paper.Traits{Buffer: 4096, Loses: true, Baud: 115200, Speed: 200}},
}

// TestPrintSoak sells PRINT_SOAK receipts and slips at eight tills, whose
// printers fail every few seconds at a random byte of a job, while a clerk
// reprints what the agent is uncertain of. In the end it compares the paper with
// what was sold and what the agent says. `make soak-print` runs it;
// PRINT_SOAK_SEED repeats the choice of events of an earlier run, as far as
// timing allows.
//
// A printer's answer proves that the answer's question arrived, not that every
// byte before it did: of paper whose bytes were lost on a serial line, or with a
// power blip that the agent did not notice, a printer says "printed" all the
// same. ESC/POS has no check sum. Only that paper may be damaged and called
// printed, and the run tells how many there were.
func TestPrintSoak(t *testing.T) {
	text := os.Getenv("PRINT_SOAK")
	if text == "" {
		t.Skip("PRINT_SOAK does not say how many receipts")
	}
	sales, err := strconv.Atoi(text)
	if err != nil || sales < 1 {
		t.Fatalf("PRINT_SOAK=%s is no number of receipts", text)
	}
	seed := rand.Uint64()
	if text := os.Getenv("PRINT_SOAK_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PRINT_SOAK_SEED: %v", err)
		}
	}
	t.Logf("PRINT_SOAK_SEED=%d", seed)
	platform, err := sandbox.New(sandbox.Options{PublicURL: "http://platform.test"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(platform)
	t.Cleanup(func() {
		platform.Close()
		server.Close()
	})
	weights := 0
	for _, p := range printers {
		weights += p.weight
	}
	for i, p := range printers {
		share := (sales*p.weight + weights - 1) / weights
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			k := newPrintTill(t, fmt.Sprintf("P%d", i+1), p.serial, p.traits)
			k.proves = p.proves
			k.configure(platform.Account(), server.URL, p.config)
			k.run(share, seed)
		})
	}
}

// run sells, prints and fails, and then counts.
func (k *printTill) run(sales int, seed uint64) {
	k.startAgent()
	n, _ := strconv.ParseUint(k.name[1:], 10, 64)
	selling, failing := rand.New(rand.NewPCG(seed, 2*n)), rand.New(rand.NewPCG(seed, 2*n+1))
	k.people.Go(func() { k.trouble(failing) })
	defer k.goHome()
	for range sales {
		k.sell(selling)
	}
	k.goHome()
	k.rest(10 * time.Minute)
	k.count()
}
