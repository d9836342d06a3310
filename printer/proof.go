package printer

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Tier is how a printer tells that it has printed, the best last. The best
// proves that the question behind a job arrived, and that what had arrived before
// it is done. ESC/POS has no check sum: bytes that were lost on a serial line, or
// in a power blip between two questions, are not missed by a printer.
type Tier int

// The tiers.
const (
	TierNone      Tier = iota // it cannot answer
	TierRealtime              // DLE EOT: it tells of faults, which proves nothing
	TierStatus                // GS r: answered in order, when all before it is done
	TierProcessID             // GS ( H: a token of each attempt comes back once all before it is printed
)

func (t Tier) String() string {
	return [...]string{"none", "realtime", "gs_r", "process_id"}[t]
}

// An Answer tells whether a printer answers a question; "" is not known.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// The origins of a Proof.
const (
	FromProbe = "probed" // this program asked the printer
	FromStore = "stored" // it did so in an earlier run
)

// A Proof is what is known of how one printer confirms its jobs, and from where.
type Proof struct {
	Identity  Identity  `json:"identity"`
	Realtime  Answer    `json:"realtime"`   // DLE EOT
	GSr       Answer    `json:"gs_r"`       // GS r
	ProcessID Answer    `json:"process_id"` // GS ( H fn 48
	At        time.Time `json:"at"`         // when it was asked
	From      string    `json:"from"`       // FromProbe, FromStore, "" where nothing is known
}

// Tier is the best proof there is.
func (p Proof) Tier() Tier {
	switch {
	case p.ProcessID == Yes:
		return TierProcessID
	case p.GSr == Yes:
		return TierStatus
	case p.Realtime == Yes:
		return TierRealtime
	}
	return TierNone
}

// An Identity is what a printer says that it is. It is not to be trusted: clones
// give the names of other makers' models. Only a change of it means something.
type Identity struct {
	Maker    string `json:"maker"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
}

func (i Identity) String() string {
	return strings.Join(strings.Fields(i.Maker+" "+i.Model+" "+i.Firmware), " ")
}

// A Store keeps the Proof of the printer at each port from run to run.
type Store interface {
	LoadProof(port string) (p Proof, ok bool)
	SaveProof(port string, p Proof) error
}

// Proof is what is known of the printer now.
func (d *Device) Proof() Proof {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shown
}

// learned notes what a probe has shown. turn is held.
func (d *Device) learned(p Proof) {
	d.proof = p
	d.show()
	d.log.Info("printer probed", "tier", p.Tier().String(), "identity", p.Identity.String())
	if d.store != nil {
		if err := d.store.SaveProof(d.port, p); err != nil {
			d.log.Warn("what the printer can do is not kept: it will be probed again", "err", err)
		}
	}
}

func (d *Device) show() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown = d.proof
}

// A Report is what Probe found.
type Report struct {
	Status Status
	Proof  Proof
}

// Probe opens a port and finds out whether a printer is there, how it is, who it
// says that it is and how it confirms jobs. Nothing is printed, and nothing is
// sent that clears, recovers or switches off a printer: DLE EOT, and if that is
// answered by a printer without fault, GS a 0, GS r, GS I, GS ( H and ESC @. The
// port must not be in use. The error tells why the port cannot be opened or asked.
func Probe(ctx context.Context, o Options) (Report, error) {
	o.Confirm, o.Store = ConfirmAuto, nil
	d, err := NewDevice(o)
	if err != nil {
		return Report{}, err
	}
	defer d.Close()
	if err := d.take(ctx); err != nil {
		return Report{}, err
	}
	defer d.give()
	if d.spool != nil {
		state, err := d.spool.state()
		return Report{Status: Status{State: state, At: time.Now()}}, err
	}
	s, _, failed := d.ready(ctx)
	if s != nil {
		s.end()
	}
	report := Report{Status: d.lastStatus(), Proof: d.Proof()}
	if d.answered && report.Proof.From == "" {
		report.Proof = Proof{Realtime: Yes, At: report.Status.At, From: FromProbe}
	}
	if failed != nil && report.Status.State == StateOffline {
		return report, fmt.Errorf("cannot probe the printer: %w", failed.Err)
	}
	return report, nil
}
