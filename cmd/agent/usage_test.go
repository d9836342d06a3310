package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrongUsageIsTold: on standard error, with what is allowed, and exit status 2.
func TestWrongUsageIsTold(t *testing.T) {
	path := writeConfig(t, "")
	t.Chdir(t.TempDir())
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "Usage:"},
		{[]string{"help", "nosuch"}, `there is no such command: "nosuch"`},
		{[]string{"help", "token", "nosuch"}, `there is no such command: "nosuch"`},
		{[]string{"version", "--lang", "fr"}, "--lang: zh-CN, en"},
		{[]string{"demo", "--listen", "nowhere"}, "--listen: must be"},
		{[]string{"demo", "--listen", "0.0.0.0:0"}, "--listen: must be"},
		{[]string{"paper", "--dir", "paper", "--flow", "rts"}, "--flow: xonxoff"},
		{[]string{"update", "--config", "none.toml"}, "--from is missing"},
		{[]string{"token", "add", "--config", path, "--role", "boss", "till-2"}, "pos, console or read"},
		{[]string{"token", "add", "--config", path, "--role", "pos", "till/2"}, "letters, digits"},
		{[]string{"secrets", "set", "--config", path, "nosuch"}, "des3_key"},
		{[]string{"export", "--config", path, "--from", "2026-11-24", "--to", "2026-11-23"}, "--from is after --to"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			if code, out, errs := try(tc.args...); code != 2 || out != "" || !strings.Contains(errs, tc.want) {
				t.Errorf("exit status %d, %q, %q", code, out, errs)
			}
		})
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("wrong usage leaves behind %v, %v", left, err)
	}
	if code, out, _ := try("help", "token", "add"); code != 0 || !strings.Contains(out, "token add --config FILE") {
		t.Errorf("help token add: %d, %q", code, out)
	}
}

// writeConfig writes a configuration with a data folder of its own.
func writeConfig(t *testing.T, more string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "data_dir = %q\n%s", filepath.Join(dir, "data"), more), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstalledConfiguration: where the agent is installed, commands need no
// --config; run always does.
func TestInstalledConfiguration(t *testing.T) {
	installed := writeConfig(t, "")
	for _, tc := range []struct {
		command   string
		args      []string
		installed string
		want      string
	}{
		{"doctor", nil, installed, installed},
		{"token add", nil, installed, installed},
		{"doctor", nil, installed + ".missing", ""},
		{"doctor", []string{"--config", "mine.toml"}, installed, "mine.toml"},
		{"verify", []string{"--db", "x.db"}, installed, ""},
		{"run", nil, installed, ""},
		{"update", nil, installed, defaultConfigFile()},
	} {
		t.Run(tc.command+" "+strings.Join(tc.args, " "), func(t *testing.T) {
			cmd := everyCommand()["agent "+tc.command]
			if err := cmd.ParseFlags(tc.args); err != nil {
				t.Fatal(err)
			}
			if err := useInstalled(cmd, tc.installed); err != nil {
				t.Fatal(err)
			}
			if got := cmd.Flags().Lookup("config").Value.String(); got != tc.want {
				t.Errorf("--config %q, want %q", got, tc.want)
			}
		})
	}
	if code, out, errs := try("version"); code != 0 || out == "" || errs != "" {
		t.Errorf("version has no --config: %d, %q, %q", code, out, errs)
	}
}

// TestOwnFilesAreSpared: neither a backup nor an export nor the zip for support
// is written over what the agent needs, and a backup over nothing but a database.
func TestOwnFilesAreSpared(t *testing.T) {
	path := writeConfig(t, "")
	dir := filepath.Dir(path)
	letter := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("Dear customer"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"backup", "--to", filepath.Join(dir, "b.db")}, {"verify"}, {"export"}} {
		if code, _, errs := try(append(args, "--config", path)...); code != 1 || !strings.Contains(errs, "has not run yet") {
			t.Errorf("%v without a database: %d, %s", args, code, errs)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "agent.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "data", buyerKey.file)
	if err := os.WriteFile(key, make([]byte, keyBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	before := map[string][]byte{}
	for _, f := range []string{path, letter, key} {
		before[f], _ = os.ReadFile(f)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"backup", "--to", path}, "a file of the agent itself"},
		{[]string{"backup", "--to", letter}, "is no copy of this till"},
		{[]string{"backup", "--to", filepath.Join(dir, "usb", "till.db")}, "there is no folder"},
		{[]string{"support", "--out", path}, "a file of the agent itself"},
		{[]string{"support", "--out", key}, "a file of the agent itself"},
		{[]string{"restore", "--from", filepath.Join(dir, "none.db")}, "there is no such backup"},
	} {
		if code, out, errs := try(append(tc.args, "--config", path)...); code != 1 || out != "" || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: exit status %d, %q, %q", tc.args, code, out, errs)
		}
	}
	for f, want := range before {
		if got, err := os.ReadFile(f); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is now %q, %v", f, got, err)
		}
	}
}

