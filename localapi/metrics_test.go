package localapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// scraped reads Prometheus' text format: each sample's value by its name with
// labels.
func scraped(t *testing.T, a answer) map[string]string {
	t.Helper()
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type %q", got)
	}
	samples := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(a.body)); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			name, value, _ := strings.Cut(line, " ")
			if i := strings.LastIndex(line, "} "); i >= 0 {
				name, value = line[:i+1], line[i+2:]
			}
			samples[name] = value
		}
	}
	return samples
}

// busyTill is a till of which every figure has been counted at least once.
func busyTill(t *testing.T) *till {
	t.Helper()
	m := NewMetrics(trade.ReceiptPrinter)
	x := newTill(t, func(o *Options, qo *queue.Options) {
		o.Metrics, qo.Committed = m, m.Committed
		o.Around = func(context.Context) Around {
			return Around{Platform{true, true, time.Unix(1_790_000_000, 0), -1500 * time.Millisecond}, []Printer{{trade.ReceiptPrinter, "tcp://192.0.2.1:9100", "generic", "paper_low", time.Time{}, "none"}}, nil}
		}
	})
	m.Called(trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK, Took: 120 * time.Millisecond})
	m.Called(trade.Call{Interface: "2.16", Outcome: trade.OutcomeUnknown, Took: 5 * time.Second})
	m.Printed(trade.ReceiptPrinter, trade.PaperPrinted)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	if err := x.store.Raise(queue.UncertainAlert(trade.ReceiptPrinter, "S1", "sale:S1")); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestMetrics(t *testing.T) {
	x := busyTill(t)
	got := scraped(t, x.get("/metrics", as(readSecret)).want(t, 200, ""))
	for name, want := range map[string]string{
		`tillagent_info{version="` + version + `"}`:                          "1",
		`tillagent_sales{state="queued"}`:                                    "1",
		`tillagent_sales{state="recorded"}`:                                  "1",
		`tillagent_sales{state="rejected"}`:                                  "0",
		`tillagent_lane_operations{lane="live",when="due"}`:                  "1",
		`tillagent_lane_operations{lane="watch",when="later"}`:               "0",
		`tillagent_prints_waiting{printer="receipt",state="waiting_qr"}`:     "1",
		`tillagent_prints_waiting{printer="receipt",state="queued"}`:         "1",
		`tillagent_prints_waiting{printer="receipt",state="held"}`:           "0",
		`tillagent_platform_calls_total{interface="2.16",outcome="ok"}`:      "1",
		`tillagent_platform_calls_total{interface="2.16",outcome="unknown"}`: "1",
		`tillagent_platform_call_seconds_count{interface="2.16"}`:            "2",
		`tillagent_platform_call_seconds_sum{interface="2.16"}`:              "5.12",
		`tillagent_platform_call_seconds_bucket{interface="2.16",le="0.2"}`:  "1",
		`tillagent_prints_total{outcome="printed",printer="receipt"}`:        "1",
		`tillagent_prints_total{outcome="uncertain",printer="receipt"}`:      "0",
		`tillagent_alerts{kind="printer"}`:                                   "1",
		`tillagent_alerts{kind="sale_rejected"}`:                             "0",
		`tillagent_platform_configured`:                                      "1",
		`tillagent_platform_online`:                                          "1",
		`tillagent_platform_last_contact_timestamp_seconds`:                  "1.79e+09",
		`tillagent_clock_skew_seconds`:                                       "-1.5",
		`tillagent_printer_state{printer="receipt",state="paper_low"}`:       "1",
		`tillagent_printer_state{printer="receipt",state="ready"}`:           "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
	for _, name := range []string{"tillagent_oldest_waiting_seconds", "tillagent_database_bytes", "tillagent_commit_seconds_count", "process_start_time_seconds", "go_goroutines"} {
		if v, ok := got[name]; !ok || v == "0" && name != "process_start_time_seconds" {
			t.Errorf("%s is %q", name, v)
		}
	}
	// A platform that was never reached and a printer that is not there show
	// as missing, not as something wrong.
	plain := scraped(t, newTill(t, func(o *Options, _ *queue.Options) {
		o.Around = func(context.Context) Around { return Around{} }
	}).get("/metrics").want(t, 200, ""))
	if _, ok := plain["tillagent_platform_last_contact_timestamp_seconds"]; ok || plain["tillagent_platform_online"] != "0" || plain[`tillagent_printer_state{printer="receipt",state="ready"}`] != "" {
		t.Errorf("%v", plain)
	}
	x.get("/metrics", without("Authorization")).want(t, 401, trade.ErrUnauthorized)
}

// metricName is a figure of ours, of the process or of Prometheus' own making,
// as an expression names it.
var metricName = regexp.MustCompile(`\b(tillagent_\w+|process_\w+|go_\w+)`)

// TestMonitoringNamesWhatThereIs: the dashboard and the alert rules name no
// figure, label or word that the agent does not give.
func TestMonitoringNamesWhatThereIs(t *testing.T) {
	x := busyTill(t)
	families := map[string]bool{}
	labels := map[string][]string{}
	for name := range scraped(t, x.get("/metrics").want(t, 200, "")) {
		family, rest, _ := strings.Cut(name, "{")
		families[family] = true
		for _, pair := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
			labels[family+"."+pair[1]] = append(labels[family+"."+pair[1]], pair[2])
		}
	}
	files, err := filepath.Glob("../docs/monitoring/*")
	if err != nil || len(files) < 3 {
		t.Fatalf("only %v, %v", files, err)
	}
	named := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
		// Within JSON the quotes of an expression are escaped.
		for _, line := range strings.Split(strings.ReplaceAll(string(text), `\"`, `"`), "\n") {
			for _, name := range metricName.FindAllString(line, -1) {
				named[name] = true
				if !families[name] && !(strings.HasSuffix(file, ".md") && families[name+"_bucket"]) { // where a histogram goes by its name
					t.Errorf("%s names %s, which is no figure", filepath.Base(file), name)
				}
			}
			for _, sel := range regexp.MustCompile(`(tillagent_\w+)\{([^}]*)\}`).FindAllStringSubmatch(line, -1) {
				for _, pair := range regexp.MustCompile(`(\w+)=~?"([^"]*)"`).FindAllStringSubmatch(sel[2], -1) {
					for _, value := range strings.Split(pair[2], "|") {
						if known := labels[sel[1]+"."+pair[1]]; !slices.Contains(known, value) && value != "$instance" {
							t.Errorf("%s: %s has no %s %q, only %v", filepath.Base(file), sel[1], pair[1], value, known)
						}
					}
				}
			}
		}
	}
	for family := range families {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(family, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(family, "tillagent_") && !named[family] && !named[base+"_bucket"] && !named[base] {
			t.Errorf("nothing under docs/monitoring looks at %s", family)
		}
	}
}
