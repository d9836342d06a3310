package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
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