// TestConfigurationOfNoUse: a start ends with the line of what it names and
// cannot use, and doctor finds it before.
func TestConfigurationOfNoUse(t *testing.T) {
	for name, tc := range map[string]struct{ more, want string }{
		"logo":      {"[receipt]\nlogo = 'none.png'\n", "config.toml:3: receipt.logo: "},
		"catalogue": {"[tax]\ncatalogue = 'none.csv'\n", "config.toml:3: tax.catalogue: "},
		"model":     {"[printer]\nprofile = 'none'\n", "config.toml:3: printer.profile: no such model"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeConfig(t, tc.more)
			if code, _, errs := try("run", "--config", path); code != 1 || !strings.Contains(errs, tc.want) {
				t.Errorf("run: exit status %d, %s", code, errs)
			}
			if code, out, _ := try("doctor", "--config", path); code != 1 || !strings.Contains(out, "✗ configuration: ") || !strings.Contains(out, tc.want) {
				t.Errorf("doctor: exit status %d, %s", code, out)
			}
		})
	}
	none := filepath.Join(t.TempDir(), "none.toml")
	if code, out, _ := try("doctor", "--config", none); code != 1 || !strings.Contains(out, "agent init → then run agent doctor again") {
		t.Errorf("no configuration: exit status %d, %s", code, out)
	}
}

// TestInCommand: a command that people are told works as it is told.
func TestInCommand(t *testing.T) {
	for path, want := range map[string]string{"/etc/config.toml": "/etc/config.toml", "/media/收银 1/c.toml": `"/media/收银 1/c.toml"`, `C:\Program Files (x86)\c`: `"C:\Program Files (x86)\c"`} {
		if got := inCommand(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestReachable: what listens everywhere is reached at the loopback.
func TestReachable(t *testing.T) {
	for _, tc := range []struct{ at, want string }{
		{"127.0.0.1:18080", "127.0.0.1:18080"}, {"0.0.0.0:18080", "127.0.0.1:18080"}, {"[::]:18080", "127.0.0.1:18080"}, {"[::1]:9", "[::1]:9"},
	} {
		at, err := net.ResolveTCPAddr("tcp", tc.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(at); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.at, got, tc.want)
		}
	}
}

// TestKeyInUse: the public key of the installed agent is shown from wherever one
// is, unless there is a key right here.
func TestKeyInUse(t *testing.T) {
	path := writeConfig(t, "[piaotong]\nprivate_key_file = 'ours.pem'\n")
	here, ours := filepath.Join(t.TempDir(), "private.pem"), filepath.Join(filepath.Dir(path), "ours.pem")
	if got := keyInUse(here, path); got != ours {
		t.Errorf("%s, want %s", got, ours)
	}
	if got := keyInUse(here, path+".missing"); got != here {
		t.Errorf("not installed: %s", got)
	}
	if err := os.WriteFile(here, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := keyInUse(here, path); got != here {
		t.Errorf("with a key here: %s", got)
	}
}

// TestDoctorsLines: each finding is one line, whatever it tells.
func TestDoctorsLines(t *testing.T) {
	var d doctor
	d.ok(checkConfig, "config.toml")
	d.failed(checkDatabase, "damaged pages: *** in database main ***\nTree 7 page 7", "restore a backup")
	var b bytes.Buffer
	if err := d.write(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[1], "✗ ") || !strings.HasSuffix(lines[1], " → restore a backup") {
		t.Errorf("%q", lines)
	}
}
