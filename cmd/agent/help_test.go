package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
)

// everyCommand gives all commands that people see, with their names.
func everyCommand() map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all[c.CommandPath()] = c
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	walk(commands(&bytes.Buffer{}, &bytes.Buffer{}))
	return all
}

// try runs a command in this process.
func try(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(append([]string{"--lang", "en"}, args...), &o, &e)
	return code, o.String(), e.String()
}

func bilingual(text string) bool {
	zh, en, found := strings.Cut(text, "  ")
	return found && strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && strings.ContainsFunc(en, func(r rune) bool { return r < 128 && unicode.IsLetter(r) })
}

// TestHelpOfEveryCommand: help prints with an example and in both languages, and
// wrong flags and arguments are wrong usage.
func TestHelpOfEveryCommand(t *testing.T) {
	all := everyCommand()
	if len(all) < 30 {
		t.Errorf("only %d commands found", len(all))
	}
	for path, c := range all {
		args := strings.Fields(path)[1:]
		if c.Example == "" || !strings.HasPrefix(c.Example, "  ") || !strings.Contains(c.Example, "agent ") {
			t.Errorf("%s: its example is %q", path, c.Example)
		}
		for _, line := range strings.Split(c.Example, "\n") {
			if !strings.Contains(line, path) && path != "agent" {
				t.Errorf("%s: its example shows another command: %q", path, line)
			}
		}
		if !bilingual(c.Short) || c.Long != "" && !strings.ContainsFunc(c.Long, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: not in both languages: %q", path, c.Short)
		}
		code, out, errs := try(append(slices.Clone(args), "--help")...)
		if code != 0 || errs != "" || !strings.Contains(out, "Usage:") || !strings.Contains(out, "Examples:") {
			t.Errorf("%s --help: exit status %d\n%s%s", path, code, out, errs)
		}
		code, out, errs = try(append(slices.Clone(args), "--no-such-flag")...)
		if code != 2 || out != "" || !strings.Contains(errs, "Usage:") || !strings.Contains(errs, "no-such-flag") {
			t.Errorf("%s --no-such-flag: exit status %d\n%s%s", path, code, out, errs)
		}
		if code, _, errs := try(append(slices.Clone(args), "surplus", "arguments")...); code != 2 || !strings.Contains(errs, "Usage:") {
			t.Errorf("%s with surplus arguments: exit status %d\n%s", path, code, errs)
		}
	}
}

// jsonCommands are those that scripts read.
var jsonCommands = []string{"backup", "console", "doctor", "keygen", "logs", "ports", "print-test", "profiles", "secrets list", "status", "support", "token add", "token list", "verify", "version"}

func TestJSONWhereScriptsRead(t *testing.T) {
	all := everyCommand()
	for _, name := range jsonCommands {
		if c := all["agent "+name]; c == nil || c.Flags().Lookup("json") == nil {
			t.Errorf("agent %s has no --json", name)
		}
	}
	out := filepath.Join(t.TempDir(), "private.pem")
	code, text, errs := try("keygen", "--out", out, "--json")
	var made map[string]string
	if err := json.Unmarshal([]byte(text), &made); code != 0 || err != nil || made["private_key_file"] != out || made["public_key"] == "" {
		t.Errorf("keygen: exit status %d: %s%s", code, text, errs)
	}
}

// TestMissingConfiguration: a file that is not there is told, with what to do.
func TestMissingConfiguration(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.toml")
	more := map[string][]string{
		"backup": {"--to", "copy.db"}, "restore": {"--from", "copy.db"}, "token add": {"--role", "pos", "till"}, "token revoke": {"till"},
		"update": {"--from", gone + ".json"}, "secrets set": {"des3_key"}, "secrets rotate cancel": {"des3_key"},
	}
	// init makes one; support sends what there is; the service knows its own.
	others := []string{"init", "support", "uninstall", "start", "stop", "restart", "status"}
	n := 0
	for path, c := range everyCommand() {
		name := strings.TrimPrefix(path, "agent ")
		if c.Flags().Lookup("config") == nil || slices.Contains(others, name) {
			continue
		}
		n++
		code, out, errs := try(slices.Concat(strings.Fields(name), []string{"--config", gone}, more[name])...)
		if code != 1 || !strings.Contains(out+errs, "agent init") || !strings.Contains(out+errs, gone) {
			t.Errorf("%s: exit status %d\n%s%s", path, code, out, errs)
		}
	}
	if n < 15 {
		t.Errorf("only %d commands with --config", n)
	}
}

// TestCompletion: shells are given the values of flags.
func TestCompletion(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"export", "--format", ""}, "csv\njsonl\n"},
		{[]string{"export", "--what", ""}, "journal"},
		{[]string{"doctor", "--lang", ""}, "zh-CN\nen\n"},
		{[]string{"paper", "--profile", "generic"}, "generic-80"},
		{[]string{"token", "add", "--role", ""}, "pos\nconsole\nread\n"},
		{[]string{"keygen", "--bits", ""}, "1024\n2048\n"},
		{[]string{"secrets", "set", ""}, "des3_key\n"},
		{[]string{"secrets", "rotate", "start", ""}, "platform_public_key\n"},
		{[]string{"completion", ""}, "bash\nzsh\nfish\npowershell\n"},
		{[]string{"doctor", "--config", ""}, "toml\n:8\n"}, // files of this kind
		{[]string{"sec"}, "secrets\t"},
	} {
		var out, errs bytes.Buffer
		if code := run(append([]string{"__complete"}, tt.args...), &out, &errs); code != 0 || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: exit status %d, %q lacks %q\n%s", tt.args, code, &out, tt.want, &errs)
		}
	}
	for shell, want := range map[string]string{"bash": "__start_piaotong-agent piaotong-agent", "zsh": "#compdef piaotong-agent", "fish": "complete -c piaotong-agent", "powershell": "-CommandName 'piaotong-agent'"} {
		if code, out, errs := try("completion", shell, "--name", "piaotong-agent"); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: exit status %d, no %q %s", shell, code, want, errs)
		}
	}
	if code, _, errs := try("doktor"); code != 2 || !strings.Contains(errs, "did you mean doctor?") {
		t.Errorf("a slip: exit status %d %s", code, errs)
	}
	if code, _, _ := try("completion", "cmd"); code != 2 {
		t.Errorf("an unknown shell: exit status %d", code)
	}
}

func TestBrowserCommand(t *testing.T) {
	const url = "http://127.0.0.1:17216/#code=x"
	for _, tt := range []struct {
		name, goos string
		env        map[string]string
		euid       int
		want       string
	}{
		{"a desktop", "linux", map[string]string{"DISPLAY": ":0"}, 1000, "xdg-open"},
		{"Wayland", "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, 1000, "xdg-open"},
		{"root on a desktop", "linux", map[string]string{"DISPLAY": ":0"}, 0, ""},
		{"no desktop", "linux", nil, 1000, ""},
		{"Windows", "windows", map[string]string{"SESSIONNAME": "Console"}, -1, "rundll32"},
		{"Windows from afar", "windows", nil, -1, ""},
	} {
		got := browserCommand(tt.goos, func(name string) string { return tt.env[name] }, tt.euid, url)
		if tt.want == "" && got != nil || tt.want != "" && (len(got) == 0 || got[0] != tt.want || got[len(got)-1] != url) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if onTerminal(&bytes.Buffer{}) || onTerminal(os.NewFile(^uintptr(0), "")) {
		t.Error("what is no terminal counts as one")
	}
}
