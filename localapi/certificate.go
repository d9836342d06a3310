package localapi

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is what the local API shows to those who call it by TLS. It is
// read again when its files change, so that a new one needs no new start. It is
// safe for concurrent use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	shown   *tls.Certificate
	files   [2]fileStamp // as they were when shown was read
	looked  time.Time
	trouble string // what was logged of the files as they are
}

// fileStamp tells one content of a file from the next.
type fileStamp struct {
	changed time.Time
	size    int64
}

// CertificateError says which of the two files is of no use, and why.
type CertificateError struct {
	Key bool // the private key's file; else the certificate's
	err error
}

func (e *CertificateError) Error() string { return e.err.Error() }

// Unwrap gives what is wrong with the file.
func (e *CertificateError) Unwrap() error { return e.err }

// LoadCertificate reads a certificate, with those that lead to its root, and
// its private key, both in PEM. The error is a *CertificateError.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, looked: time.Now()}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// Leaf is the certificate that callers are shown now.
func (c *Certificate) Leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.Leaf
}

// lookEvery is how often a handshake looks whether the files changed.
const lookEvery = time.Second

// config is how the server speaks TLS. HTTP/2 is not spoken: the limits of open
// connections would not hold for it.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if now := time.Now(); now.Sub(c.looked) >= lookEvery {
				c.looked = now
				c.follow()
			}
			return c.shown, nil
		},
	}
}

// follow reads the files again where they changed. While they cannot be read or
// do not belong together, as when one of them is new and the other is not yet,
// the old ones are shown.
func (c *Certificate) follow() {
	if now, err := stampFiles(c.certFile, c.keyFile); err == nil && now == c.files {
		return
	}
	err := c.read()
	switch {
	case err == nil:
		c.trouble = ""
		c.log.Info("the certificate of the local API was read again", "until", c.shown.Leaf.NotAfter)
	case err.Error() != c.trouble:
		c.trouble = err.Error()
		c.log.Error("the new certificate of the local API is of no use; the old one is shown", "err", err)
	}
}

func (c *Certificate) read() error {
	files, err := stampFiles(c.certFile, c.keyFile) // before reading: what changes meanwhile is read again
	if err != nil {
		return err
	}
	chain, err := os.ReadFile(c.certFile)
	if err != nil {
		return &CertificateError{err: err}
	}
	leaf, err := firstCertificate(chain)
	if err != nil {
		return &CertificateError{err: fmt.Errorf("%s: %w", c.certFile, err)}
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return &CertificateError{Key: true, err: err}
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return &CertificateError{Key: true, err: fmt.Errorf("%s: %w", c.keyFile, err)}
	}
	pair.Leaf = leaf
	c.shown, c.files = &pair, files
	return nil
}

func stampFiles(certFile, keyFile string) (stamps [2]fileStamp, err error) {
	for i, path := range []string{certFile, keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return stamps, &CertificateError{Key: i == 1, err: err}
		}
		stamps[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

// firstCertificate is the first of a PEM file: the server's own.
func firstCertificate(text []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("there is no certificate in PEM form in it")
}

// ReadLeaf reads the server's own certificate from its file, which needs no key.
func ReadLeaf(certFile string) (*x509.Certificate, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	leaf, err := firstCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certFile, err)
	}
	return leaf, nil
}

// OnlyServer is how a program of this machine calls the local API by TLS: it
// takes no other certificate than the given one, and that one whatever names it
// has and however old it is. Whoever else listens there learns no token.
func OnlyServer(leaf func() (*x509.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // for VerifyConnection, which is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			own, err := leaf()
			if err != nil {
				return err
			}
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, own.Raw) {
				return errOtherServer
			}
			return nil
		},
	}
}

var errOtherServer = errors.New("it shows another certificate than the configuration names")
