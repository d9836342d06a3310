package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tillagent/trade"
)

func saleOf(i int) trade.Sale { return lunch(fmt.Sprintf("S%04d", i)) }

func TestView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, trade.Beijing)
	now := start
	s, err := Open(Options{Path: path, Prefix: "DEMO", TillCode: "2KM7Q", QRValid: 24 * time.Hour, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	const sales = viewPage + 3
	for i := range sales {
		now = start.Add(time.Duration(i) * time.Minute)
		if _, _, err := s.AcceptSale(t.Context(), saleOf(i), saleOf(i).Digest()); err != nil {
			t.Fatal(err)
		}
	}
	v, err := OpenView(t.Context(), path) // beside the store
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	read := func(from, to time.Time) (ids []string) {
		t.Helper()
		err := v.Sales(t.Context(), from, to, func(r *Record) error {
			ids = append(ids, r.Sale.ID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if ids := read(time.Time{}, time.Time{}); len(ids) != sales || ids[0] != saleOf(0).ID || ids[sales-1] != saleOf(sales-1).ID {
		t.Errorf("%d sales: %v", len(ids), ids)
	}
	if ids := read(start.Add(time.Minute), start.Add(3*time.Minute)); !slices.Equal(ids, []string{saleOf(1).ID, saleOf(2).ID}) {
		t.Errorf("between: %v", ids)
	}
	last := int64(0)
	err = v.Journal(t.Context(), time.Time{}, time.Time{}, func(e JournalEntry) error {
		if e.Seq != last+1 || e.Hash == "" {
			t.Errorf("after %d comes %+v", last, e)
		}
		last = e.Seq
		return nil
	})
	if err != nil || last < sales {
		t.Errorf("%d entries, %v", last, err)
	}
	if tail, err := v.JournalTail(t.Context(), 2); err != nil || len(tail) != 2 || tail[1].Seq != last || tail[0].Seq != last-1 {
		t.Errorf("%+v, %v", tail, err)
	}
	stop := errors.New("stop")
	if err := v.Sales(t.Context(), time.Time{}, time.Time{}, func(*Record) error { return stop }); err != stop {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestViewOfAnotherVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	data, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenView(t.Context(), path)
	if v, ok := errors.AsType[*VersionError](err); !ok || v.Version != 1 || v.Latest < 6 {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !slices.Equal(now, data) {
		t.Errorf("looking changed it, %v", err)
	}
}

func TestInspect(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "agent.db")}
	look := func() Condition {
		t.Helper()
		c, err := Inspect(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := look(); !c.Missing || c.InUse || c.Damaged != nil {
		t.Errorf("before the first start: %+v", c)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if c := look(); c.Missing || !c.InUse || c.Version != c.Latest {
		t.Errorf("in use: %+v", c)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c := look(); c.InUse || c.Damaged != nil || c.Version != c.Latest {
		t.Errorf("closed: %+v", c)
	}
	if err := os.Rename(o.Path, o.Path+".away"); err != nil {
		t.Fatal(err)
	}
	if c := look(); !c.Missing || c.Damaged == nil || c.Damaged.Reason != ReasonMissing {
		t.Errorf("gone: %+v", c)
	}
	if entries, err := filepath.Glob(markerPath(o.Path)); err != nil || len(entries) != 0 {
		t.Errorf("looking left %v, %v", entries, err)
	}
}
