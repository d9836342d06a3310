package localapi

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestListen(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "127.0.0.2:0", "[::ffff:127.0.0.1]:0", "example.com:0", "[fe80::1]:0"} {
		if ls, err := Listen(addr, nil, false); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v, %v", addr, ls, err)
		}
	}
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"} {
		if ls, err := Listen(addr, nil, false); err == nil {
			t.Errorf("%s: %v", addr, ls)
		}
	}
	ls, err := Listen("localhost:0", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	port := ls[0].Addr().(*net.TCPAddr).Port
	want := []string{fmt.Sprintf("127.0.0.1:%d", port)}
	if hasIPv6Loopback() {
		want = append(want, fmt.Sprintf("[::1]:%d", port))
	}
	if len(ls) != len(want) {
		t.Fatalf("%d listeners, want %v", len(ls), want)
	}
	for i, l := range ls {
		if got := l.Addr().String(); got != want[i] {
			t.Errorf("listens on %s, want %s", got, want[i])
		}
	}
	if _, err := Listen(want[0], nil, false); err == nil {
		t.Error("the port can be taken twice")
	}
	for _, l := range ls {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Who holds [::1] alone would be sent what clients of "localhost" mean for us.
func TestListenOtherFamilyTaken(t *testing.T) {
	if !hasIPv6Loopback() {
		t.Skip("no [::1] here")
	}
	// Another program may have the drawn port of 127.0.0.1 before or after; what
	// is not given back is missing every time.
	var err error
	for range 10 {
		if err = listenOtherFamilyTaken(t); err == nil {
			return
		}
	}
	t.Error(err)
}

func listenOtherFamilyTaken(t *testing.T) error {
	other, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addr := fmt.Sprintf("127.0.0.1:%d", other.Addr().(*net.TCPAddr).Port)
	if _, err := Listen(addr, nil, false); err == nil {
		t.Fatal("half a port is taken")
	} else if !strings.Contains(err.Error(), other.Addr().String()) {
		return fmt.Errorf("%s is not said to be taken: %w", other.Addr(), err)
	}
	again, err := net.Listen("tcp4", addr)
	if err != nil {
		return fmt.Errorf("the other half was not given back: %w", err)
	}
	return again.Close()
}
