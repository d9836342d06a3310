package localapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
)

func TestListen(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "127.0.0.2:0", "[::ffff:127.0.0.1]:0", "example.com:0", "[fe80::1]:0"} {
		if ls, err := Listen(addr); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v, %v", addr, ls, err)
		}
	}
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"} {
		if ls, err := Listen(addr); err == nil {
			t.Errorf("%s: %v", addr, ls)
		}
	}
	ls, err := Listen("localhost:0")
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
	if _, err := Listen(want[0]); err == nil {
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
	other, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addr := fmt.Sprintf("127.0.0.1:%d", other.Addr().(*net.TCPAddr).Port)
	if _, err := Listen(addr); err == nil {
		t.Error("half a port is taken")
	}
	again, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatalf("the other half was not given back: %v", err)
	}
	again.Close()
}

func TestLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Limit(inner, 2)
	accepted := make(chan net.Conn)
	failed := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				failed <- err
				return
			}
			accepted <- c
		}
	}()
	var clients []net.Conn
	for range 3 { // the system takes the third; the listener does not
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	first, second := <-accepted, <-accepted
	if got := len(l.(*limited).slots); got != 2 {
		t.Errorf("%d of 2 slots are taken", got)
	}
	select {
	case <-accepted:
		t.Fatal("a third connection was accepted")
	default:
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	first.Close() // a second time gives no second slot
	third := <-accepted
	if _, err := io.WriteString(clients[2], "x"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(third, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if err := third.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if _, err := clients[2].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after CloseWrite the client reads %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	second.Close()
	third.Close()
}
