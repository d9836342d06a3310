package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What a page in the till's browser may try.

func (f *fortress) bind() {
	if c, err := net.DialTimeout("tcp", "127.0.0.2:"+f.port, time.Second); err == nil {
		c.Close()
		f.t.Error("another address of the loopback is served: the port is bound on all of them")
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, a := range addrs {
		ip, _, err := net.ParseCIDR(a.String())
		if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			continue
		}
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), f.port), time.Second); err == nil {
			c.Close()
			f.t.Errorf("%s is served", ip)
		}
	}
	if l, err := net.Listen("tcp", f.addr); err == nil {
		l.Close()
		f.t.Error("the port can be taken a second time")
	}
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		path := filepath.Join(f.t.TempDir(), "config.toml")
		if err := os.WriteFile(path, fmt.Appendf(nil, "data_dir = %q\n[api]\nlisten = %q\n", f.t.TempDir(), listen), 0o600); err != nil {
			f.t.Fatal(err)
		}
		if got := launch(f.t, "run", "--config", path).wait(); got != 1 {
			f.t.Errorf("listen = %q: exit status %d, want 1", listen, got)
		}
	}
}

func (f *fortress) hostVariants() {
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "[::1]", "till.example.cn"} {
		f.want(f.ask("GET", "/healthz", "", "Host: "+host+":"+f.port), 200)
	}
	for _, host := range []string{
		"", "127.0.0.1", "localhost", "[::1]", "127.0.0.1.:" + f.port, "localhost.:" + f.port, "0.0.0.0:" + f.port, "[::]:" + f.port,
		"2130706433:" + f.port, "0x7f000001:" + f.port, "0177.0.0.1:" + f.port, "127.1:" + f.port, "[::ffff:127.0.0.1]:" + f.port, "[::ffff:7f00:1]:" + f.port,
		"127.0.0.1:1", "127.0.0.1:0" + f.port, "evil.example.com:" + f.port, "127.0.0.1.evil.example.com:" + f.port, "till.example.cn.evil.example.com:" + f.port,
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			a := f.want(f.ask(method, "/v1/sales", coffee("host"), "Host: "+host, typeJSON, f.bearer("pos")), 421)
			if !a.closed {
				f.t.Errorf("%s: the connection stays open", a.what)
			}
		}
	}
	f.want(f.send("HTTP/1.0 without a Host", "GET /healthz HTTP/1.0\r\n\r\n"), 421)
	f.want(f.send("an absolute target", "GET http://evil.example.com/healthz HTTP/1.1\r\nHost: "+f.addr+"\r\n\r\n"), 421)
	// The HTTP library refuses these itself, before any of our code.
	f.want(f.send("no Host", "GET /healthz HTTP/1.1\r\n\r\n"), 400)
	f.want(f.send("two Hosts", "GET /healthz HTTP/1.1\r\nHost: "+f.addr+"\r\nHost: evil.example.com\r\n\r\n"), 400)
	f.notTaken("host")
}

// A page whose name points here now is "same origin" for its browser, even with
// a right token.
func (f *fortress) rebound() []string {
	return []string{"Host: evil.example.com:" + f.port, "Origin: http://evil.example.com:" + f.port, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors",
		"Sec-Fetch-Dest: empty", typeJSON, f.bearer("console")}
}

func (f *fortress) reboundPost() {
	f.want(f.ask("POST", "/v1/sales", coffee("rebound"), f.rebound()...), 421)
	f.want(f.ask("DELETE", "/v1/session", "", f.rebound()...), 421)
	f.notTaken("rebound")
}

func (f *fortress) reboundGet() {
	for _, path := range []string{"/healthz", "/v1/sales/S1", "/v1/status", "/metrics", "/v1/events", "/", "/v1/docs"} {
		f.want(f.ask("GET", path, "", f.rebound()...), 421)
		f.want(f.ask("HEAD", path, "", f.rebound()...), 421)
	}
}

func (f *fortress) origins() {
	for _, origin := range []string{"null", "", "*", "http://pos.example.cn", trusted + ":8443", trusted + ".evil.example.com", "https://evilpos.example.cn",
		"https://evil.example.com", trusted + "/", "HTTPS://POS.EXAMPLE.CN", "https://pos.example.cn@evil.example.com", "http://127.0.0.1:1", "http://127.0.0.1",
		"https://" + f.addr, "file://", "chrome-extension://abc", "http://till.example.cn:" + f.port} {
		for _, a := range []seen{
			f.ask("POST", "/v1/sales", coffee("origin"), "Origin: "+origin, typeJSON, f.bearer("pos")),
			f.ask("GET", "/v1/sales/S1", "", "Origin: "+origin, f.bearer("pos")),
			f.ask("GET", "/healthz", "", "Origin: "+origin),
			f.ask("OPTIONS", "/v1/sales", "", "Origin: "+origin, "Access-Control-Request-Method: POST"),
		} {
			f.want(a, 403)
			f.noneAllowed(a)
		}
	}
	f.want(f.ask("GET", "/healthz", "", "Origin: "+trusted, "Origin: https://evil.example.com"), 403)
	f.notTaken("origin")
	a := f.want(f.ask("POST", "/v1/sales", coffee("origin"), "Origin: "+trusted, typeJSON, f.bearer("pos")), 201)
	if a.header.Get("Access-Control-Allow-Origin") != trusted {
		f.t.Errorf("%v", a.header)
	}
}

