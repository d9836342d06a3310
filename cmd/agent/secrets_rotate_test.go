package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
)

// newPlatformPair is a pair that the platform changes to.
func newPlatformPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, documentedBits)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(pkcs8), base64.StdEncoding.EncodeToString(spki)
}

// TestRotate changes each key as a shop does: begin, start the service again, the
// platform changes over, end. No sale goes without its QR code meanwhile.
func TestRotate(t *testing.T) {
	const des3 = "the-new-key-of-24-chars!"
	platformPrivate, platformPublic := newPlatformPair(t)
	for _, tt := range []struct {
		name, stdin string
		args        []string
		change      func(shown string) sandbox.KeyChange
	}{
		{privateKeyName, "", nil, func(shown string) sandbox.KeyChange { return sandbox.KeyChange{PartnerPublicKey: shown} }},
		{platformKeyName, platformPublic, []string{platformKeyName}, func(string) sandbox.KeyChange { return sandbox.KeyChange{PlatformPrivateKey: platformPrivate} }},
		{des3KeyName, des3, []string{des3KeyName}, func(string) sandbox.KeyChange { return sandbox.KeyChange{DES3Key: des3} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newSecretsRig(t)
			if _, errs := r.secrets(1, "", "rotate", "finish"); !strings.Contains(errs, "no key is being changed") {
				t.Errorf("nothing to finish: %s", errs)
			}
			if tt.name == des3KeyName {
				if _, errs := r.secrets(1, tt.stdin, "rotate", "start", des3KeyName); !strings.Contains(errs, "agent secrets import") {
					t.Errorf("in the configuration: %s", errs)
				}
				r.secrets(0, "", "import")
			}
			source, _ := r.load().Source(tt.name)
			before := r.read(source.Path)

			out, errs := r.secrets(0, tt.stdin, append([]string{"rotate", "start"}, tt.args...)...)
			if !strings.Contains(out+errs, "agent restart") {
				t.Errorf("start: %s%s", out, errs)
			}
			if info, err := os.Stat(source.Path + config.NextSuffix); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the next key: %v %v", info, err)
			}
			if _, errs := r.secrets(1, tt.stdin, append([]string{"rotate", "start"}, tt.args...)...); !strings.Contains(errs, "already") {
				t.Errorf("twice: %s", errs)
			}
			r.healthy() // with a note
			if out, _ := r.secrets(0, "", "list"); !strings.Contains(out, "being changed") {
				t.Errorf("list: %s", out)
			}
			// The platform does not know it yet: nothing is ended.
			if _, errs := r.secrets(1, "", "rotate", "finish"); !strings.Contains(errs, "does not work yet") || r.read(source.Path) != before {
				t.Errorf("finish too early: %s", errs)
			}

			sales := 0
			sell := func(p *pos) {
				t.Helper()
				sales++
				id := tt.name + string(rune('0'+sales))
				sale := p.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=20s", coffee(id))
				if sale["qr"] == nil {
					t.Errorf("sale %d has no QR code: %v", sales, sale)
				}
			}
			serve := func() (*process, *pos) {
				t.Helper()
				agent := launch(t, "run", "--config", r.config)
				p := &pos{t: t, url: "http://" + r.load().API.Listen, data: r.data}
				p.ready()
				return agent, p
			}
			agent, p := serve()
			sell(p)
			if err := r.sandbox.ChangeKeys(tt.change(strings.TrimSpace(out))); err != nil {
				t.Fatal(err)
			}
			sell(p)
			sell(p)
			if _, errs := r.secrets(1, "", "rotate", "cancel", tt.name); !strings.Contains(errs, "not given up") {
				t.Errorf("cancel too late: %s", errs)
			}
			shown := out // before the end: our new public key
			out, _ = r.secrets(0, "", "rotate", "finish")
			if tt.name == privateKeyName && r.read(filepath.Join(filepath.Dir(source.Path), publicFile)) != shown {
				t.Error("the public key beside the private one is not the new one")
			}
			if !strings.Contains(out, "✓ "+tt.name) || r.read(source.Path) == before {
				t.Errorf("finish: %s", out)
			}
			sell(p)
			agent.kill()
			_, p = serve()
			sell(p)
			if cfg := r.load(); cfg.Piaotong.DES3KeyNext != "" || cfg.Piaotong.PrivateKeyNextFile != "" || cfg.Piaotong.PlatformPublicKeyNextFile != "" {
				t.Error("a change is still under way")
			}
			if l, err := r.sandbox.Ledger(); err != nil || len(l.QRs) != sales || len(l.Problems()) > 0 {
				t.Errorf("%d codes for %d sales, %v %v", len(l.QRs), sales, l.Problems(), err)
			}
		})
	}
}

func TestRotateCancelAndNames(t *testing.T) {
	r := newSecretsRig(t)
	own := r.load().Piaotong.PrivateKeyFile
	before := r.read(own)
	line, _ := r.secrets(0, "", "rotate", "start", "--bits", "2048")
	public := filepath.Join(filepath.Dir(own), nextPublicFile)
	if r.read(public) != line {
		t.Errorf("the file has %q, the terminal %q", r.read(public), line)
	}
	r.secrets(0, "", "rotate", "cancel", privateKeyName)
	for _, gone := range []string{own + config.NextSuffix, public} {
		if _, err := os.Stat(gone); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	if r.read(own) != before {
		t.Error("the present key was changed")
	}
	r.healthy()
	for _, args := range [][]string{{"rotate", "cancel"}, {"rotate", "start", "webhook"}, {"rotate", "start", "--bits", "512"}, {"rotate"}, {"rotate", "finish", privateKeyName, des3KeyName}} {
		r.secrets(2, "", args...)
	}
	// Our own public key is not the platform's.
	mine, err := publicKey(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := r.secrets(1, mine, "rotate", "start", platformKeyName); !strings.Contains(errs, "our own") {
		t.Errorf("%s", errs)
	}
	// Unreachable, the platform says nothing, and nothing is changed.
	r.secrets(0, "", "rotate", "start")
	r.platform.Close()
	r.secrets(1, "", "rotate", "finish")
	r.secrets(1, "", "rotate", "cancel", privateKeyName)
	if r.read(own) != before {
		t.Error("the key was changed without a word of the platform")
	}
}
