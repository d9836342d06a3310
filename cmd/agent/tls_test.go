package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
)

// shopCertificate is a certificate of its own for names, in files.
type shopCertificate struct{ cert, key string }

func newCertificate(t *testing.T, dir string, until time.Time, names ...string) shopCertificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-100 * 24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s := shopCertificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for path, b := range map[string]*pem.Block{s.cert: {Type: "CERTIFICATE", Bytes: der}, s.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// outwardAddress is one by which other machines reach this one; "" where it has
// none.
func outwardAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && isOutward(p.Addr().String()) {
			return p.Addr().String()
		}
	}
	return ""
}

// TestRemote lets another machine in: it calls by the certificate's name on an
// address that is not the loopback's, and the commands of this machine find the
// service as ever.
func TestRemote(t *testing.T) {
	dir := t.TempDir()
	const name = "till.example.cn"
	files := newCertificate(t, dir, time.Now().Add(90*24*time.Hour), name)
	port, listen, from := fmt.Sprint(freePort(t)), "0.0.0.0", "127.0.0.1"
	if out := outwardAddress(t); out != "" {
		listen, from = out, out
	}
	data := filepath.Join(dir, "data")
	path := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\nallow_remote = true\nhosts = [%q]\ntls_cert_file = \"cert.pem\"\ntls_key_file = \"key.pem\"\n[dropbox]\ndir = %q\n",
		data, net.JoinHostPort(listen, port), name, filepath.Join(dir, "drop"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := launch(t, "run", "--config", path)
	root, err := os.ReadFile(files.cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	call := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(from, port))
		}}}
	do := func(method, host, path, body string) (int, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+":"+port+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		token, err := os.ReadFile(filepath.Join(data, "api-token"))
		if err == nil {
			req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := call.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(answer), err
	}
	late := time.After(time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		if status, _, err := do(http.MethodGet, name, "/readyz", ""); err == nil && status == http.StatusOK {
			break
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it does not become ready\n%s", agent.errors.String())
		}
	}
	sale := `{"sale_id":"FAR-1","total":"1.00","items":[{"name":"茶","amount":"1.00","tax_code":"3070401000000000000","tax_rate":"0.06"}],"invoice":"none"}`
	if status, answer, err := do(http.MethodPost, name, "/v1/sales", sale); status != http.StatusCreated || err != nil {
		t.Errorf("a sale from afar: %d %s %v", status, answer, err)
	}
	if _, _, err := do(http.MethodGet, "other.example.cn", "/readyz", ""); err == nil {
		t.Error("the certificate holds for any name")
	}

	// What this machine's commands say of it.
	diagnose := func() diagnosis {
		t.Helper()
		p := launch(t, "doctor", "--config", path, "--json")
		var text strings.Builder
		for l := range p.lines {
			text.WriteString(l + "\n")
		}
		var d diagnosis
		if err := json.Unmarshal([]byte(text.String()), &d); err != nil {
			t.Fatalf("%v\n%s\n%s", err, text.String(), p.errors.String())
		}
		return d
	}
	finding := func(d diagnosis, check string) (all []string) {
		for _, f := range d.Findings {
			if f.Check == check {
				all = append(all, string(f.Verdict)+": "+f.What)
			}
		}
		return all
	}
	d := diagnose()
	if got := finding(d, checkService); len(got) != 1 || !strings.HasPrefix(got[0], "ok: runs") {
		t.Errorf("doctor of the service: %v", got)
	}
	if got := finding(d, checkCertificate); len(got) == 0 || !strings.HasPrefix(got[0], "ok: valid until") {
		t.Errorf("doctor of the certificate: %v", got)
	}
	console := launch(t, "console", "--config", path)
	if link := <-console.lines; !strings.HasPrefix(link, "https://"+name+":"+port+"/#code=") {
		t.Errorf("the console's link is %q\n%s", link, console.errors.String())
	}
	// Another certificate in the file than the service shows: it is not ours, and gets no token.
	if err := os.Rename(files.key, files.key+".away"); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.Rename(newCertificate(t, other, time.Now().Add(time.Hour), name).cert, files.cert); err != nil {
		t.Fatal(err)
	}
	d = diagnose()
	if got := finding(d, checkService); len(got) != 1 || !strings.HasPrefix(got[0], "failed") || !strings.Contains(got[0], "another certificate") {
		t.Errorf("doctor of somebody else's service: %v", got)
	}
	if got := finding(d, checkCertificate); len(got) != 1 || !strings.HasPrefix(got[0], "failed: api.tls_key_file") {
		t.Errorf("doctor of a key that is gone: %v", got)
	}
}

