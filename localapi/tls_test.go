package localapi

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTLSOnEveryAddress(t *testing.T) {
	outward, has := outwardAddress(t)
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0", net.JoinHostPort(outward, "0")} {
		t.Run(addr, func(t *testing.T) {
			if !has && addr == ":0" {
				t.Skip("this machine has no address but the loopback's")
			}
			s := newSecure(t, addr)
			from := []string{"127.0.0.1"}
			if hasIPv6Loopback() {
				from = append(from, "::1")
			}
			if has && addr != "127.0.0.1:0" {
				from = append(from, outward)
			}
			for _, host := range from {
				resp, err := s.caller(host, s.trusting()).Get("https://till.example.cn:" + s.port + "/healthz")
				if err != nil {
					t.Errorf("from %s: %v", host, err)
					continue
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 1 || resp.TLS.Version < tls.VersionTLS12 {
					t.Errorf("from %s: %s %s, TLS %x", host, resp.Proto, resp.Status, resp.TLS.Version)
				}
			}
			if has && addr == "127.0.0.1:0" {
				if conn, err := net.DialTimeout("tcp", net.JoinHostPort(outward, s.port), 5*time.Second); err == nil {
					conn.Close()
					t.Error("the loopback's port is open to others")
				}
			}
			_, err := s.caller("127.0.0.1", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Get("https://localhost:" + s.port + "/healthz")
			if err == nil {
				t.Error("TLS 1.1 is spoken")
			}
			resp, err := s.caller("127.0.0.1", nil).Get("http://localhost:" + s.port + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("without TLS: %s", resp.Status)
			}
		})
	}
}

// outwardAddress is one by which other machines reach this one.
func outwardAddress(t *testing.T) (string, bool) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr().String(), true
		}
	}
	return "", false
}

// Who may call under which name is the same by TLS, and the pages are of https.
func TestTLSHostsAndOrigins(t *testing.T) {
	s := newSecure(t, "0.0.0.0:0")
	call := s.caller("127.0.0.1", &tls.Config{InsecureSkipVerify: true})
	for _, tc := range []struct {
		host, origin, site string
		want               int
	}{
		{"127.0.0.1:PORT", "", "", 200},
		{"till.example.cn:PORT", "", "", 200},
		{"TILL.example.cn:PORT", "", "", 200},
		{"till.example.cn", "", "", 421},
		{"other.example.cn:PORT", "", "", 421},
		{"0.0.0.0:PORT", "", "", 421},
		{"127.0.0.1:PORT", "https://127.0.0.1:PORT", "same-origin", 200},
		{"127.0.0.1:PORT", "http://127.0.0.1:PORT", "", 403},
		{"till.example.cn:PORT", "https://till.example.cn:PORT", "same-origin", 200},
		{"till.example.cn:PORT", "http://till.example.cn:PORT", "", 403},
		{"till.example.cn:PORT", "https://till.example.cn", "", 403},
		{"till.example.cn:PORT", "https://other.example.cn:PORT", "", 403},
		{"till.example.cn:PORT", goodOrigin, "cross-site", 200},
		{"till.example.cn:PORT", "null", "", 403},
	} {
		req, err := http.NewRequest(http.MethodGet, "https://127.0.0.1:"+s.port+"/v1/sales", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = strings.ReplaceAll(tc.host, "PORT", s.port)
		req.Header.Set("Authorization", "Bearer "+readSecret)
		if tc.origin != "" {
			req.Header.Set("Origin", strings.ReplaceAll(tc.origin, "PORT", s.port))
		}
		if tc.site != "" {
			req.Header.Set("Sec-Fetch-Site", tc.site)
		}
		resp, err := call.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("%+v: %s", tc, resp.Status)
		}
	}
}

// Browsers leave the port of https out of Host and Origin.
func TestTLSUsualPort(t *testing.T) {
	for _, tc := range []struct {
		o            Options
		host, origin string
		want         bool
	}{
		{Options{Port: 443, TLS: true, Hosts: []string{"till.example.cn"}}, "till.example.cn", "https://till.example.cn", true},
		{Options{Port: 443, TLS: true, Hosts: []string{"2001:db8::1"}}, "[2001:db8::1]", "https://[2001:db8::1]", true},
		{Options{Port: 443, TLS: true}, "localhost", "https://localhost", true},
		{Options{Port: 443, Hosts: []string{"till.example.cn"}}, "till.example.cn", "https://till.example.cn", false},
		{Options{Port: 17216, TLS: true, Hosts: []string{"till.example.cn"}}, "till.example.cn", "https://till.example.cn", false},
		{Options{Port: 17216, TLS: true, Hosts: []string{"till.example.cn:443"}}, "till.example.cn", "https://till.example.cn", true}, // a proxy stands before
	} {
		if g := newGuard(tc.o); g.hosts[tc.host] != tc.want || g.own[tc.origin] != tc.want {
			t.Errorf("%+v: hosts %v, own %v", tc, g.hosts, g.own)
		}
	}
}

// Those who connect and do not shake hands keep nobody from selling.
func TestTLSIdleCrowd(t *testing.T) {
	s := newSecure(t, "127.0.0.1:0")
	addr := "127.0.0.1:" + s.port
	for range 2 * maxConnections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	s.server.crowd.mu.Lock()
	if n := len(s.server.crowd.open); n > maxConnections {
		t.Errorf("%d connections are open", n)
	}
	s.server.crowd.mu.Unlock()
	body := plainBody("S1", "1.00")
	req, err := http.NewRequest(http.MethodPost, "https://"+addr+"/v1/sales", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+posSecret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.caller("127.0.0.1", s.trusting()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Errorf("%s %s %v", resp.Status, answer, err)
	}
}

// Who loses the place gets no farewell, for which one would have to wait.
func TestTLSHangUp(t *testing.T) {
	s := newSecure(t, "127.0.0.1:0")
	ours, theirs := net.Pipe() // what is written waits for its reader
	config := s.cert.config()
	config.SessionTicketsDisabled = true // they would be waited for, too
	server, client := tls.Server(ours, config), tls.Client(theirs, &tls.Config{InsecureSkipVerify: true})
	var shaking sync.WaitGroup
	shaking.Go(func() {
		if err := server.HandshakeContext(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	shaking.Wait()
	hangUpOn(server)
	if n, err := theirs.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v", n, err)
	}
}
