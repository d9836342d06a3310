package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tillagent/cmd/agent/config"
)

func TestDataKey(t *testing.T) {
	cfg := &config.Config{DataDir: t.TempDir()}
	for _, k := range []ownKey{voucherKey, buyerKey} {
		first, err := dataKey(cfg, k)
		if err != nil || len(first) != keyBytes {
			t.Fatal(len(first), err)
		}
		if again, err := dataKey(cfg, k); err != nil || !bytes.Equal(again, first) {
			t.Errorf("%s: the second start has another key: %v", k.file, err)
		}
		if err := os.WriteFile(filepath.Join(cfg.DataDir, k.file), first[:31], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := dataKey(cfg, k); err == nil || !strings.Contains(err.Error(), "31") {
			t.Errorf("%s: a damaged key is taken: %v", k.file, err)
		}
	}
	if entries, err := os.ReadDir(cfg.DataDir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestDataKeyOfTwoStarts: two that start at once work with the same key, which
// is the one on disk.
func TestDataKeyOfTwoStarts(t *testing.T) {
	cfg := &config.Config{DataDir: t.TempDir()}
	const starts = 8
	keys := make([][]byte, starts)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = dataKey(cfg, buyerKey); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	there, err := os.ReadFile(buyerKey.path(cfg))
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if !bytes.Equal(key, there) {
			t.Errorf("start %d works with a key that is not on disk", i)
		}
	}
	if left, err := os.ReadDir(cfg.DataDir); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
