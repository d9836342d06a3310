package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
)

func newLogConfig(t *testing.T) *config.Config {
	c := config.Default()
	c.DataDir = t.TempDir()
	return c
}

// command runs a command of the binary and gives exit status and output.
func command(t *testing.T, stdin string, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := exec.Command(binary, append(args, "--lang", "en")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &o, &e
	cmd.Env = append(os.Environ(), env...)
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

func TestKeygen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private.pem")
	for _, bits := range []int{documentedBits, longerBits} {
		own := fmt.Sprint(path, bits)
		code, out, errs := command(t, "", nil, "keygen", "--out", own, "--bits", fmt.Sprint(bits))
		line := strings.TrimSpace(out)
		public, err := piaotong.ParsePublicKey([]byte(line))
		if code != 0 || strings.Contains(line, "\n") || err != nil || public.N.BitLen() != bits {
			t.Fatalf("%d bits: exit status %d, %q, %v %s", bits, code, out, err, errs)
		}
		text, err := os.ReadFile(own)
		if err != nil || !strings.HasPrefix(string(text), "-----BEGIN PRIVATE KEY-----") {
			t.Errorf("the private key is no PKCS#8: %v", err)
		}
		if key, err := piaotong.ParsePrivateKey(text); err != nil || !key.PublicKey.Equal(public) {
			t.Errorf("the keys are no pair: %v", err)
		}
		if info, err := os.Stat(own); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		if code, _, errs := command(t, "", nil, "keygen", "--out", own); code != 1 || !strings.Contains(errs, "not replaced") {
			t.Errorf("over a key that is there: exit status %d: %s", code, errs)
		}
		if now, err := os.ReadFile(own); err != nil || !bytes.Equal(now, text) {
			t.Errorf("the key was replaced: %v", err)
		}
		if code, again, _ := command(t, "", nil, "keygen", "--out", own, "--public"); code != 0 || again != out {
			t.Errorf("--public: exit status %d, %q", code, again)
		}
	}
	if code, _, _ := command(t, "", nil, "keygen", "--out", path, "--bits", "512"); code != 2 {
		t.Errorf("512 bits: exit status %d", code)
	}
}

func TestProfilesPortsAndCompletion(t *testing.T) {
	code, out, errs := command(t, "", nil, "profiles", "--json")
	var rows []profileRow
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) < 3 || rows[0].Name == "" || rows[0].Dots == 0 {
		t.Errorf("profiles: exit status %d, %v: %s %s", code, err, out, errs)
	}
	own := filepath.Join(t.TempDir(), "models.toml")
	if err := os.WriteFile(own, []byte("[[model]]\nname = \"mine\"\nbase = \"generic-58\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command(t, "", nil, "profiles", "--file", own); code != 0 || !strings.Contains(out, "mine") {
		t.Errorf("own models: exit status %d: %s %s", code, out, errs)
	}
	code, out, errs = command(t, "", nil, "ports", "--json", "--no-probe")
	var ports []foundPort
	if err := json.Unmarshal([]byte(out), &ports); code != 0 || err != nil {
		t.Errorf("ports: exit status %d, %v: %s %s", code, err, out, errs)
	}
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "#compdef agent", "powershell": "Register-ArgumentCompleter"} {
		if code, out, _ := command(t, "", nil, "completion", shell); code != 0 || !strings.Contains(out, want) {
			t.Errorf("completion %s: exit status %d", shell, code)
		}
	}
}

