package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSecurity is the list of what may not happen to the local API, tried
// against the built program as a page in the till's browser, another program of
// the machine or a guesser would. `make security` prints it as a table. The
// checks stand on each other: what an earlier one let in, a later one finds.
func TestSecurity(t *testing.T) {
	f := newFortress(t)
	for _, check := range []struct {
		name string
		try  func(*fortress)
	}{
		{"bind: loopback alone, and no second time", (*fortress).bind},
		{"Host: every variant", (*fortress).hostVariants},
		{"Host: a rebound name posts", (*fortress).reboundPost},
		{"Host: a rebound name gets", (*fortress).reboundGet},
		{"Origin: null, suffixes, other port, other scheme", (*fortress).origins},
		{"Content-Type: text, form and multipart posts", (*fortress).contentTypes},
		{"GET: none of the API's description changes anything", (*fortress).crawl},
		{"preflight: the whole matrix", (*fortress).preflights},
		{"preflight: private network only when asked and allowed", (*fortress).privateNetwork},
		{"Sec-Fetch: the whole matrix", (*fortress).secFetch},
		{"tokens: never in a query, roles hold", (*fortress).roles},
		{"tokens: given out and revoked beside the running service", (*fortress).givenOut},
		{"console: a code is good once, and no cookie is set", (*fortress).console},
		{"strangers: existing and missing paths look the same", (*fortress).equalAnswers},
		{"limits: slow headers and bodies keep nobody waiting", (*fortress).slow},
		{"limits: 1 GB body, 10,000 headers, deep JSON", (*fortress).large},
		{"guessing: slowed, and nobody else is locked out", (*fortress).bruteForce},
		{"every answer: headers, no *, no credentials, Vary", (*fortress).everyAnswer},
		{"log: no token, key, tax number or phone in it", (*fortress).logKeepsQuiet},
	} {
		t.Run(check.name, func(t *testing.T) {
			f.t = t
			f.pos.t = t
			check.try(f)
		})
	}
}

// What a buyer gave, which no log may have.
const (
	buyerTaxNo  = "91310115MA1K4ABC5X"
	buyerMobile = "13912345678"
	buyerPhone  = "021-55667788"
	trusted     = "https://pos.example.cn"
)

// fortress is the agent under attack.
type fortress struct {
	t       *testing.T
	pos     *pos
	agent   *process
	config  string
	addr    string
	port    string
	tokens  map[string]string // by role
	secrets []string          // of which none may be in a log
	answers []seen
}

// seen is an answer of the agent.
type seen struct {
	what   string
	status int
	header http.Header
	body   string
	closed bool // the connection was, at once
}

func newFortress(t *testing.T) *fortress {
	t.Helper()
	dir := t.TempDir()
	keys, data := filepath.Join(dir, "sandbox"), filepath.Join(dir, "data")
	platform, err := startSandbox("127.0.0.1:0", keys, logger(io.Discard, "error"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := platform.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fortress{t: t, port: fmt.Sprint(freePort(t)), config: filepath.Join(dir, "config.toml"),
		tokens: map[string]string{"pos": strings.Repeat("pos-", 9), "read": strings.Repeat("read", 9)}}
	f.addr = "127.0.0.1:" + f.port
	f.pos = &pos{t, "http://" + f.addr, data}
	account := platform.Account()
	text := fmt.Sprintf("data_dir = %q\n[log]\nlevel = \"debug\"\n[api]\nlisten = %q\norigins = [%q]\nhosts = [\"till.example.cn\"]\n"+
		"tokens = [{name = \"till-1\", role = \"pos\", token = %q}, {name = \"board\", role = \"read\", token = %q}]\n[piaotong.poll]\nfast = \"1h\"\nslow = \"1h\"\n%s",
		data, f.addr, trusted, f.tokens["pos"], f.tokens["read"], account.ConfigTOML(platform.URL, keys))
	if err := os.WriteFile(f.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.agent = launch(t, "run", "--config", f.config)
	f.pos.ready()
	own, err := os.ReadFile(filepath.Join(data, "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	f.tokens["console"] = strings.TrimSpace(string(own))
	f.secrets = append(f.secrets, account.DES3Key, account.TaxpayerNum, buyerTaxNo, buyerMobile, buyerPhone, f.tokens["pos"], f.tokens["read"], f.tokens["console"])
	for line := range strings.Lines(account.PrivateKeyPEM) {
		if !strings.HasPrefix(line, "-----") {
			f.secrets = append(f.secrets, strings.TrimSpace(line))
		}
	}
	// Something to look at, with the data of a buyer in it.
	sale := strings.Replace(coffee("S1"), `"sale_id"`, fmt.Sprintf(`"buyer":{"name":"某某公司","tax_no":%q,"phone":%q,"mobile":%q},"sale_id"`, buyerTaxNo, buyerPhone, buyerMobile), 1)
	f.pos.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", sale)
	f.pos.must(http.StatusCreated, http.MethodPost, "/v1/invoices?wait=10s", strings.Replace(strings.Replace(sale, `"sale_id":"S1"`, `"invoice_id":"I1"`, 1), `"S1"`, `"I1"`, 1))
	f.pos.must(http.StatusCreated, http.MethodPost, "/v1/sales", strings.Replace(coffee("S2"), `"total"`, `"invoice":"none","total"`, 1))
	f.pos.must(http.StatusCreated, http.MethodPost, "/v1/sales/S2/refunds", `{"refund_id":"R1"}`)
	return f
}

// send sends bytes on a connection of its own and reads the answer.
func (f *fortress) send(what, request string) seen {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		f.t.Fatal(err)
	}
	// It may be answered and closed before it is sent as a whole.
	_, _ = io.WriteString(conn, request)
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
	a := seen{what: what, status: resp.StatusCode, header: resp.Header, body: string(body)}
	if resp.Close {
		_, err = in.ReadByte()
		a.closed = err != nil
	}
	f.answers = append(f.answers, a)
	return a
}

// ask is a call with header lines, one of which may be Host; without one it is
// the right one.
func (f *fortress) ask(method, path, body string, lines ...string) seen {
	f.t.Helper()
	head := method + " " + path + " HTTP/1.1\r\n"
	if !strings.Contains("\n"+strings.Join(lines, "\n"), "\nHost:") {
		head += "Host: " + f.addr + "\r\n"
	}
	for _, l := range lines {
		head += l + "\r\n"
	}
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return f.send(method+" "+path+" "+strings.Join(lines, ", "), head+"\r\n"+body)
}

func (f *fortress) bearer(role string) string { return "Authorization: Bearer " + f.tokens[role] }

const typeJSON = "Content-Type: application/json"

// want holds an answer to its status.
func (f *fortress) want(a seen, status int) seen {
	f.t.Helper()
	if a.status != status {
		f.t.Errorf("%s: %d %s, want %d", a.what, a.status, a.body, status)
	}
	return a
}

// notTaken holds that a sale was not stored.
func (f *fortress) notTaken(id string) {
	f.t.Helper()
	f.want(f.ask("GET", "/v1/sales/"+id, "", f.bearer("read")), 404)
}
