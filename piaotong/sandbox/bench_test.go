package sandbox

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// bench is a sandbox behind a real server, with a client of it.
type bench struct {
	*Sandbox
	clock  *clock
	url    string
	client *piaotong.Client
}

// oneKeys are the keys of all benches without a directory.
var oneKeys = sync.OnceValues(newKeys)

func sharedKeys(dir string) (*keys, error) {
	if dir == "" {
		return oneKeys()
	}
	return openKeys(dir)
}

func newBench(t *testing.T, dir string, change ...func(*piaotong.Options)) *bench {
	t.Helper()
	b := &bench{clock: newClock()}
	var err error
	b.Sandbox, err = newSandbox(Options{Dir: dir, Now: b.clock.now}, sharedKeys)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b.Sandbox)
	b.url = srv.URL
	o, err := b.Account().ClientOptions(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.Now, o.Timeout = b.clock.now, 10*time.Second
	for _, f := range change {
		f(&o)
	}
	if b.client, err = piaotong.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.client.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		srv.Close() // waits for its handlers: Close must have ended them
	})
	return b
}

const qrNo = "SBOX2026030100000001"

// sale is a request of 2.16 that the sandbox takes.
func (b *bench) sale(no string) piaotong.QRCreate {
	a := b.Account()
	return piaotong.QRCreate{
		TaxpayerNum: a.TaxpayerNum, EnterpriseName: a.EnterpriseName, QRCodeNo: no, TradeNo: "T" + no[len(no)-6:],
		TradeTime: b.clock.now(), Amount: "58.50", ExpireTime: b.clock.now().AddDate(0, 0, 180), IssueKinds: []string{"82"},
		Items: []piaotong.QRItem{
			{Name: "*乳制品*牛奶", TaxCode: "1030301000000000000", Rate: "0.13", UnitPrice: "20.00", Quantity: "2", Amount: "40.00"},
			{Name: "*水果*苹果", TaxCode: "1010115010100000000", Rate: "0.09", Amount: "20.00", Discount: "-1.50"},
		},
	}
}

func (b *bench) ref(no string) piaotong.QRRef {
	return piaotong.QRRef{TaxpayerNum: b.Account().TaxpayerNum, QRCodeNo: no, Amount: "58.5"}
}

func (b *bench) red(serial, blue string) piaotong.RedFull {
	return piaotong.RedFull{TaxpayerNum: b.Account().TaxpayerNum, ReqSerialNo: serial, BlueAllEleInvNo: blue, Reason: "销货退回", Amount: "-58.50"}
}

func (b *bench) invoice(serial string) piaotong.InvoiceRef {
	return piaotong.InvoiceRef{TaxpayerNum: b.Account().TaxpayerNum, ReqSerialNo: serial}
}

// create makes a code, claim claims it: both must work.
func (b *bench) create(t *testing.T, no string) piaotong.QRCreated {
	t.Helper()
	q, err := b.client.CreateQR(t.Context(), b.sale(no))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func (b *bench) claim(t *testing.T, c Claim) string {
	t.Helper()
	serial, err := b.Claim(c)
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

func (b *bench) state(t *testing.T, serial string) piaotong.InvoiceState {
	t.Helper()
	st, err := b.client.QueryInvoice(t.Context(), b.invoice(serial))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (b *bench) ledger(t *testing.T) Ledger {
	t.Helper()
	l, err := b.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l Ledger) kinds() string {
	var s []string
	for _, e := range l.Entries {
		s = append(s, string(e.Kind))
	}
	return strings.Join(s, " ")
}

func wantCode(t *testing.T, err error, kind piaotong.Kind, code string) {
	t.Helper()
	e, ok := errors.AsType[*piaotong.Error](err)
	if !ok || e.Kind != kind || e.Code != code {
		t.Errorf("error %v, want %s with code %q", err, kind, code)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "{{") {
		t.Errorf("%s has a slot that is not filled:\n%s", url, body)
	}
	return resp.StatusCode, string(body)
}
