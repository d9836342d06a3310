package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// eventKills is how often TestEventsAcrossKills kills the agent; EVENT_KILLS
// says otherwise.
const eventKills = 5

// TestEventsAcrossKills follows the events of an agent that is killed again and
// again while sales are posted, as a POS does: after each break it asks for what
// comes after the last event it has read as a whole. What it has read is the
// whole history, each event once and in order, and tells every sale that was
// taken.
func TestEventsAcrossKills(t *testing.T) {
	kills := eventKills
	if text := os.Getenv("EVENT_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("EVENT_KILLS: %q", text)
		}
	}
	w := newWorld(t)
	w.pace = 20 * time.Millisecond
	f := &follower{pos: w.pos}
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { f.follow(ctx) })
	defer following.Wait()
	defer cancel()
	var accepted []string // by the till, before it goes home
	w.goOn(func(r *rand.Rand) { accepted = w.postAndNote(r) })
	w.killing(kills, 400*time.Millisecond, nil)

	last := launch(t, "run", "--config", w.config)
	w.pos.ready()
	const end = "LAST"
	w.pos.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee(end))
	read := f.until(t, end)
	whole := &follower{pos: w.pos}
	again, stop := context.WithCancel(t.Context())
	defer stop()
	following.Go(func() { whole.follow(again) })
	history := whole.until(t, end)
	stop()
	cancel()
	following.Wait()
	last.kill()

	t.Logf("%d kills, %d stops, %d sales taken, %d events; the stream broke %d times, %d times within an event", w.kills, w.stops, len(accepted), len(read), f.breaks, f.torn)
	if len(accepted) == 0 || f.breaks == 0 {
		t.Errorf("that is no test: %d sales taken, %d breaks", len(accepted), f.breaks)
	}
	for _, wrong := range f.wrong {
		t.Error(wrong)
	}
	for _, wrong := range w.wrongs {
		t.Error(wrong)
	}
	for i, e := range history {
		if e.Seq != int64(i+1) {
			t.Fatalf("the history has event %d in place %d", e.Seq, i+1)
		}
	}
	if len(read) != len(history) {
		t.Errorf("%d events were read, %d have been", len(read), len(history))
	}
	for i := range min(len(read), len(history)) {
		if read[i] != history[i] {
			t.Fatalf("event %d was read as %+v and is %+v", i+1, read[i], history[i])
		}
	}
	times := map[string]int{}
	for _, e := range read {
		if e.Type == "sale.accepted" {
			times[e.SaleID]++
		}
	}
	for _, id := range accepted {
		if times[id] != 1 {
			t.Errorf("that %s was taken is told %d times", id, times[id])
		}
	}
}

// event is an event as it is told.
type event struct {
	Seq      int64  `json:"seq"`
	At       string `json:"at"`
	Type     string `json:"type"`
	SaleID   string `json:"sale_id"`
	RefundID string `json:"refund_id"`
	State    string `json:"state"`
	Detail   string `json:"detail"`
}

// follower reads all events from the first.
type follower struct {
	pos    *pos
	mu     sync.Mutex // of what follows, until it has gone
	events []event
	wrong  []string
	breaks int // of a stream that was open
	torn   int // of them, those within an event
}

// follow goes on until ctx ends.
func (f *follower) follow(ctx context.Context) {
	last := "0"
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		last = f.stream(ctx, last)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stream reads one stream to its end and gives the number of the last event.
func (f *follower) stream(ctx context.Context, last string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.pos.url+"/v1/events", nil)
	if err != nil {
		return last
	}
	token, err := os.ReadFile(filepath.Join(f.pos.data, "api-token"))
	if err != nil {
		return last // it has not started for the first time yet
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Last-Event-ID", last)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return last
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return last // it is being stopped
	}
	in := bufio.NewReader(resp.Body)
	var id, data string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if ctx.Err() == nil {
				f.breaks++
				if line != "" || id != "" || data != "" {
					f.torn++
				}
			}
			return last
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" && data != "":
			f.take(id, data)
			last, id, data = id, "", ""
		case line == "" && id != "":
			f.fault(fmt.Sprintf("after %s the stream begins at %s", last, id))
			last, id = id, ""
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		}
	}
}

func (f *follower) take(id, data string) {
	var e event
	if err := json.Unmarshal([]byte(data), &e); err != nil || strconv.FormatInt(e.Seq, 10) != id {
		f.fault(fmt.Sprintf("event %q: %s %v", id, data, err))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

func (f *follower) fault(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, text)
}

// until waits for the event that tells of a sale and gives all up to that one.
func (f *follower) until(t *testing.T, sale string) []event {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		f.mu.Lock()
		i := slices.IndexFunc(f.events, func(e event) bool { return e.Type == "sale.accepted" && e.SaleID == sale })
		read := slices.Clone(f.events[:i+1])
		f.mu.Unlock()
		if i >= 0 {
			return read
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s does not come", sale)
		}
	}
}

// postAndNote posts sales, each until it is answered, until it is time to go
// home, and gives those of which the answer said that they are stored.
func (w *world) postAndNote(r *rand.Rand) (accepted []string) {
	for n := 0; ; n++ {
		id := fmt.Sprintf("K%05d", n)
		for {
			status, answer, err := w.pos.call(http.MethodPost, "/v1/sales", coffee(id))
			if err == nil && (status == http.StatusCreated || status == http.StatusOK) {
				accepted = append(accepted, id)
				break
			}
			if err == nil && status < 500 {
				w.wrong(id, "%d %v", status, answer)
				return accepted
			}
			if !w.pause(5 * time.Millisecond) {
				return accepted
			}
		}
		if !w.pause(between(r, 0, w.pace)) {
			return accepted
		}
	}
}
