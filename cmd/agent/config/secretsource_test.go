package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	des3A = "abcdefghijklmnopqrstuvwx"
	des3B = "ABCDEFGHIJKLMNOPQRSTUVWX"
)

// write puts a file into a folder of its own and gives its path.
func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wholePiaotong is a set-up that is complete but for the 3DES key.
const wholePiaotong = "[piaotong]\nplatform_code = 'TESTCODE'\nplatform_prefix = 'TEST'\ntaxpayer_num = '91110108TEST00001X'\nenterprise_name = '测试企业有限公司'\n"

func TestSecretSources(t *testing.T) {
	dir, creds := t.TempDir(), t.TempDir()
	inFile := writeFile(t, dir, "des3.key", des3A+"\n")
	writeFile(t, creds, "des3_key", des3B)
	for _, tt := range []struct {
		name, file string
		environ    []string
		from       Origin
		path       string
		want       Secret
	}{
		{"none", "", nil, FromNowhere, "", ""},
		{"in the configuration", wholePiaotong + "des3_key = '" + des3A + "'", nil, FromConfig, "", des3A},
		{"an empty one beside a file", wholePiaotong + "des3_key = ''\ndes3_key_file = 'des3.key'", nil, FromFile, inFile, des3A},
		{"in a file", wholePiaotong + "des3_key_file = 'des3.key'", nil, FromFile, inFile, des3A},
		{"in the environment", wholePiaotong + "des3_key_file = 'des3.key'", []string{"AGENT_PIAOTONG_DES3_KEY=" + des3B}, FromEnvironment, "", des3B},
		{"a credential before all", wholePiaotong + "des3_key = '" + des3A + "'", []string{"AGENT_PIAOTONG_DES3_KEY=" + des3A, "CREDENTIALS_DIRECTORY=" + creds},
			FromCredential, filepath.Join(creds, "des3_key"), des3B},
		{"a folder without it", wholePiaotong + "des3_key = '" + des3A + "'", []string{"CREDENTIALS_DIRECTORY=" + dir}, FromConfig, "", des3A},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse(filepath.Join(dir, "config.toml"), []byte(tt.file), tt.environ)
			if err != nil {
				t.Fatal(err)
			}
			s, ok := c.Source("des3_key")
			if !ok || s.From != tt.from || s.Path != tt.path || s.Key != "piaotong.des3_key" || c.Secret("des3_key").Reveal() != tt.want.Reveal() {
				t.Errorf("%+v, the right key: %v", s, c.Secret("des3_key").Reveal() == tt.want.Reveal())
			}
			if tt.from != FromFile && len(c.SecretFiles) > 0 {
				t.Errorf("secret files %v", c.SecretFiles)
			}
			if wants := strings.Contains(tt.file, "_file"); wants != (s.Named == inFile) {
				t.Errorf("named %q", s.Named)
			}
		})
	}
	if _, ok := Default().Source("x"); ok || Default().Secret("x") != "" {
		t.Error("an unknown secret is known")
	}
}

// TestSecretNamesAreUnique: a name says which secret is meant, on the command line and to systemd.
func TestSecretNamesAreUnique(t *testing.T) {
	c, err := Parse("config.toml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range c.Secrets {
		if seen[s.Name] {
			t.Errorf("%s is the name of two secrets", s.Name)
		}
		seen[s.Name] = true
	}
	for _, name := range []string{"des3_key", "private_key", "platform_public_key", "webhook", "dingtalk_secret"} {
		if !seen[name] {
			t.Errorf("no secret %s in %v", name, c.Secrets)
		}
	}
}

func TestKeysAsCredentials(t *testing.T) {
	creds := t.TempDir()
	for _, name := range []string{"private_key", "private_key.next", "platform_public_key", "des3_key", "des3_key.next"} {
		writeFile(t, creds, name, des3A)
	}
	c, err := Parse("/etc/x/config.toml", []byte(wholePiaotong), []string{"CREDENTIALS_DIRECTORY=" + creds})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Piaotong
	if p.PrivateKeyFile != filepath.Join(creds, "private_key") || p.PrivateKeyNextFile != filepath.Join(creds, "private_key.next") || p.PlatformPublicKeyFile != filepath.Join(creds, "platform_public_key") ||
		p.PlatformPublicKeyNextFile != "" || p.DES3KeyNext.Reveal() != des3A || len(c.SecretFiles) != 0 {
		t.Errorf("%+v %v", p, c.SecretFiles)
	}
	for _, s := range c.Secrets {
		if s.From == FromCredential && s.Named != "" || s.Name == "private_key" && s.From != FromCredential {
			t.Errorf("%+v", s)
		}
	}
}

func TestNextKeys(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "des3.key", des3A+"\n")
	writeFile(t, dir, "private.pem", "x")
	file := []byte(wholePiaotong + "des3_key_file = 'des3.key'")
	load := func() (*Config, error) { return Parse(filepath.Join(dir, "config.toml"), file, nil) }
	c, err := load()
	if err != nil || c.Piaotong.DES3KeyNext != "" || c.Piaotong.PrivateKeyNextFile != "" || c.Piaotong.PlatformPublicKeyNextFile != "" {
		t.Fatalf("%v %+v", err, c)
	}
	next := []string{writeFile(t, dir, "des3.key.next", des3B+"\n"), writeFile(t, dir, "private.pem.next", "x"), writeFile(t, dir, "platform.pem.next", "x")}
	c, err = load()
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Piaotong; p.DES3Key != des3A || p.DES3KeyNext != des3B || p.PrivateKeyNextFile != next[1] || p.PlatformPublicKeyNextFile != next[2] {
		t.Errorf("%+v", p)
	}
	for _, path := range next {
		if !strings.Contains(strings.Join(c.SecretFiles, "\n")+"\n", path+"\n") {
			t.Errorf("%v lacks %s", c.SecretFiles, path)
		}
	}
	writeFile(t, dir, "des3.key.next", "short-and-secret")
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "24") || strings.Contains(err.Error(), "short-and-secret") {
		t.Errorf("a bad next key: %v", err)
	}
}

// TestTokenFilesAreSecretFiles: their rights count as those of others do.
func TestTokenFilesAreSecretFiles(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, dir, "pos.token", strings.Repeat("x", 40))
	c, err := Parse(filepath.Join(dir, "config.toml"), []byte("[api]\ntokens = [{name = 'a', role = 'pos', token_file = 'pos.token'}]"), nil)
	if err != nil || len(c.SecretFiles) != 1 || c.SecretFiles[0] != path {
		t.Errorf("%v %+v", err, c)
	}
}
