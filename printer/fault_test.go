package printer_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// history keeps what OnStatus tells.
type history struct {
	mu  sync.Mutex
	all []string
}

func (h *history) note(s printer.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := string(s.State)
	if s.Held {
		text += " held"
	}
	h.all = append(h.all, text)
}

func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.all, ", ")
}

// Whatever byte the paper ends at, the job is held until there is paper, and then
// goes on by itself: one whole receipt, and the proof.
func TestR12PaperOutAtAnyByte(t *testing.T) {
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmStatus, printer.ConfirmProcessID} {
		for at := 20; at < 2600; at += 151 { // what comes before the job is shorter
			var told history
			inBubble(t, printer.Options{Confirm: confirm, OnStatus: told.note}, func(t *testing.T, s *stand) {
				s.SetTraits(paper.Traits{Speed: 150})
				expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
				s.next(t)
				s.SetFaults(paper.Faults{PaperOutAfter: at})
				job := s.long(t, 80)
				if at > len(job) {
					return
				}
				defer after(90*time.Second, func() { s.SetFaults(paper.Faults{}) })()
				start := time.Now()
				expect(t, s.Print(t.Context(), job), printer.Printed, "")
				if took := time.Since(start); took < 90*time.Second || took > 100*time.Second {
					t.Errorf("byte %d: took %v", at, took)
				}
				s.whole(t, 80)
				if h := told.String(); !strings.Contains(h, "paper_out held") || !strings.HasSuffix(h, "ready") {
					t.Errorf("byte %d: told %s", at, h)
				}
			})
		}
	}
}

// Other faults at any time of a job are held with their own cause.
func TestR12FaultAtAnyTime(t *testing.T) {
	faults := map[string]paper.Faults{
		"cover_open": {CoverOpen: true}, "error": {Error: true}, "offline": {Offline: true}, "cutter": {Jammed: true},
	}
	for name, f := range faults {
		for at := 100 * time.Millisecond; at < 2500*time.Millisecond; at += 400 * time.Millisecond {
			var told history
			inBubble(t, printer.Options{OnStatus: told.note}, func(t *testing.T, s *stand) {
				s.SetTraits(paper.Traits{Speed: 100, NoProcessID: true})
				defer after(at, func() { s.SetFaults(f) })()
				defer after(45*time.Second, func() { s.SetFaults(paper.Faults{}) })()
				expect(t, s.Print(t.Context(), s.long(t, 80)), printer.Printed, "")
				s.whole(t, 80)
				if h := told.String(); !strings.Contains(h, name+" held") || !strings.HasSuffix(h, "ready") {
					t.Errorf("after %v: told %s, want %s", at, h, name)
				}
			})
		}
	}
}

// A cutter that jams holds the job whose cut it was.
func TestR12CutterJam(t *testing.T) {
	inBubble(t, printer.Options{Hold: 20 * time.Second}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{CutterJam: true})
		expect(t, s.Print(t.Context(), s.job(t, "jammed", 3)), printer.Uncertain, printer.CauseCutter)
		expect(t, s.Print(t.Context(), s.job(t, "next", 3)), printer.NotSent, printer.CauseCutter)
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "next", 3)), printer.Printed, "")
	})
	// One that goes on all the same: the paper is printed, and hangs there.
	d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus, Profile: cutting}, func(_ net.Conn, sent []byte) []byte {
		switch string(sent) {
		case "\x10\x04\x03":
			return []byte{0x1A}
		case string(gsR):
			return []byte{0}
		}
		return healthy(func(net.Conn, []byte) []byte { return nil })(nil, sent)
	})
	defer d.Close()
	if r := d.Print(t.Context(), []byte("job\n")); r.Outcome != printer.Printed || r.Cause != printer.CauseCutter {
		t.Errorf("%s %q", r.Outcome, r.Cause)
	}
}

var cutting = printer.Profile{Name: "cutting", Dots: 576, Columns: 48, LineDots: 30, Cutter: true}