// TestEveryCommandHasAnExample walks the commands.
func TestEveryCommandHasAnExample(t *testing.T) {
	_, out, _ := command(t, "", nil, "--help")
	_, list, _ := strings.Cut(out, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	n := 0
	for l := range strings.Lines(list) {
		name := strings.Fields(l)[0]
		if name == "help" || name == "completion" {
			continue
		}
		n++
		_, help, _ := command(t, "", nil, name, "--help")
		if !strings.Contains(help, "Examples:") && !strings.Contains(help, "Available Commands:") {
			t.Errorf("agent %s --help has no example", name)
		}
	}
	if n < 20 {
		t.Errorf("only %d commands found in\n%s", n, out)
	}
}

// initRig is where init is tried: a sandbox that gives the parameters.
func initRig(t *testing.T) (dir string, account sandbox.Account, url string) {
	t.Helper()
	c := newClinic(t)
	dir = t.TempDir()
	account = c.sandbox.Account()
	if err := os.WriteFile(filepath.Join(dir, "from-piaotong.pem"), []byte(account.PlatformPublicKeyPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, account, c.platform.URL
}

func TestInitWithoutQuestions(t *testing.T) {
	dir, a, url := initRig(t)
	path := filepath.Join(dir, "etc", "config.toml")
	args := []string{"init", "--yes", "--config", path, "--data-dir", filepath.Join(dir, "data"), "--platform-code", a.PlatformCode, "--platform-prefix", a.PlatformPrefix,
		"--taxpayer-num", a.TaxpayerNum, "--base-url", url, "--printer", "paper:" + filepath.Join(dir, "paper"), "--platform-key", filepath.Join(dir, "from-piaotong.pem"), "--print-test"}
	env := []string{"AGENT_PIAOTONG_DES3_KEY=" + a.DES3Key, "AGENT_PIAOTONG_ENTERPRISE_NAME=" + a.EnterpriseName}
	code, out, errs := command(t, "", env, args...)
	if code != 0 || !strings.Contains(out, "printed, and the printer has confirmed it") || !strings.Contains(out, "9999") {
		t.Fatalf("exit status %d\n%s%s", code, out, errs) // 9999: the platform does not know our new key yet
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Piaotong
	if !p.Configured() || p.PlatformCode != a.PlatformCode || p.EnterpriseName != a.EnterpriseName || p.DES3Key.Reveal() != a.DES3Key || cfg.Printer.Port != "paper:"+filepath.Join(dir, "paper") {
		t.Errorf("%+v", cfg)
	}
	line, err := publicKey(p.PrivateKeyFile)
	if err != nil || !strings.Contains(out, "\n"+line+"\n") {
		t.Errorf("the public key is not shown on a line of its own: %v", err)
	}
	if saved, err := os.ReadFile(filepath.Join(dir, "etc", publicFile)); err != nil || string(saved) != line+"\n" {
		t.Errorf("and not saved: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), a.DES3Key) {
		t.Errorf("the 3DES key stands in the configuration, %v", err)
	}
	for _, f := range []string{path, p.PrivateKeyFile, filepath.Join(dir, "etc", des3File), p.PlatformPublicKeyFile} {
		if info, err := os.Stat(f); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info, err)
		}
	}

	// Again: nothing changes, a comment by hand stays, one value is set anew.
	byHand := string(text) + "# by hand\n[receipt]\nheader = [\"a\", \"b\"]\n"
	if err := os.WriteFile(path, []byte(byHand), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(p.PrivateKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command(t, "", env, "init", "--yes", "--config", path); code != 0 || !strings.Contains(out, "stays as it is") {
		t.Errorf("again: exit status %d\n%s%s", code, out, errs)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != byHand {
		t.Errorf("again: %v\n%s", err, now)
	}
	if code, _, errs := command(t, "", nil, "init", "--yes", "--config", path, "--drawer-name", "张三"); code != 0 {
		t.Errorf("one value: exit status %d: %s", code, errs)
	}
	cfg, err = config.Load(path, nil)
	if err != nil || cfg.Piaotong.DrawerName != "张三" || len(cfg.Receipt.Header) != 2 || cfg.Piaotong.PlatformCode != a.PlatformCode {
		t.Errorf("%v %+v", err, cfg)
	}
	if now, err := os.ReadFile(path); err != nil || !strings.Contains(string(now), "# by hand") {
		t.Errorf("the comment is gone, %v", err)
	}
	if now, err := os.ReadFile(p.PrivateKeyFile); err != nil || !bytes.Equal(now, key) {
		t.Errorf("the key was made anew, %v", err)
	}
}

func TestInitAsks(t *testing.T) {
	dir, a, url := initRig(t)
	path := filepath.Join(dir, "config.toml")
	answers := strings.Join([]string{filepath.Join(dir, "data"), "SHORT", a.PlatformCode, a.PlatformPrefix, a.TaxpayerNum, a.EnterpriseName, "", url, // the code is refused once
		"tcp://127.0.0.1:9", "short", a.DES3Key, "nonsense", filepath.Join(dir, "from-piaotong.pem"), "n", "n"}, "\n") + "\n"
	code, out, errs := command(t, answers, nil, "init", "--config", path)
	if code != 0 || strings.Count(out, "✗") < 3 {
		t.Fatalf("exit status %d\n%s%s", code, out, errs)
	}
	cfg, err := config.Load(path, nil)
	if err != nil || !cfg.Piaotong.Configured() || cfg.Piaotong.DES3Key.Reveal() != a.DES3Key || cfg.Printer.Port != "tcp://127.0.0.1:9" {
		t.Errorf("%v %+v", err, cfg)
	}
	if _, err := os.Stat(cfg.Piaotong.PlatformPublicKeyFile); err != nil {
		t.Error(err)
	}
	if code, _, errs := command(t, "", nil, "init", "--config", filepath.Join(dir, "other.toml")); code != 1 || !strings.Contains(errs, "--yes") {
		t.Errorf("without input: exit status %d: %s", code, errs)
	}
	// Half of the parameters make no configuration.
	half := filepath.Join(dir, "half.toml")
	if code, _, errs := command(t, "", nil, "init", "--yes", "--config", half, "--platform-code", a.PlatformCode); code != 1 || !strings.Contains(errs, "piaotong.des3_key") {
		t.Errorf("half: exit status %d: %s", code, errs)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("half a configuration was written")
	}
}

func TestSetKeys(t *testing.T) {
	dir := keyValue{section: "", key: "data_dir", value: `C:\data`}
	port := keyValue{section: "printer", key: "port", value: "COM3"}
	baud := keyValue{section: "printer", key: "baud", value: "19200", number: true}
	for _, tt := range []struct {
		name, text string
		values     []keyValue
		want       string
	}{
		{"empty", "", []keyValue{dir, port}, "data_dir = \"C:\\\\data\"\n\n[printer]\nport = \"COM3\"\n"},
		{"after the comments", "# about\n", []keyValue{dir}, "# about\ndata_dir = \"C:\\\\data\"\n"},
		{"after a byte order mark", "\ufeffdata_dir = 'x'\r\n[log]\r\n", []keyValue{dir}, "data_dir = \"C:\\\\data\"\n[log]\n"},
		{"in place", "[printer]\n# port = \"COM1\"\nport = \"COM2\"\n\n[log]\nlevel = \"info\"\n", []keyValue{port, baud},
			"[printer]\n# port = \"COM1\"\nport = \"COM3\"\nbaud = 19200\n\n[log]\nlevel = \"info\"\n"},
		{"not in another section", "[log]\nport = 1\n[printer.x]\nport = 2\n", []keyValue{port}, "[log]\nport = 1\n[printer.x]\nport = 2\n\n[printer]\nport = \"COM3\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := setKeys(tt.text, tt.values); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
