package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
)

// secretsRig is a set-up with a configuration on disk, and the keys in files.
type secretsRig struct {
	*clinic
	account sandbox.Account
}

func newSecretsRig(t *testing.T) *secretsRig {
	c := newClinic(t)
	if err := os.Remove(filepath.Join(c.data, ownToken)); err != nil {
		t.Fatal(err)
	}
	c.text = "# by hand\n" + c.text
	// Files of our own: the sandbox writes its keys again when they change.
	a := c.sandbox.Account()
	c.line("private_key_file", "private.pem")
	c.line("platform_public_key_file", "platform.pem")
	c.write(filepath.Join(c.dir, "private.pem"), a.PrivateKeyPEM, 0o600)
	c.write(filepath.Join(c.dir, "platform.pem"), a.PlatformPublicKeyPEM, 0o600)
	c.cfg()
	return &secretsRig{c, a}
}

// secrets runs `agent secrets …` and wants an exit status.
func (r *secretsRig) secrets(want int, stdin string, args ...string) (out, errs string) {
	r.t.Helper()
	code, out, errs := command(r.t, stdin, nil, append(append([]string{"secrets"}, args...), "--config", r.config)...)
	if code != want {
		r.t.Fatalf("secrets %v: exit status %d, want %d\n%s%s", args, code, want, out, errs)
	}
	for _, secret := range []string{r.account.DES3Key, strings.Split(r.account.PrivateKeyPEM, "\n")[1]} {
		if strings.Contains(out+errs, secret) {
			r.t.Errorf("secrets %v shows a secret", args)
		}
	}
	return out, errs
}

