package localapi

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"tillagent/queue"
	"tillagent/trade"
)

// Metrics are the figures that are counted while the agent works; those that
// can be looked up are looked up when they are asked for. They begin at 0 with
// each start. The zero value is of no use: see NewMetrics.
type Metrics struct {
	calls   *prometheus.CounterVec
	took    *prometheus.HistogramVec
	prints  *prometheus.CounterVec
	commits prometheus.Histogram
}

// NewMetrics makes figures that are all at 0, those about print jobs for each of
// the printers.
func NewMetrics(printers ...string) *Metrics {
	m := &Metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillagent_platform_calls_total",
			Help: "Calls of the platform by interface and outcome."}, []string{"interface", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tillagent_platform_call_seconds",
			Help: "How long calls of the platform took, by interface.", Buckets: prometheus.ExponentialBuckets(0.025, 2, 12)}, []string{"interface"}),
		prints: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tillagent_prints_total",
			Help: "Print jobs that were handed to a printer, by outcome; a held one counts at each attempt."}, []string{"printer", "outcome"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tillagent_commit_seconds",
			Help: "How long commits took until they were on disk.", Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14)}),
	}
	for _, name := range printers {
		for _, e := range printEvents { // an outcome that did not occur yet shows as 0
			m.prints.WithLabelValues(name, string(e))
		}
	}
	return m
}

// printEvents are what can become of a job that was handed to a printer.
var printEvents = []trade.PrintEvent{trade.PaperPrinted, trade.PaperSent, trade.PaperUncertain, trade.PaperHeld, trade.PaperFailed, trade.PaperCancelled}

// Called counts a call of the platform.
func (m *Metrics) Called(c trade.Call) {
	m.calls.WithLabelValues(c.Interface, string(c.Outcome)).Inc()
	m.took.WithLabelValues(c.Interface).Observe(c.Took.Seconds())
}

// Printed counts a print job that was handed to a printer.
func (m *Metrics) Printed(printer string, e trade.PrintEvent) {
	m.prints.WithLabelValues(printer, string(e)).Inc()
}

// Committed counts a commit of the database.
func (m *Metrics) Committed(took time.Duration) { m.commits.Observe(took.Seconds()) }

// gauge describes a figure that is looked up.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tillagent_"+name, help, labels, nil)
}

// The figures that are looked up.
var (
	infoDesc      = gauge("info", "Always 1; the label is the program's version.", "version")
	salesDesc     = gauge("sales", "Sales in the database by state.", "state")
	oldestDesc    = gauge("oldest_waiting_seconds", "Age of the oldest sale that waits for the platform; 0 where none does.")
	laneDesc      = gauge("lane_operations", "Platform operations in each lane: due now, or later.", "lane", "when")
	paperDesc     = gauge("prints_waiting", "Print jobs that are not on paper yet, by printer and state.", "printer", "state")
	databaseDesc  = gauge("database_bytes", "Size of the database.")
	alertsDesc    = gauge("alerts", "Active alerts by kind.", "kind")
	setUpDesc     = gauge("platform_configured", "1 where the platform is set up.")
	onlineDesc    = gauge("platform_online", "1 where the platform answers.")
	contactDesc   = gauge("platform_last_contact_timestamp_seconds", "When the platform last answered, in seconds since 1970; absent before it did.")
	skewDesc      = gauge("clock_skew_seconds", "This machine's clock minus the platform's.")
	printerDesc   = gauge("printer_state", "1 for the state that a printer is in; absent without a printer.", "printer", "state")
	lookedUp      = []*prometheus.Desc{infoDesc, salesDesc, oldestDesc, laneDesc, paperDesc, databaseDesc, alertsDesc, setUpDesc, onlineDesc, contactDesc, skewDesc, printerDesc}
	printerStates = []string{"ready", "paper_low", "paper_out", "cover_open", "offline", "cutter", "error", "unknown"}
	alertKinds    = []string{trade.AlertAuth, trade.AlertPrinter, trade.AlertUnreachable, trade.AlertCredentials, trade.AlertClock,
		trade.AlertDatabase, trade.AlertRejected, trade.AlertRefund, trade.AlertCatalogue}
	paperWaits = []trade.PrintState{trade.PrintWaitingQR, trade.PrintQueued, trade.PrintPrinting, trade.PrintHeld}
)

