package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// kills is how often the agent is killed while it works.
const kills = 20

// TestKill kills the agent at random points while a POS posts sales, starts it
// again each time, and then compares what was answered 201, what the platform
// holds and what lies on paper: no sale is lost, none has a second QR number,
// and none has a second receipt that is not marked.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	platform, err := sandbox.New(sandbox.Options{PublicURL: "http://platform.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer platform.Close()
	// Some answers are lost or late, so that kills also hit doubt.
	for _, f := range []sandbox.Fault{
		{Interface: "2.16", Kind: sandbox.FaultDelay, Delay: 30 * time.Millisecond, Times: 10},
		{Interface: "2.16", Kind: sandbox.FaultLostAnswer, Times: 5},
		{Interface: "2.16", Kind: sandbox.FaultDelay, Delay: 30 * time.Millisecond},
	} {
		if err := platform.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(platform)
	defer server.Close()
	var mu sync.Mutex // of what the tills and the printer add to
	var onPaper []paper.Receipt
	tape, err := paper.New(paper.Options{Idle: 300 * time.Millisecond, OnReceipt: func(r paper.Receipt) {
		mu.Lock()
		defer mu.Unlock()
		onPaper = append(onPaper, r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer tape.Close()
	tape.SetFaults(paper.Faults{DelayMS: 1}) // slow enough to be killed while printing
	printerAt, err := tape.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys")
	account := platform.Account()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(keys, sandbox.PrivateKeyFile), account.PrivateKeyPEM)
	write(filepath.Join(keys, sandbox.PlatformKeyFile), account.PlatformPublicKeyPEM)
	data, config := filepath.Join(dir, "data"), filepath.Join(dir, "config.toml")
	p := &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), data}
	write(config, fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = \"tcp://%s\"\n[receipt]\nqr_wait = \"100ms\"\n%s",
		data, strings.TrimPrefix(p.url, "http://"), printerAt, account.ConfigTOML(server.URL, keys)))

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var answered, posted []string
	for range kills {
		agent := launch(t, "run", "--config", config)
		p.ready()
		time.AfterFunc(time.Duration(rnd.IntN(400))*time.Millisecond, agent.kill)
		var tills sync.WaitGroup
		for range 2 {
			tills.Go(func() {
				for {
					mu.Lock()
					id := fmt.Sprintf("K%05d", len(posted))
					posted = append(posted, id)
					mu.Unlock()
					status, _, err := p.call(http.MethodPost, "/v1/sales", coffee(id))
					if err != nil {
						return // killed
					}
					if status != http.StatusCreated {
						t.Errorf("%s: %d", id, status)
						return
					}
					mu.Lock()
					answered = append(answered, id)
					pause := time.Duration(rnd.IntN(60)) * time.Millisecond
					mu.Unlock()
					<-time.After(pause) // the next customer
				}
			})
		}
		tills.Wait()
	}

	platform.ClearFaults()
	tape.SetFaults(paper.Faults{})
	last := launch(t, "run", "--config", config)
	t.Cleanup(func() {
		if t.Failed() || os.Getenv("AGENT_LOG") != "" {
			t.Logf("the last agent's log:\n%s", last.errors.String())
		}
	})
	p.ready()
	prints := map[string]string{}
	for _, id := range posted {
		// A POS that got no answer posts again; one that did asks.
		if !slices.Contains(answered, id) {
			if status, _, err := p.call(http.MethodPost, "/v1/sales", coffee(id)); err != nil || (status != http.StatusOK && status != http.StatusCreated) {
				t.Fatalf("%s again: %d %v", id, status, err)
			}
		}
		p.must(http.StatusAccepted, http.MethodPost, "/v1/sales/"+id+"/retry", "{}")
		s := p.until("/v1/sales/"+id, "at rest", func(s map[string]any) bool {
			state := field(s, "print", "state")
			return s["state"] == "qr_ready" && (state == "printed" || state == "uncertain")
		})
		prints[id] = field(s, "print", "state").(string)
	}
	if err := tape.Close(); err != nil { // what is still on the roll is torn off
		t.Fatal(err)
	}

	ledger, err := platform.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int{}
	for _, q := range ledger.QRs {
		numbers[q.TradeNo]++
	}
	receipts := map[string]int{}
	order := regexp.MustCompile(`(?m)^单号 (K\d+)`)
	for _, r := range onPaper {
		if m := order.FindStringSubmatch(r.Text); m != nil && !strings.Contains(r.Text, "***") {
			receipts[m[1]]++
		}
	}
	uncertain := 0
	for _, id := range posted {
		if numbers[id] != 1 {
			t.Errorf("%s has %d QR codes on the platform, want 1", id, numbers[id])
		}
		if prints[id] == "uncertain" {
			uncertain++
		}
		if receipts[id] > 1 || receipts[id] == 0 && prints[id] == "printed" {
			t.Errorf("%s is %s and has %d unmarked receipts", id, prints[id], receipts[id])
		}
	}
	if len(answered) == 0 || len(ledger.QRs) != len(posted) {
		t.Errorf("%d sales were answered, %d posted, the platform has %d", len(answered), len(posted), len(ledger.QRs))
	}
	t.Logf("%d sales, %d answered, %d prints uncertain after %d kills", len(posted), len(answered), uncertain, kills)
}