func (r *secretsRig) read(path string) string {
	r.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// load is the configuration as it is on disk now.
func (r *secretsRig) load() *config.Config {
	r.t.Helper()
	cfg, err := config.Load(r.config, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return cfg
}

// healthy says that all of doctor's checks hold.
func (r *secretsRig) healthy() {
	r.t.Helper()
	if code, out, errs := command(r.t, "", nil, "doctor", "--config", r.config); code != 0 {
		r.t.Errorf("doctor: exit status %d\n%s%s", code, out, errs)
	}
}

func TestSecretsImport(t *testing.T) {
	r := newSecretsRig(t)
	out, _ := r.secrets(0, "", "import")
	file := filepath.Join(r.data, secretsFolder, des3KeyName)
	if !strings.Contains(out, file) {
		t.Errorf("it does not say where: %s", out)
	}
	text := r.read(r.config)
	if strings.Contains(text, r.account.DES3Key) || !strings.HasPrefix(text, "# by hand\n") || strings.TrimSpace(r.read(file)) != r.account.DES3Key {
		t.Errorf("the configuration is now\n%s", text)
	}
	for path, mode := range map[string]os.FileMode{r.config: 0o600, file: 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if cfg := r.load(); cfg.Piaotong.DES3Key.Reveal() != r.account.DES3Key {
		t.Error("it is another key")
	}
	r.healthy()
	if out, _ := r.secrets(0, "", "import"); !strings.Contains(out, "nothing to move") || r.read(r.config) != text {
		t.Errorf("again: %s", out)
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "*.part*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSecretsList(t *testing.T) {
	r := newSecretsRig(t)
	out, _ := r.secrets(0, "", "list", "--json")
	var rows []secretRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	by := map[string]secretRow{}
	for _, row := range rows {
		by[row.Name] = row
	}
	if d := by[des3KeyName]; d.From != config.FromConfig || d.Fingerprint != "" || d.Next {
		t.Errorf("%+v", d)
	}
	private, platform := by[privateKeyName], by[platformKeyName]
	if private.From != config.FromFile || len(private.Fingerprint) != len("SHA256:")+64 || private.Problem != "" ||
		!strings.HasPrefix(platform.Fingerprint, "SHA256:") || platform.Fingerprint == private.Fingerprint {
		t.Errorf("%+v %+v", private, platform)
	}
	if w := by["webhook"]; w.From != config.FromNowhere || w.Key != "alerts.webhook" {
		t.Errorf("%+v", w)
	}
	if err := os.Remove(private.Path); err != nil {
		t.Fatal(err)
	}
	out, _ = r.secrets(0, "", "list")
	if !strings.Contains(out, "secrets import") || !strings.Contains(out, "no such file") {
		t.Errorf("as text: %s", out)
	}
}

func TestSecretsSet(t *testing.T) {
	r := newSecretsRig(t)
	const other = "another-key-of-24-chars!"
	webhook := filepath.Join(r.data, secretsFolder, "webhook")
	own, err := publicKey(r.load().Piaotong.PrivateKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, secret, value string
		args                []string
		code                int
		says                string
	}{
		{"an address of alerts", "webhook", "https://alerts.example.com/key\n", nil, 0, webhook},
		{"the same again", "webhook", "https://alerts.example.com/key", nil, 0, "nothing is changed"},
		{"another one", "webhook", "https://alerts.example.com/other", nil, 1, "--replace"},
		{"another one on purpose", "webhook", "https://alerts.example.com/other", []string{"--replace"}, 0, webhook},
		{"no address", "webhook", "ftp://alerts.example.com", nil, 1, "alerts.webhook"},
		{"nothing", "webhook", "\n", nil, 1, "nothing was given"},
		{"too much", "webhook", strings.Repeat("x", mostInput+1), nil, 1, "too long"},
		{"another 3DES key", des3KeyName, other, nil, 1, "--replace"},
		{"a 3DES key too short", des3KeyName, other[1:], nil, 1, "24"},
		{"the 3DES key that is in the configuration", des3KeyName, r.account.DES3Key + "\r\n", nil, 0, "stored in"},
		{"no key", platformKeyName, "hello", nil, 1, "public key"},
		{"our own as the platform's", platformKeyName, own, nil, 1, "our own public key"},
		{"the platform's again", platformKeyName, r.account.PlatformPublicKeyPEM, nil, 0, "nothing is changed"},
		{"a private key that is none", privateKeyName, own, nil, 1, "this is a public key"},
		{"an unknown name", "des3", other, nil, 2, "des3_key, "},
	} {
		out, errs := r.secrets(tt.code, tt.value, append([]string{"set", tt.secret}, tt.args...)...)
		if !strings.Contains(out+errs, tt.says) {
			t.Errorf("%s: %q lacks %q", tt.name, out+errs, tt.says)
		}
		if strings.Contains(out+errs, strings.TrimSpace(tt.value)) && strings.TrimSpace(tt.value) != "" {
			t.Errorf("%s: the secret is shown", tt.name)
		}
	}
	cfg := r.load()
	if cfg.Alerts.Webhook.Reveal() != "https://alerts.example.com/other" || cfg.Piaotong.DES3Key.Reveal() != r.account.DES3Key || strings.Contains(r.read(r.config), r.account.DES3Key) {
		t.Errorf("the configuration is now\n%s", r.read(r.config))
	}
	r.healthy()
	// Never as an argument.
	if code, _, _ := command(t, "", nil, "secrets", "set", des3KeyName, other, "--config", r.config); code != 2 {
		t.Errorf("a secret as an argument: exit status %d", code)
	}
}

// TestSecretsSetCompletes: a configuration that is not whole without the secret
// takes it.
func TestSecretsSetCompletes(t *testing.T) {
	r := newSecretsRig(t)
	r.line("des3_key", "")
	r.write(r.config, r.text, 0o600)
	if _, err := config.Load(r.config, nil); err == nil {
		t.Fatal("the configuration is whole")
	}
	r.secrets(0, r.account.DES3Key+"\n", "set", des3KeyName)
	r.healthy()
}

// TestSecretTypedIn: a terminal shows the prompt and not what is typed.
func TestSecretTypedIn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the terminal is a pseudo-terminal of Linux")
	}
	r := newSecretsRig(t)
	cmd := exec.Command(binary, "secrets", "set", "webhook", "--config", r.config, "--lang", "en")
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var shown bytes.Buffer
	buf := make([]byte, 4096)
	typed := false
	for {
		n, err := terminal.Read(buf)
		shown.Write(buf[:n])
		if !typed && strings.Contains(shown.String(), "not shown") {
			typed = true
			if _, err := terminal.WriteString("https://alerts.example.com/typed\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break // the command has ended
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(shown.String(), "stored in") || strings.Contains(shown.String(), "typed") {
		t.Errorf("%v: %s", err, &shown)
	}
	if got := r.load().Alerts.Webhook.Reveal(); got != "https://alerts.example.com/typed" {
		t.Errorf("stored %q", got)
	}
}

// TestSecretsAsCredentials: what systemd gives is used, before all else.
func TestSecretsAsCredentials(t *testing.T) {
	r := newSecretsRig(t)
	creds := filepath.Join(r.dir, "credentials")
	if err := os.Mkdir(creds, 0o700); err != nil {
		t.Fatal(err)
	}
	keys := r.load().Piaotong
	for name, text := range map[string]string{des3KeyName: r.account.DES3Key, privateKeyName: r.account.PrivateKeyPEM, platformKeyName: r.account.PlatformPublicKeyPEM} {
		r.write(filepath.Join(creds, name), text, 0o440) // systemd sees to who may read them
	}
	r.line("des3_key", "")
	r.write(r.config, r.text, 0o600)
	for _, file := range []string{keys.PrivateKeyFile, keys.PlatformPublicKeyFile} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"CREDENTIALS_DIRECTORY=" + creds}
	if code, out, errs := command(t, "", env, "doctor", "--config", r.config); code != 0 {
		t.Errorf("doctor: exit status %d\n%s%s", code, out, errs)
	}
	_, out, _ := command(t, "", env, "secrets", "list", "--config", r.config)
	if strings.Count(out, "systemd credential") != 3 {
		t.Errorf("%s", out)
	}
	for _, args := range [][]string{{"set", privateKeyName}, {"rotate", "start"}, {"rotate", "start", des3KeyName}} {
		code, out, errs := command(t, r.account.PrivateKeyPEM, env, append(append([]string{"secrets"}, args...), "--config", r.config)...)
		if code != 1 || !strings.Contains(errs, "systemd") {
			t.Errorf("%v: exit status %d: %s%s", args, code, out, errs)
		}
	}
}

// TestStartLooksAtRights: an open private key stops the start, other files are
// warned of.
func TestStartLooksAtRights(t *testing.T) {
	r := newSecretsRig(t)
	own := r.load().Piaotong.PrivateKeyFile
	for _, mode := range []os.FileMode{0o604, 0o640, 0o622} {
		if err := os.Chmod(own, mode); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := command(t, "", nil, "run", "--config", r.config); code != 1 || !strings.Contains(errs, "chmod 600 "+own) {
			t.Errorf("%04o: exit status %d: %s", mode, code, errs)
		}
	}
	if err := os.Chmod(own, 0o400); err != nil {
		t.Fatal(err)
	}
	next := own + config.NextSuffix
	r.secrets(0, "", "rotate", "start")
	if err := os.Chmod(next, 0o644); err != nil {
		t.Fatal(err)
	}
	if r.load().Piaotong.PrivateKeyNextFile != next || !isPrivateKey(r.load(), next) {
		t.Errorf("%s is not taken for a private key", next)
	}
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.config, 0o644); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "run", "--config", r.config)
	(&pos{t: t, url: "http://" + r.load().API.Listen, data: r.data}).ready()
	p.kill()
	log := r.read(logFile(r.load()))
	if !strings.Contains(log, "other users may read a file with secrets") || !strings.Contains(log, "chmod 600 "+r.config) {
		t.Errorf("no warning of the configuration in\n%s", log)
	}
	if err := os.Chmod(r.load().Piaotong.PlatformPublicKeyFile, 0o644); err != nil {
		t.Fatal(err) // public is public
	}
	_, d := r.doctorAsIs()
	n := 0
	for _, f := range d.Findings {
		if f.Check == checkRights {
			n++
			if f.Verdict != verdictFailed || !strings.Contains(f.What, r.config) {
				t.Errorf("%+v", f)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d findings about rights: %+v", n, d.Findings)
	}
}

// doctorAsIs runs doctor without writing the configuration anew.
func (r *secretsRig) doctorAsIs() (int, diagnosis) {
	r.t.Helper()
	code, out, errs := command(r.t, "", nil, "doctor", "--config", r.config, "--json")
	var d diagnosis
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		r.t.Fatalf("%v: %s%s", err, out, errs)
	}
	return code, d
}

func TestSDDL(t *testing.T) {
	for _, tt := range []struct {
		name, sddl string
		others     []string
	}{
		{"as agent install sets it", "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;LS)", nil},
		{"as ProgramData gives it", "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", []string{"BU"}},
		{"the owner's own", "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)", nil},
		{"another user's", "O:BAD:(A;;FR;;;S-1-5-21-1-2-3-1002)(A;;FW;;;S-1-5-21-1-2-3-1002)", []string{"S-1-5-21-1-2-3-1002"}},
		{"everybody and the guests", "O:SYG:SYD:(A;;FR;;;WD)(A;;FR;;;BG)", []string{"WD", "BG"}},
		{"for what is made in it", "O:BAD:(A;OICIIO;GA;;;BU)", nil},
		{"refused", "O:BAD:(D;;FA;;;BU)", nil},
		{"with a condition", `O:BAD:(XA;;FR;;;AU;(@User.x==1))`, []string{"AU"}},
		{"SIDs in numbers", "O:S-1-5-32-544D:(A;;FA;;;S-1-5-18)(A;;FA;;;S-1-5-32-544)(A;;FR;;;S-1-5-19)(A;;FR;;;OW)", nil},
		{"no list", "O:BAD:NO_ACCESS_CONTROL", []string{"WD"}},
		{"no list at all", "O:BAG:SY", []string{"WD"}},
		{"an empty list", "O:BAD:P", nil},
	} {
		if got := sddlOthers(tt.sddl); !slices.Equal(got, tt.others) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.others)
		}
	}
}

func FuzzSDDL(f *testing.F) {
	f.Add("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)")
	f.Fuzz(func(t *testing.T, sddl string) {
		for _, who := range sddlOthers(sddl) {
			if slices.Contains(trustedSIDs, who) {
				t.Errorf("%q: %s counts as another", sddl, who)
			}
		}
	})
}

// TestSecretsSetPrivateKey: the public key beside the private one, which is sent
// to Piaotong, is always that of the private one.
func TestSecretsSetPrivateKey(t *testing.T) {
	r := newSecretsRig(t)
	text, err := newPrivateKey(documentedBits)
	if err != nil {
		t.Fatal(err)
	}
	r.secrets(0, string(text), "set", privateKeyName, "--replace")
	own := r.load().Piaotong.PrivateKeyFile
	want, err := publicKey(own)
	if err != nil || r.read(own) != string(text) {
		t.Fatalf("%v\n%s", err, r.read(own))
	}
	if got := r.read(filepath.Join(filepath.Dir(own), publicFile)); got != want+"\n" {
		t.Errorf("%q, want %q", got, want)
	}
}