// snapshot is what is looked up for one answer.
type snapshot struct {
	version string
	now     time.Time
	counts  queue.Counts
	load    queue.Load
	around  *Around // nil: unknown
}

// Describe names the figures.
func (s *snapshot) Describe(out chan<- *prometheus.Desc) {
	for _, d := range lookedUp {
		out <- d
	}
}

// Collect gives the figures. Each label that can occur is there, so that a
// figure which is 0 can be told from one that is missing.
func (s *snapshot) Collect(out chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	tell(infoDesc, 1, s.version)
	for _, state := range trade.SaleStates {
		tell(salesDesc, float64(s.counts.Sales[state]), string(state))
	}
	age := time.Duration(0)
	if !s.counts.Oldest.IsZero() {
		age = max(0, s.now.Sub(s.counts.Oldest))
	}
	tell(oldestDesc, age.Seconds())
	for _, lane := range trade.Lanes {
		tell(laneDesc, float64(s.load.Lanes[lane].Due), string(lane), "due")
		tell(laneDesc, float64(s.load.Lanes[lane].Later), string(lane), "later")
	}
	for _, name := range s.printers() {
		for _, state := range paperWaits {
			tell(paperDesc, float64(s.load.Prints[queue.PrintPlace{Printer: name, State: state}]), name, string(state))
		}
	}
	tell(databaseDesc, float64(s.counts.DatabaseLen))
	for _, kind := range alertKinds {
		tell(alertsDesc, float64(s.load.Alerts[kind]), kind)
	}
	for kind, n := range s.load.Alerts {
		if !slices.Contains(alertKinds, kind) {
			tell(alertsDesc, float64(n), kind)
		}
	}
	if s.around == nil {
		return
	}
	p := s.around.Platform
	tell(setUpDesc, truth(p.Configured))
	tell(onlineDesc, truth(p.Online))
	tell(skewDesc, p.ClockSkew.Seconds())
	if !p.LastContact.IsZero() {
		tell(contactDesc, float64(p.LastContact.Unix()))
	}
	for _, p := range s.around.Printers {
		for _, state := range printerStates {
			tell(printerDesc, truth(state == p.State), p.Name, state)
		}
		if !slices.Contains(printerStates, p.State) {
			tell(printerDesc, 1, p.Name, p.State)
		}
	}
}

// printers are those that are configured, and those for which jobs wait.
func (s *snapshot) printers() []string {
	names := []string{trade.ReceiptPrinter}
	if s.around != nil {
		for _, p := range s.around.Printers {
			names = append(names, p.Name)
		}
	}
	for at := range s.load.Prints {
		names = append(names, at.Printer)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// getMetrics gives all figures in Prometheus' text format.
func (s *Server) getMetrics(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	look := &snapshot{version: s.o.Version, now: time.Now()}
	var err error
	if look.counts, err = s.o.Store.Counts(ctx); err != nil {
		return nil, err
	}
	if look.load, err = s.o.Store.Load(ctx); err != nil {
		return nil, err
	}
	c.waits()
	look.around = s.around(ctx)
	text, err := s.o.Metrics.text(look)
	if err != nil {
		return nil, fmt.Errorf("cannot gather the metrics: %w", err)
	}
	return document{contentType: string(expfmt.NewFormat(expfmt.TypeTextPlain)), data: text}, nil
}

// around asks how platform and printer are; nil where nobody can tell.
func (s *Server) around(ctx context.Context) *Around {
	if s.o.Around == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, aroundTime)
	defer cancel()
	a := s.o.Around(ctx)
	return &a
}

// text writes what was counted and what was looked up. Its registry is of this
// one answer: what is looked up for it belongs to no other.
func (m *Metrics) text(look *snapshot) ([]byte, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{m.calls, m.took, m.prints, m.commits, look,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	families, err := r.Gather()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
