package localapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
)

// pems are a certificate of its own for names and its key, each in PEM.
func pems(t testing.TB, serial int64, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "till"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
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
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// paired is a pair of files.
type paired struct {
	t         testing.TB
	cert, key string
}

func (p paired) write(cert, key []byte) {
	p.t.Helper()
	for path, text := range map[string][]byte{p.cert: cert, p.key: key} {
		if text == nil {
			continue
		}
		// A new file under the name, as tools for certificates write them.
		if err := errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func newPaired(t testing.TB) paired {
	dir := t.TempDir()
	return paired{t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

func TestCertificateFiles(t *testing.T) {
	cert, key := pems(t, 1, "till.example.cn")
	_, otherKey := pems(t, 2, "till.example.cn")
	for _, tc := range []struct {
		name      string
		cert, key []byte
		inKey     bool
	}{
		{"no certificate", nil, key, false},
		{"no key", cert, nil, true},
		{"nonsense for a certificate", []byte("x"), key, false},
		{"a damaged certificate", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), key, false},
		{"the key for the certificate", key, key, false},
		{"the certificate for the key", cert, cert, true},
		{"the key of another", cert, otherKey, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPaired(t)
			p.write(tc.cert, tc.key)
			_, err := LoadCertificate(p.cert, p.key, slog.New(slog.DiscardHandler))
			var wrong *CertificateError
			if !errors.As(err, &wrong) || wrong.Key != tc.inKey {
				t.Fatalf("%v, in the key's file: want %v", err, tc.inKey)
			}
			if file := map[bool]string{false: p.cert, true: p.key}[tc.inKey]; !strings.Contains(err.Error(), file) {
				t.Errorf("%v does not name %s", err, file)
			}
		})
	}
}

// secure is a till whose listeners speak TLS.
type secure struct {
	*till
	files paired
	cert  *Certificate
	port  string
}

// newSecure listens on addr, with port 0.
func newSecure(t *testing.T, addr string) *secure {
	t.Helper()
	s := &secure{files: newPaired(t)}
	s.files.write(pems(t, 1, "till.example.cn", "localhost", "127.0.0.1", "::1"))
	logs := &logBuffer{}
	cert, err := LoadCertificate(s.files.cert, s.files.key, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := Listen(addr, cert, true)
	if err != nil {
		t.Fatal(err)
	}
	_, s.port, _ = net.SplitHostPort(listeners[0].Addr().String())
	s.till = newTill(t, func(o *Options, _ *queue.Options) {
		o.TLS, o.Port = true, listeners[0].Addr().(*net.TCPAddr).Port
	})
	s.cert, s.log = cert, logs
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := s.http.Serve(l); err != http.ErrServerClosed {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		s.http.Close()
		serving.Wait()
	})
	return s
}

// caller calls the till at an address whatever the URL's host says.
func (s *secure) caller(host string, c *tls.Config) *http.Client {
	var d net.Dialer
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(host, s.port))
	}
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

// trusting takes certificates that the till's file signs.
func (s *secure) trusting() *tls.Config {
	text, err := os.ReadFile(s.files.cert)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: roots}
}

func TestCertificateIsFollowed(t *testing.T) {
	s := newSecure(t, "127.0.0.1:0")
	shown := func() int64 {
		t.Helper()
		s.cert.mu.Lock()
		s.cert.looked = time.Time{}
		s.cert.mu.Unlock()
		conn, err := tls.Dial("tcp", "127.0.0.1:"+s.port, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := shown(); got != 1 {
		t.Fatalf("certificate %d is shown, want 1", got)
	}
	cert, key := pems(t, 2, "localhost")
	s.files.write(cert, nil)
	if got := shown(); got != 1 {
		t.Errorf("half of the files is new: certificate %d is shown", got)
	}
	shown() // the same trouble is told once
	if n := strings.Count(s.log.String(), "of no use"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, s.log.String())
	}
	s.files.write(nil, key)
	if got := shown(); got != 2 {
		t.Errorf("both files are new: certificate %d is shown", got)
	}
	if err := os.Remove(s.files.key); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != 2 {
		t.Errorf("a file is gone: certificate %d is shown", got)
	}
}

// Programs of this machine give their token to nobody else.
func TestOnlyServer(t *testing.T) {
	s := newSecure(t, "127.0.0.1:0")
	get := func(leaf func() (*x509.Certificate, error)) error {
		// The name is none of the certificate's: it is the certificate that counts.
		resp, err := s.caller("127.0.0.1", OnlyServer(leaf)).Get("https://[::1]:" + s.port + "/healthz")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return err
	}
	inFile := func() (*x509.Certificate, error) { return ReadLeaf(s.files.cert) }
	if err := get(inFile); err != nil {
		t.Error(err)
	}
	if err := get(func() (*x509.Certificate, error) { return s.cert.Leaf(), nil }); err != nil {
		t.Error(err)
	}
	other, _ := pems(t, 1, "localhost", "::1")
	s.files.write(other, nil)
	if err := get(inFile); !errors.Is(err, errOtherServer) {
		t.Errorf("%v, want %v", err, errOtherServer)
	}
	if err := os.Remove(s.files.cert); err != nil {
		t.Fatal(err)
	}
	if err := get(inFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v without the file", err)
	}
}
