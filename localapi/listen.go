package localapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Errors of Listen.
var (
	// ErrNotLoopback says that an address would let other machines in.
	ErrNotLoopback = errors.New("not a loopback address: only 127.0.0.1, [::1] and localhost are served")
	// ErrNeedsTLS says that other machines may come in by TLS alone.
	ErrNeedsTLS = errors.New("other machines are served by TLS alone, and there is no certificate")
)

// Listen listens on 127.0.0.1 and, where the machine has it, on the same port
// of [::1], so that "localhost" reaches the agent and nobody else whichever way
// it resolves. addr is host:port; port 0 draws one. On Windows the ports are
// bound exclusively.
//
// With remote, addr may be any address of this machine, 0.0.0.0 and [::]
// included, which is listened on beside the two; that needs a certificate. With
// a certificate TLS is spoken on all of them, and nothing else.
func Listen(addr string, cert *Certificate, remote bool) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	where, err := bindings(host, remote)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	if remote && cert == nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, ErrNeedsTLS)
	}
	lc := net.ListenConfig{Control: exclusive}
	var listeners []net.Listener
	for _, w := range where {
		l, err := lc.Listen(context.Background(), w.network, net.JoinHostPort(w.host, port))
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, fmt.Errorf("cannot listen on %s: %w", net.JoinHostPort(w.host, port), err)
		}
		port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port) // what was drawn for the first is for all
		if cert != nil {
			l = tls.NewListener(l, cert.config())
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// binding is a socket to listen on.
type binding struct{ network, host string }

// bindings are the sockets that a host of the configuration means. The loopback
// ones are always among them: the programs of this machine come by them.
func bindings(host string, remote bool) ([]binding, error) {
	ip4, ip6 := binding{"tcp4", "127.0.0.1"}, binding{"tcp6", "::1"}
	var beside []binding
	switch host {
	case "localhost", "127.0.0.1", "::1":
	default:
		if !remote {
			return nil, ErrNotLoopback
		}
		ip, err := netip.ParseAddr(host)
		switch {
		case err != nil:
			return nil, fmt.Errorf("not an address of this machine: %w", err)
		case ip == netip.IPv4Unspecified():
			ip4.host = host
		case ip == netip.IPv6Unspecified():
			ip4.host, ip6.host = "0.0.0.0", host
		case ip.Is4():
			beside = []binding{{"tcp4", host}}
		default:
			beside = []binding{{"tcp6", host}}
		}
	}
	all := []binding{ip4}
	if hasIPv6Loopback() {
		all = append(all, ip6)
	}
	return append(all, beside...), nil
}

func hasIPv6Loopback() bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == netip.IPv6Loopback() {
			return true
		}
	}
	return false
}
