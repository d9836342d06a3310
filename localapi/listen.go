package localapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// ErrNotLoopback says that an address would let other machines in.
var ErrNotLoopback = errors.New("not a loopback address: only 127.0.0.1, [::1] and localhost are served")

// Listen listens on 127.0.0.1 and, where the machine has it, on the same port
// of [::1], so that "localhost" reaches the agent and nobody else whichever way
// it resolves. addr is host:port; port 0 draws one. On Windows the ports are
// bound exclusively.
func Listen(addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	switch host {
	case "localhost", "127.0.0.1", "::1":
	default:
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, ErrNotLoopback)
	}
	lc := net.ListenConfig{Control: exclusive}
	first, err := lc.Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on 127.0.0.1:%s: %w", port, err)
	}
	listeners := []net.Listener{first}
	if hasIPv6Loopback() {
		port = strconv.Itoa(first.Addr().(*net.TCPAddr).Port)
		second, err := lc.Listen(context.Background(), "tcp6", net.JoinHostPort("::1", port))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot listen on [::1]:%s: %w", port, err), first.Close())
		}
		listeners = append(listeners, second)
	}
	return listeners, nil
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