// Whatever byte the power goes at, nothing is called printed that is not, and the
// next job is whole.
func TestR12PowerCutAtAnyByte(t *testing.T) {
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmStatus, printer.ConfirmProcessID} {
		for at := 20; at < 2600; at += 463 {
			for _, back := range []time.Duration{300 * time.Millisecond, 8 * time.Second, time.Hour} {
				inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
					s.SetTraits(paper.Traits{Speed: 150})
					expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
					s.next(t)
					s.SetFaults(paper.Faults{PowerCutAfter: at})
					cut := make(chan struct{})
					go func() {
						defer close(cut)
						for !s.Faults().PowerOff && s.Faults().PowerCutAfter > 0 {
							time.Sleep(10 * time.Millisecond)
						}
						time.Sleep(min(back, 200*time.Second))
						s.SetFaults(paper.Faults{})
					}()
					r := s.Print(t.Context(), s.long(t, 80))
					if r.Outcome != printer.Uncertain {
						t.Errorf("%v, byte %d, back after %v: %s, %v", confirm, at, back, r.Outcome, r.Err)
					}
					<-cut
					for len(s.receipts) > 0 {
						if got := <-s.receipts; got.Cut {
							t.Errorf("byte %d: a piece was cut: %q", at, got.Text)
						}
					}
					for r = s.Print(t.Context(), s.long(t, 80)); r.Outcome == printer.NotSent; r = s.Print(t.Context(), s.long(t, 80)) {
					}
					expect(t, r, printer.Printed, "")
					for len(s.receipts) > 1 {
						<-s.receipts // the rest of the piece
					}
					s.whole(t, 80)
				})
			}
		}
	}
}

// Lost bytes, wherever, never make a false proof out of one that did not come.
func TestR05LostBytes(t *testing.T) {
	for at := 5; at < 900; at += 61 {
		inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
			expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
			s.next(t)
			s.SetFaults(paper.Faults{LoseAfter: at, LoseBytes: 30})
			s.Print(t.Context(), s.job(t, "torn", 40))
			s.SetFaults(paper.Faults{})
			var r printer.Result
			for range 5 {
				if r = s.Print(t.Context(), s.job(t, "whole", 3)); r.Outcome == printer.Printed {
					break
				}
			}
			expect(t, r, printer.Printed, "")
			for len(s.receipts) > 1 {
				<-s.receipts
			}
			if title, cut := s.next(t); title != "whole" || !cut {
				t.Errorf("byte %d: then %q, cut %v", at, title, cut)
			}
		})
	}
}

// An echo that comes after its job was given up counts for no other job.
func TestR06LateEcho(t *testing.T) {
	for _, traits := range []paper.Traits{{}, {NoProcessID: true}} {
		for _, late := range []int{61_000, 75_000, 90_000} {
			inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
				s.SetTraits(traits)
				expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
				s.next(t)
				defer after(time.Second, func() { s.SetFaults(paper.Faults{NoEcho: true}) })()
				time.Sleep(500 * time.Millisecond)
				s.SetTraits(paper.Traits{NoProcessID: traits.NoProcessID, Speed: 20})
				defer after(time.Second, func() { s.SetFaults(paper.Faults{EchoDelayMS: late}) })()
				expect(t, s.Print(t.Context(), s.job(t, "first", 40)), printer.Uncertain, printer.CauseOffline)
				s.SetFaults(paper.Faults{})
				s.SetTraits(traits)
				for _, title := range []string{"second", "third"} {
					var r printer.Result
					for range 10 {
						if r = s.Print(t.Context(), s.job(t, title, 5)); r.Outcome != printer.NotSent {
							break
						}
					}
					expect(t, r, printer.Printed, "")
				}
				var titles []string
				for len(s.receipts) > 0 {
					title, _ := s.next(t)
					titles = append(titles, title)
				}
				if want := []string{"first", "second", "third"}; !slices.Equal(titles, want) {
					t.Errorf("printed %q", titles)
				}
			})
		}
	}
}

func TestR06ForeignEchoes(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{ForeignEcho: true})
		for range 3 {
			expect(t, s.Print(t.Context(), s.long(t, 100)), printer.Printed, "")
			s.whole(t, 100)
		}
	})
}

// memory is a Store.
type memory map[string]printer.Proof

func (m memory) LoadProof(port string) (printer.Proof, bool)  { p, ok := m[port]; return p, ok }
func (m memory) SaveProof(port string, p printer.Proof) error { m[port] = p; return nil }

