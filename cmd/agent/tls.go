package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
)

// This file has how the local API speaks TLS ([api] tls_cert_file and
// tls_key_file), and how programs of this machine call it then.

// certificateOf reads the certificate of the local API; nil where it speaks no
// TLS.
func certificateOf(api config.API, log *slog.Logger) (*localapi.Certificate, error) {
	if api.TLSCertFile == "" {
		return nil, nil
	}
	cert, err := localapi.LoadCertificate(api.TLSCertFile, api.TLSKeyFile, log)
	if err != nil {
		key := "api.tls_cert_file"
		if wrong, ok := errors.AsType[*localapi.CertificateError](err); ok && wrong.Key {
			key = "api.tls_key_file"
		}
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return cert, nil
}

// servedHosts are the names under which the local API is called beside the
// loopback's: the configured ones, and the address it listens on.
func servedHosts(api config.API) []string {
	host, _, err := net.SplitHostPort(api.Listen)
	if err != nil || !isOutward(host) {
		return api.Hosts
	}
	return append([]string{host}, api.Hosts...)
}

// isOutward tells an address by which other machines come in.
func isOutward(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.IsLoopback() && !ip.IsUnspecified()
}

// nobodyOutside tells a configuration that lets other machines in and has no
// name by which they may call.
func nobodyOutside(api config.API) bool {
	host, _, err := net.SplitHostPort(api.Listen)
	ip, notIP := netip.ParseAddr(host)
	return api.AllowRemote && err == nil && notIP == nil && ip.IsUnspecified() && len(api.Hosts) == 0
}

// scheme is that of the local API.
func scheme(api config.API) string {
	if api.TLSCertFile != "" {
		return "https"
	}
	return "http"
}

// transportTo calls a local API by TLS and takes no certificate but its own.
func transportTo(leaf func() (*x509.Certificate, error)) *http.Transport {
	t := direct.Clone()
	t.TLSClientConfig = localapi.OnlyServer(leaf)
	return t
}

// transport calls the service.
func (l localService) transport() *http.Transport {
	if l.certFile == "" {
		return direct
	}
	return transportTo(func() (*x509.Certificate, error) { return localapi.ReadLeaf(l.certFile) })
}

// pageURL is where a browser of this machine finds the console: by a name that
// the certificate has, if there is one.
func (l localService) pageURL(api config.API) string {
	if l.certFile == "" {
		return l.url
	}
	leaf, err := localapi.ReadLeaf(l.certFile)
	_, port, badPort := net.SplitHostPort(api.Listen)
	if err != nil || badPort != nil {
		return l.url
	}
	for _, name := range append([]string{"127.0.0.1", "localhost"}, servedHosts(api)...) {
		at := port
		if _, own, err := net.SplitHostPort(name); err == nil {
			at = own
		}
		if host := hostOf(name); leaf.VerifyHostname(host) == nil {
			return "https://" + net.JoinHostPort(host, at)
		}
	}
	return l.url
}

// url is where programs of this machine call the agent.
func (a *agent) url() string {
	s := "http"
	if a.cert != nil {
		s = "https"
	}
	return s + "://" + a.host()
}

// host is the local API's Host on this machine.
func (a *agent) host() string { return "127.0.0.1:" + strconv.Itoa(a.port()) }

// transport is how the agent calls itself.
func (a *agent) transport() *http.Transport {
	if a.cert == nil {
		return direct
	}
	return transportTo(func() (*x509.Certificate, error) { return a.cert.Leaf(), nil })
}

// soonOver is how long before a certificate's end doctor tells of it.
const soonOver = 30 * 24 * time.Hour

// certificate looks at the certificate of the local API, where it has one.
func (d *doctor) certificate(now time.Time) {
	api := d.cfg.API
	cert, err := certificateOf(api, slog.New(slog.DiscardHandler))
	switch {
	case err != nil:
		d.failed(checkCertificate, err.Error(), say("放好证书和它的私钥(PEM),两者必须成对;换新文件不用重启", "put a certificate and its own private key there, in PEM; new files need no new start"))
		return
	case cert == nil:
		return
	}
	leaf, renew := cert.Leaf(), say("换一张新证书,不用重启", "put a new one there; that needs no new start")
	const day = "2006-01-02"
	switch {
	case now.After(leaf.NotAfter):
		d.failed(checkCertificate, fmt.Sprintf(say("证书已在 %s 过期", "the certificate ended on %s"), leaf.NotAfter.Local().Format(day)), renew)
	case now.Before(leaf.NotBefore):
		d.failed(checkCertificate, fmt.Sprintf(say("证书从 %s 起才有效", "the certificate is valid only from %s"), leaf.NotBefore.Local().Format(day)), say("核对本机时间", "look at this machine's clock"))
	case leaf.NotAfter.Sub(now) < soonOver:
		d.note(checkCertificate, fmt.Sprintf(say("证书将在 %s 过期", "the certificate ends on %s"), leaf.NotAfter.Local().Format(day)), renew)
	default:
		d.ok(checkCertificate, fmt.Sprintf(say("有效期到 %s", "valid until %s"), leaf.NotAfter.Local().Format(day)))
	}
	if nobodyOutside(api) {
		d.note(checkCertificate, say("其他机器还不能调用:没有写它们用的名称", "other machines cannot call yet: no name for them is given"),
			say("把其他机器访问本机用的名称或地址写进 [api] hosts", "put the name or address by which they call into [api] hosts"))
	}
	for _, name := range servedHosts(api) {
		if host := hostOf(name); leaf.VerifyHostname(host) != nil {
			d.note(checkCertificate, fmt.Sprintf(say("证书里没有名称 %s", "the certificate does not have the name %s"), host),
				say("用这个名称访问会被拒绝:换一张有此名称的证书", "who calls by it will refuse it: use a certificate that has it"))
		}
	}
}

// hostOf is a host of the configuration without its port.
func hostOf(name string) string {
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	return strings.Trim(name, "[]")
}