// noneAllowed holds that an answer lets no page read it.
func (f *fortress) noneAllowed(a seen) {
	f.t.Helper()
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			f.t.Errorf("%s is answered with %s", a.what, name)
		}
	}
}

func (f *fortress) contentTypes() {
	for _, form := range []string{"text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
		"application/json, text/plain", "text/plain; application/json", "application/json; charset=gbk"} {
		for _, path := range []string{"/v1/sales", "/v1/sales/S1/retry", "/v1/session", "/v1/push/piaotong", "/nowhere"} {
			f.want(f.ask("POST", path, coffee("form"), "Content-Type: "+form, f.bearer("pos")), 415)
		}
	}
	f.want(f.ask("POST", "/v1/sales", coffee("form"), f.bearer("pos")), 415)
	f.want(f.ask("POST", "/v1/sales", coffee("form"), typeJSON, "Content-Type: text/plain", f.bearer("pos")), 415)
	f.want(f.ask("DELETE", "/v1/print-jobs/J1", "", f.bearer("pos")), 415)
	f.notTaken("form")
}

func (f *fortress) preflights() {
	for _, path := range []string{"/v1/sales", "/v1/sales/S1", "/v1/console-codes", "/nowhere"} {
		for _, method := range []string{"GET", "POST", "DELETE", "PUT"} {
			for _, headers := range []string{"authorization,content-type", "x-anything"} {
				ask := []string{"Access-Control-Request-Method: " + method, "Access-Control-Request-Headers: " + headers}
				a := f.want(f.ask("OPTIONS", path, "", append(ask, "Origin: "+trusted)...), 204)
				for name, value := range map[string]string{"Access-Control-Allow-Origin": trusted, "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
					"Access-Control-Allow-Headers": "authorization, content-type, last-event-id", "Access-Control-Max-Age": "600",
					"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network"} {
					if got := a.header.Get(name); got != value {
						f.t.Errorf("%s: %s is %q, want %q", a.what, name, got, value)
					}
				}
				f.noneAllowed(f.want(f.ask("OPTIONS", path, "", append(ask, "Origin: https://evil.example.com")...), 403))
				f.noneAllowed(f.want(f.ask("OPTIONS", path, "", append(ask, "Origin: null")...), 403))
				f.noneAllowed(f.want(f.ask("OPTIONS", path, "", ask...), 401))
			}
		}
	}
}

func (f *fortress) privateNetwork() {
	const header = "Access-Control-Allow-Private-Network"
	for _, tt := range []struct {
		origin, asked, want string
	}{{trusted, "true", "true"}, {trusted, "false", ""}, {trusted, "", ""}, {"https://evil.example.com", "true", ""}, {"null", "true", ""}} {
		lines := []string{"Origin: " + tt.origin, "Access-Control-Request-Method: POST"}
		if tt.asked != "" {
			lines = append(lines, "Access-Control-Request-Private-Network: "+tt.asked)
		}
		if a := f.ask("OPTIONS", "/v1/sales", "", lines...); a.header.Get(header) != tt.want {
			f.t.Errorf("%s is answered %q, want %q", a.what, a.header.Get(header), tt.want)
		}
	}
	if a := f.ask("GET", "/healthz", "", "Origin: "+trusted, "Access-Control-Request-Private-Network: true"); a.header.Get(header) != "" {
		f.t.Error("given without a preflight")
	}
}

func (f *fortress) secFetch() {
	own := "http://" + f.addr
	for _, origin := range []string{"", trusted, own, "https://evil.example.com"} {
		for _, site := range []string{"", "none", "same-origin", "same-site", "cross-site", "new-word"} {
			for _, dest := range []string{"", "empty", "document", "image", "script", "iframe", "frame", "embed", "object"} {
				var lines []string
				for name, value := range map[string]string{"Origin": origin, "Sec-Fetch-Site": site, "Sec-Fetch-Dest": dest} {
					if value != "" {
						lines = append(lines, name+": "+value)
					}
				}
				want := 200
				switch {
				case origin == "https://evil.example.com",
					dest == "iframe", dest == "frame", dest == "embed", dest == "object",
					origin != trusted && site != "" && site != "none" && site != "same-origin":
					want = 403
				}
				f.want(f.ask("GET", "/healthz", "", lines...), want)
			}
		}
	}
}