// The best proof that the printer gives is found, used, told and kept.
func TestR05Tiers(t *testing.T) {
	tests := []struct {
		traits  paper.Traits
		tier    printer.Tier
		outcome printer.Outcome
	}{
		{paper.Traits{}, printer.TierProcessID, printer.Printed},
		{paper.Traits{NoProcessID: true}, printer.TierStatus, printer.Printed},
		{paper.Traits{NoGSr: true}, printer.TierProcessID, printer.Printed},
		{paper.Traits{NoGSr: true, NoProcessID: true}, printer.TierRealtime, printer.Sent},
		{paper.Traits{NoProcessID: true, NoIdentity: true}, printer.TierStatus, printer.Printed},
		{paper.Traits{ASB: true, NoProcessID: true}, printer.TierStatus, printer.Printed},
		{paper.Traits{ASB: true}, printer.TierProcessID, printer.Printed},
		{paper.Traits{NoRealtime: true, NoGSr: true, NoProcessID: true}, printer.TierNone, printer.Sent},
		{paper.Traits{Maker: "EPSOM", Model: "TM-T88III", NoProcessID: true}, printer.TierStatus, printer.Printed},
	}
	for _, tt := range tests {
		store := memory{}
		for run := range 2 {
			inBubble(t, printer.Options{Port: "paper", Store: store}, func(t *testing.T, s *stand) {
				s.SetTraits(tt.traits)
				for range 2 {
					expect(t, s.Print(t.Context(), s.job(t, "job", 3)), tt.outcome, "")
					if tt.outcome == printer.Sent {
						time.Sleep(5 * time.Second) // until the paper is out
					}
					if title, _ := s.next(t); title != "job" {
						t.Errorf("%+v: the probe left %q on paper", tt.traits, title)
					}
				}
				p := s.Proof()
				if p.Tier() != tt.tier {
					t.Errorf("%+v: %s, want %s", tt.traits, p.Tier(), tt.tier)
				}
				if run == 1 && tt.tier >= printer.TierStatus && p.GSr == printer.Yes && p.From != printer.FromStore {
					t.Errorf("%+v: probed again: %+v", tt.traits, p)
				}
				if tt.traits.Model != "" && p.Identity.String() != "EPSOM TM-T88III 1.0" {
					t.Errorf("identity %+v", p.Identity)
				}
			})
		}
		if kept := store["paper"]; kept.Tier() != tt.tier && tt.tier != printer.TierNone {
			t.Errorf("%+v: kept %+v", tt.traits, kept)
		}
	}
}

// Another printer in the first one's place is probed anew.
func TestR23AnotherPrinter(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Printed, "")
		s.SetFaults(paper.Faults{PowerOff: true})
		expect(t, s.Print(t.Context(), s.job(t, "off", 1)), printer.NotSent, printer.CauseOffline)
		s.SetTraits(paper.Traits{Model: "OTHER", NoProcessID: true})
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "second", 1)), printer.Printed, "")
		if p := s.Proof(); p.Tier() != printer.TierStatus || p.Identity.Model != "OTHER" {
			t.Errorf("%+v", p)
		}
	})
}

// One that does not answer GS r, where its predecessor did, is waited for, in case
// it is only busy; then it is taken for what it is.
func TestR23ReplacedByAPoorerPrinter(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Printed, "")
		s.SetTraits(paper.Traits{NoGSr: true, NoProcessID: true})
		for range 3 {
			expect(t, s.Print(t.Context(), s.job(t, "held", 1)), printer.NotSent, printer.CauseOffline)
		}
		expect(t, s.Print(t.Context(), s.job(t, "second", 1)), printer.Sent, "")
		if tier := s.Proof().Tier(); tier != printer.TierRealtime {
			t.Errorf("%s", tier)
		}
	})
}

// Probe finds out everything and prints nothing.
func TestR05Probe(t *testing.T) {
	onPorts(t, printer.Options{}, func(t *testing.T, s *stand) {
		listen := s.port
		s.SetTraits(paper.Traits{NoProcessID: true, Maker: "Rongta"})
		report, err := printer.Probe(t.Context(), printer.Options{Port: listen, Profile: s.profile})
		if err != nil || report.Status.State != printer.StateReady || report.Proof.Tier() != printer.TierStatus || report.Proof.Identity.Maker != "Rongta" || report.Proof.From != printer.FromProbe {
			t.Errorf("%+v, %v", report, err)
		}
		s.SetFaults(paper.Faults{CoverOpen: true})
		if report, err = printer.Probe(t.Context(), printer.Options{Port: listen, Profile: s.profile}); err != nil || report.Status.State != printer.StateCoverOpen || report.Proof.Tier() != printer.TierRealtime {
			t.Errorf("%+v, %v", report, err)
		}
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "after", 1)), printer.Printed, "")
		if title, _ := s.next(t); title != "after" {
			t.Errorf("the probe left %q on paper", title)
		}
	})
	if _, err := printer.Probe(t.Context(), printer.Options{Port: "/dev/nothing-here"}); err == nil || !strings.Contains(fmt.Sprint(err), "nothing-here") {
		t.Errorf("a missing port: %v", err)
	}
}