// TestRemoteRefused has what a start is refused for, with the key to mend.
func TestRemoteRefused(t *testing.T) {
	for _, tc := range []struct {
		name, api string
		spoil     func(t *testing.T, files shopCertificate)
		key       string
	}{
		{"another machine without leave", `listen = "0.0.0.0:1"`, nil, "api.listen"},
		{"another machine without TLS", "listen = \"0.0.0.0:1\"\nallow_remote = true", nil, "api.allow_remote"},
		{"no such certificate", withTLS, func(t *testing.T, f shopCertificate) { remove(t, f.cert) }, "api.tls_cert_file"},
		{"no such key", withTLS, func(t *testing.T, f shopCertificate) { remove(t, f.key) }, "api.tls_key_file"},
		{"the key of another", withTLS, func(t *testing.T, f shopCertificate) {
			if err := os.Rename(newCertificate(t, t.TempDir(), time.Now(), "x").key, f.key); err != nil {
				t.Fatal(err)
			}
		}, "api.tls_key_file"},
		{"a certificate that is none", withTLS, func(t *testing.T, f shopCertificate) {
			if err := os.WriteFile(f.cert, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "api.tls_cert_file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			files := newCertificate(t, dir, time.Now().Add(time.Hour), "localhost")
			if tc.spoil != nil {
				tc.spoil(t, files)
			}
			path := filepath.Join(dir, "config.toml")
			if err := os.WriteFile(path, []byte("data_dir = \"data\"\n[api]\n"+tc.api+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			agent := launch(t, "run", "--config", path)
			if code := agent.wait(); code != 1 || !strings.Contains(agent.errors.String(), tc.key) {
				t.Errorf("it exits with %d and says\n%s\nwithout naming %s", code, agent.errors.String(), tc.key)
			}
		})
	}
}

const withTLS = "listen = \"127.0.0.1:0\"\ntls_cert_file = \"cert.pem\"\ntls_key_file = \"key.pem\""

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestAliveByTLS asks the agent itself, which knows what it shows, whatever lies
// in the file: a certificate that was spoilt is no reason to be started again.
func TestAliveByTLS(t *testing.T) {
	dir := t.TempDir()
	files := newCertificate(t, dir, time.Now().Add(time.Hour), "x")
	cfg, err := config.Parse(filepath.Join(dir, "config.toml"), []byte("data_dir = \"data\"\n[api]\n"+withTLS+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := start(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.stop()
	if !strings.HasPrefix(a.url(), "https://127.0.0.1:") {
		t.Errorf("it is at %s", a.url())
	}
	for range 2 {
		if err := a.alive(t.Context()); err != nil {
			t.Error(err)
		}
		if err := errors.Join(os.WriteFile(files.cert, []byte("x"), 0o600), os.WriteFile(files.key, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDoctorOfCertificates(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name  string
		until time.Duration
		names []string
		api   config.API
		want  []string
	}{
		{"good", 90 * 24 * time.Hour, []string{"till.example.cn"}, config.API{Listen: "0.0.0.0:1", AllowRemote: true, Hosts: []string{"till.example.cn:1"}}, []string{"ok: valid until"}},
		{"soon over", 29 * 24 * time.Hour, []string{"x"}, config.API{Listen: "127.0.0.1:1"}, []string{"note: the certificate ends on"}},
		{"over", -time.Minute, []string{"x"}, config.API{Listen: "127.0.0.1:1"}, []string{"failed: the certificate ended on"}},
		{"not yet", 101 * 24 * time.Hour, []string{"x"}, config.API{Listen: "127.0.0.1:1"}, []string{"failed: the certificate is valid only from"}},
		{"no name for others", 90 * 24 * time.Hour, []string{"x"}, config.API{Listen: "[::]:1", AllowRemote: true}, []string{"ok", "note: other machines cannot call"}},
		{"names that it has not", 90 * 24 * time.Hour, []string{"192.0.2.7"}, config.API{Listen: "192.0.2.7:1", AllowRemote: true, Hosts: []string{"till.example.cn"}},
			[]string{"ok", "note: the certificate does not have the name till.example.cn"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := lang
			lang = "en"
			defer func() { lang = before }()
			files := newCertificate(t, t.TempDir(), now.Add(tc.until), tc.names...)
			tc.api.TLSCertFile, tc.api.TLSKeyFile = files.cert, files.key
			d := &doctor{cfg: &config.Config{API: tc.api}}
			d.certificate(now)
			if len(d.Findings) != len(tc.want) {
				t.Fatalf("%+v, want %v", d.Findings, tc.want)
			}
			for i, f := range d.Findings {
				if got := string(f.Verdict) + ": " + f.What; !strings.HasPrefix(got, tc.want[i]) {
					t.Errorf("%q, want %q", got, tc.want[i])
				}
			}
		})
	}
}
