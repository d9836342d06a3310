package worker

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
)

// TestRecallAccountAtAStop: a stop that comes first is no failure, a database
// that cannot be read is.
func TestRecallAccountAtAStop(t *testing.T) {
	store, err := queue.Open(queue.Options{Path: filepath.Join(t.TempDir(), "agent.db"), Prefix: "DEMO", QRValid: time.Hour, Pause: Pause(time.Second, time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	w := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	w.recallAccount(stopped)
	if log.Len() > 0 {
		t.Errorf("a stop is told: %s", log.String())
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	w.recallAccount(t.Context())
	if !strings.Contains(log.String(), "cannot read the list of tax accounts") {
		t.Errorf("a closed database is not told: %q", log.String())
	}
}
