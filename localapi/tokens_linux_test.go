package localapi

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGivenTokensAfterTrouble: a list that cannot be opened for a moment, as on
// Windows while a virus scanner holds it, lets its tokens in again afterwards,
// though the file is the same; and the log has it once.
func TestGivenTokensAfterTrouble(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	if _, err := l.Add("till-2", RolePOS, time.Now()); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	g := givenTokens{list: l, log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 2 {
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Max: was.Max}); err != nil { // no more files
			t.Fatal(err)
		}
		g.seen = fileState{} // it has changed
		first, second := g.current(), g.current()
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		if first != nil || second != nil {
			t.Fatal("the list could be read")
		}
		if now := g.current(); len(now) != 1 || now[0].name != "till-2" {
			t.Errorf("afterwards %d tokens work", len(now))
		}
	}
	if n := strings.Count(log.String(), "do not work"); n != 2 {
		t.Errorf("two troubles are logged %d times:\n%s", n, log.String())
	}
}
