package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokenCommands gives out tokens where no service runs; TestSecurity does it
// beside one.
func TestTokenCommands(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:%d\"\ntokens = [{name = \"till-1\", role = \"pos\", token = %q}]\n", filepath.Join(dir, "data"), freePort(t), strings.Repeat("x", 32))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   string
		status int
		says   string
	}{
		{"token", 2, ""},
		{"token add --role pos", 2, "one name"},
		{"token add --role pos a b", 2, "one name"},
		{"token add till-2", 2, "--role is missing"},
		{"token add --role root till-2", 2, "pos, console or read"},
		{"token add --role pos till-1", 1, "has this name"},
		{"token add --role pos api-token", 1, "has this name"},
		{"token add --role pos till/2", 2, "64 letters"},
		{"token revoke till-2", 1, "no token has this name"},
		{"token revoke till-1", 1, "[api] tokens"},
		{"token revoke api-token", 1, "the next start makes a new one"},
		{"token list extra", 2, ""},
		{"console", 1, "the service never ran"},
	} {
		args := strings.Fields(tt.args)
		if len(args) > 1 || args[0] == "console" {
			args = append(args, "--config", path)
		}
		p := launch(t, args...)
		if got := p.wait(); got != tt.status || !strings.Contains(p.errors.String(), tt.says) {
			t.Errorf("agent %s exits with %d, want %d: %s", tt.args, got, tt.status, p.errors.String())
		}
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, append(args, "--config", path, "--lang", "en")...).Output()
		if err != nil {
			t.Fatalf("agent %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	first, second := run("token", "add", "--role", "pos", "till-2"), run("token", "add", "--role", "read", "看板")
	if len(first) != 43 || first == second {
		t.Errorf("the tokens are %q and %q", first, second)
	}
	var rows []tokenRow
	if err := json.Unmarshal([]byte(run("token", "list", "--json")), &rows); err != nil || len(rows) != 4 {
		t.Fatalf("%v, %v", rows, err)
	}
	if got := run("token", "revoke", "till-2"); got != "revoked: till-2" {
		t.Errorf("%q", got)
	}
	list := run("token", "list")
	if strings.Contains(list, "till-2") || !strings.Contains(list, "看板") || !strings.Contains(list, "till-1") || strings.Contains(list, first) {
		t.Errorf("the list is\n%s", list)
	}
}
