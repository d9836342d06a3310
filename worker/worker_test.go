package worker_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
	"tillagent/worker"
)

// shop is a whole till without its local API: the real sandbox over HTTP, a
// real paper printer over TCP, the real database.
type shop struct {
	t        *testing.T
	store    *queue.Store
	sandbox  *sandbox.Sandbox
	server   *httptest.Server
	printer  *paper.Printer
	receipts chan paper.Receipt
	kitchen  *paper.Printer // where the wishes have one
	tickets  chan paper.Receipt
	worker   *worker.Worker
	stop     func()
}

type wishes struct {
	qrWait    time.Duration
	timeout   time.Duration
	slipLater bool
	away      bool          // the platform cannot be reached at first
	raised    []trade.Raise // alerts of a process before this one
	observer  worker.Observer
	drawer    int // the pin
	beep      bool
	kitchen   bool   // a second printer
	port      string // of the receipt printer, "" for a paper printer's
}

func open(t *testing.T, w wishes) *shop {
	t.Helper()
	s := &shop{t: t, receipts: make(chan paper.Receipt, 100), tickets: make(chan paper.Receipt, 100)}
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if w.timeout == 0 {
		w.timeout = 5 * time.Second
	}
	s.sandbox, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test"})
	check()
	s.sandbox.SetIssueDelay(0)
	s.server = httptest.NewServer(s.sandbox)
	var printers []worker.Printer
	s.printer = s.plug(&printers, w.port, worker.Printer{Name: trade.ReceiptPrinter, Beep: w.beep, Shop: receipt.Shop{Header: []string{"试验店"}, DrawerPin: w.drawer}}, s.receipts)
	var further []string
	if w.kitchen {
		further = []string{"kitchen"}
		s.kitchen = s.plug(&printers, "", worker.Printer{Name: "kitchen"}, s.tickets)
	}
	opts, err2 := s.sandbox.Account().ClientOptions(s.server.URL)
	err = err2
	check()
	opts.Timeout = w.timeout
	if w.away {
		opts.BaseURL = "http://127.0.0.1:1" // nothing listens there
	}
	platform, err2 := piaotong.New(opts)
	err = err2
	check()
	// Polling is fast, so that tests see an invoice at once; failures are
	// retried as in life.
	pause := worker.Pause(20*time.Millisecond, 50*time.Millisecond)
	s.store, err = queue.Open(queue.Options{Path: filepath.Join(t.TempDir(), "agent.db"), Prefix: "DEMO", QRValid: 24 * time.Hour, Printer: true, Printers: further,
		QRWait: w.qrWait, SlipLater: w.slipLater, Pause: pause})
	check()
	for _, a := range w.raised {
		err = s.store.Raise(a)
		check()
	}
	account := s.sandbox.Account()
	wk := worker.New(worker.Options{Store: s.store, Platform: platform, QRWait: w.qrWait, Observer: w.observer,
		Printers: printers, Issuer: worker.Issuer{TaxpayerNum: account.TaxpayerNum, EnterpriseName: account.EnterpriseName}})
	s.worker = wk
	stop, cancelStop := context.WithCancel(context.Background())
	work, cancelWork := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); wk.Run(stop, work) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancelStop()
		cancelWork()
		<-done
	}
	t.Cleanup(func() {
		s.stop()
		for _, p := range printers {
			if err := p.Device.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, err := range []error{s.store.Close(), s.sandbox.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
		s.server.Close()
	})
	return s
}

// plug makes a paper printer over TCP and its device, with what is printed going
// into out. Another port may stand there instead.
func (s *shop) plug(all *[]worker.Printer, port string, p worker.Printer, out chan paper.Receipt) *paper.Printer {
	s.t.Helper()
	tape, err := paper.New(paper.Options{OnReceipt: func(r paper.Receipt) { out <- r }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := tape.Close(); err != nil {
			s.t.Error(err)
		}
	})
	addr, err := tape.ListenTCP("127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	p.Profile, _ = printer.ProfileByName("generic-80")
	p.Shop.Columns = p.Profile.Columns
	p.Device, err = printer.NewDevice(printer.Options{Port: cmp.Or(port, "tcp://"+addr.String()), Profile: p.Profile, Timeout: 2 * time.Second,
		OnStatus: func(st printer.Status) { s.worker.PrinterSaw(p.Name, st) }})
	if err != nil {
		s.t.Fatal(err)
	}
	*all = append(*all, p)
	return tape
}

func lunch(id string) trade.Sale {
	s := trade.Sale{ID: id, Total: 5850, SoldAt: time.Now(), Items: []trade.Line{{Name: "午餐", Unit: "份", Quantity: 2_0000_0000, UnitPrice: 30_0000_0000,
		Amount: 6000, Discount: -150, TaxCode: "3070401000000000000", Rate: 6}}}
	s.Normalise()
	return s
}

func (s *shop) sell(id string) {
	s.t.Helper()
	sale := lunch(id)
	if _, created, err := s.store.AcceptSale(s.t.Context(), sale, sale.Digest()); err != nil || !created {
		s.t.Fatal(created, err)
	}
}

func (s *shop) refund(id, saleID string) {
	s.t.Helper()
	_, created, err := s.store.AcceptRefund(s.t.Context(), trade.RefundRequest{ID: id, SaleID: saleID, Reason: trade.SalesReturn,
		Print: trade.PrintWish{Mode: trade.PrintReceipt, Copies: 1}})
	if err != nil || !created {
		s.t.Fatal(created, err)
	}
}

// await waits, by events of the store, until the sale is as wanted.
func (s *shop) await(saleID, what string, until func(*queue.Record) bool) *queue.Record {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	r, err := s.store.Await(ctx, saleID, until)
	if err != nil || !until(r) {
		s.t.Fatalf("%s is not %s: %+v, op %+v, prints %+v, %v", saleID, what, r.Standing, r.Op, r.Prints, err)
	}
	return r
}

func view(v trade.SaleState) func(*queue.Record) bool {
	return func(r *queue.Record) bool { return r.Standing.View() == v }
}

// paper waits for the next receipt.
func (s *shop) paper() paper.Receipt {
	s.t.Helper()
	select {
	case r := <-s.receipts:
		if len(r.Problems) > 0 {
			s.t.Errorf("the printer did not understand: %v", r.Problems)
		}
		return r
	case <-time.After(time.Minute):
		s.t.Fatal("no receipt")
		return paper.Receipt{}
	}
}

func (s *shop) ledger() sandbox.Ledger {
	s.t.Helper()
	l, err := s.sandbox.Ledger()
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// raised counts the alerts of a kind that were ever raised.
func (s *shop) raised(kind string) int {
	s.t.Helper()
	events, err := s.store.EventsAfter(s.t.Context(), 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Type == "alert.raised" && e.State == kind {
			n++
		}
	}
	return n
}

func has(t *testing.T, r paper.Receipt, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Text, text) {
			t.Errorf("the paper has no %q:\n%s", text, r.Text)
		}
	}
}

func TestReceiptCarriesItsQR(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sell("S1")
	r := s.paper()
	has(t, r, "扫码自助开具电子发票", "提取码 ", "开票截止 ", "￥58.50")
	rec := s.await("S1", "printed", func(r *queue.Record) bool { return r.Prints[0].State == trade.PrintPrinted })
	if qr := rec.Standing.Current(); len(r.QRs) != 1 || r.QRs[0] != qr.URL {
		t.Errorf("the QR code on paper is %v, want %s", r.QRs, qr.URL)
	}
	if l := s.ledger(); len(l.QRs) != 1 || l.QRs[0].TradeNo != "S1" || l.QRs[0].Amount != "58.50" {
		t.Errorf("the platform's ledger has %+v", l.QRs)
	}
}

// TestLostAnswerIsAskedAbout loses the answer to 2.16 after it was processed:
// the number is asked about and adopted, never made twice.
func TestLostAnswerIsAskedAbout(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultLostAnswer, sandbox.FaultBadSignature, sandbox.FaultNoSignature, sandbox.FaultTimeout, sandbox.FaultHTML, sandbox.FaultReset} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := open(t, wishes{qrWait: 0, timeout: time.Second})
			if err := s.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			s.sell("S1")
			has(t, s.paper(), "网络暂不可用,未能生成开票码", "请保留小票,凭单号到本店收银台", "补打开票码", "单号 S1", "补打截止 ")
			s.await("S1", "qr_ready", view(trade.StateQRReady))
			l := s.ledger()
			if len(l.QRs) != 1 {
				t.Errorf("%d QR codes on the platform, want 1", len(l.QRs))
			}
			if l.Calls["2.18"] == 0 {
				t.Error("nobody asked before going on")
			}
			untrusted := kind == sandbox.FaultBadSignature || kind == sandbox.FaultNoSignature || kind == sandbox.FaultHTML
			as, err := s.store.ActiveAlerts()
			if err != nil {
				t.Fatal(err)
			}
			if len(as) != 0 {
				t.Errorf("alerts %+v stand after a verified answer", as)
			}
			if n := s.raised(trade.AlertCredentials); (n == 1) != untrusted {
				t.Errorf("%d alerts were raised for untrusted answers", n)
			}
		})
	}
}

func TestRefusedSaleNeedsAPerson(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	if err := s.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8005", Msg: "税收分类编码不存在", Times: 1}); err != nil {
		t.Fatal(err)
	}
	s.sell("S1")
	has(t, s.paper(), "本单未能生成开票码", "单号 S1")
	r := s.await("S1", "rejected", view(trade.StateRejected))
	if r.Op != nil || r.Standing.Problem.Key != trade.SaleRefused {
		t.Errorf("next %+v, problem %+v", r.Op, r.Standing.Problem)
	}
	if _, err := s.store.Retry(t.Context(), "S1"); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "qr_ready after the retry", view(trade.StateQRReady))
	if as, err := s.store.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Errorf("alerts %+v, %v after the retry", as, err)
	}
}

func TestRefundVoidsAnUnclaimedCode(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sell("S1")
	s.paper()
	s.refund("R1", "S1")
	has(t, s.paper(), "退货单", "原开票码已作废")
	s.await("S1", "voided", view(trade.StateVoided))
	if l := s.ledger(); l.QRs[0].State != "voided" {
		t.Errorf("the platform says %s", l.QRs[0].State)
	}
}

// TestVoidWithALostAnswer refunds while the answer to 2.17 is lost.
func TestVoidWithALostAnswer(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sell("S1")
	s.paper()
	if err := s.sandbox.SetFault(sandbox.Fault{Interface: "2.17", Kind: sandbox.FaultReset, Times: 1}); err != nil {
		t.Fatal(err)
	}
	s.refund("R1", "S1")
	s.await("S1", "voided", view(trade.StateVoided))
	if l := s.ledger(); l.Calls["2.18"] == 0 || l.QRs[0].State != "voided" {
		t.Errorf("calls %v, the platform says %s", l.Calls, l.QRs[0].State)
	}
}

func TestRefundRedFlushesAnInvoice(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sell("S1")
	qr := s.paper().QRs[0]
	if _, err := s.sandbox.Claim(sandbox.Claim{URL: qr, BuyerName: "某某公司"}); err != nil {
		t.Fatal(err)
	}
	r := s.await("S1", "invoiced", view(trade.StateInvoiced))
	if i := r.Standing.Invoices[0]; i.Net+i.Tax != 5850 || i.Tax != 332 || len(i.Number) != 20 || i.IssuedAt.IsZero() {
		t.Errorf("the invoice is %+v", i)
	}
	s.refund("R1", "S1")
	has(t, s.paper(), "退货单", "已红冲", "红字发票号码")
	r = s.await("S1", "red_flushed", view(trade.StateRedFlushed))
	if f := r.Standing.Refunds[0]; f.State != trade.RefDone || f.Path != trade.PathRedFlush {
		t.Errorf("the refund is %+v", f)
	}
	reds := 0
	for _, i := range s.ledger().Invoices {
		if i.Type == piaotong.TypeRed && i.Code == piaotong.StateIssued && i.Amount == "-58.50" {
			reds++
		}
	}
	if reds != 1 {
		t.Errorf("%d red invoices on the platform, want 1: %+v", reds, s.ledger().Invoices)
	}
}

// TestRefundWhileIssuing waits for the invoice and reverses it by itself (R3).
func TestRefundWhileIssuing(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sell("S1")
	serial, err := s.sandbox.Claim(sandbox.Claim{URL: s.paper().QRs[0], Outcome: sandbox.Hang})
	if err != nil {
		t.Fatal(err)
	}
	s.await("S1", "invoicing", view(trade.StateInvoicing))
	s.refund("R1", "S1")
	if r := s.await("S1", "waiting", func(r *queue.Record) bool { return len(r.Standing.Refunds) == 1 }); r.Standing.RefundView(r.Standing.Refunds[0]) != "waiting_invoice" {
		t.Errorf("the refund is %+v", r.Standing.Refunds[0])
	}
	if err := s.sandbox.Settle(serial, sandbox.Issued); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "red_flushed", view(trade.StateRedFlushed))
}

// TestPlatformAway opens the breaker: receipts come out deferred at once, one
// alert is raised, and nothing is lost.
func TestPlatformAway(t *testing.T) {
	s := open(t, wishes{qrWait: time.Minute, away: true})
	for i := range 4 {
		s.sell(fmt.Sprintf("S%d", i))
	}
	for range 4 { // long before their minute is over
		has(t, s.paper(), "网络暂不可用,未能生成开票码")
	}
	as, err := s.store.ActiveAlerts()
	if err != nil || len(as) != 1 || as[0].Kind != trade.AlertUnreachable {
		t.Errorf("alerts %+v, %v; want one", as, err)
	}
	s.sell("S5")
	has(t, s.paper(), "网络暂不可用,未能生成开票码")
}

func TestMisconfigurationIsOneAlert(t *testing.T) {
	s := open(t, wishes{qrWait: time.Minute})
	if err := s.sandbox.SetFault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultMisconfigured}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.sell(fmt.Sprintf("S%d", i))
		has(t, s.paper(), "未能生成开票码")
	}
	as, err := s.store.ActiveAlerts()
	if err != nil || len(as) != 1 || as[0].Kind != trade.AlertCredentials {
		t.Fatalf("alerts %+v, %v; want one for the set-up", as, err)
	}
	s.sandbox.ClearFaults()
	s.sell("S9") // a new live sale carries the probe
	for _, id := range []string{"S0", "S1", "S2", "S9"} {
		s.await(id, "qr_ready", view(trade.StateQRReady))
	}
	if as, err := s.store.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Errorf("alerts %+v, %v after the set-up was mended", as, err)
	}
}

func TestPaperOutHoldsAndGoesOn(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PaperOut: true})
	s.sell("S1")
	r := s.await("S1", "held", func(r *queue.Record) bool { return r.Prints[0].State == trade.PrintHeld })
	if r.Prints[0].Reason != "paper_out" {
		t.Errorf("held because of %q", r.Prints[0].Reason)
	}
	if as, err := s.store.ActiveAlerts(); err != nil || len(as) != 1 || as[0].Title.In(trade.ZH) != "打印机:缺纸,小票在等待" {
		t.Errorf("alerts %+v, %v", as, err)
	}
	s.printer.SetFaults(paper.Faults{})
	if r := s.paper(); strings.Contains(r.Text, "重打") {
		t.Errorf("a receipt that never left is marked:\n%s", r.Text)
	}
	s.await("S1", "printed", func(r *queue.Record) bool { return r.Prints[0].State == trade.PrintPrinted })
	if as, err := s.store.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Errorf("alerts %+v, %v after paper was put in", as, err)
	}
}

// TestR16PowerCutWhilePrinting leaves a torn receipt: it is uncertain,
// never printed again by itself, and the copy a person asks for is marked.
func TestR16PowerCutWhilePrinting(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PowerCutAfter: 200})
	s.sell("S1")
	s.await("S1", "uncertain", func(r *queue.Record) bool { return r.Prints[0].State == trade.PrintUncertain })
	s.printer.SetFaults(paper.Faults{})
	if _, err := s.store.AskPrint(t.Context(), "S1", "again", trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "printed again", func(r *queue.Record) bool { return len(r.Prints) == 2 && r.Prints[1].State == trade.PrintPrinted })
	for {
		if r := s.paper(); r.Cut {
			has(t, r, "*** 补打:前张可能不完整 ***")
			return
		}
	}
}

func TestSlipByItself(t *testing.T) {
	s := open(t, wishes{qrWait: 0, slipLater: true})
	if err := s.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultHTTP500, Times: 1}); err != nil {
		t.Fatal(err)
	}
	s.sell("S1")
	has(t, s.paper(), "网络暂不可用,未能生成开票码")
	r := s.paper()
	has(t, r, "补打开票码", "原单 S1", "原单时间 ")
	if len(r.QRs) != 1 {
		t.Errorf("QR codes on the slip: %v", r.QRs)
	}
}

func TestDelay(t *testing.T) {
	for attempt, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 4: 15 * time.Second, 9: 15 * time.Minute, 1000: 15 * time.Minute} {
		for range 50 {
			d := worker.Delay(attempt)
			if d < want*8/10 || d > min(want*12/10, 15*time.Minute) {
				t.Errorf("Delay(%d) = %v, want about %v and never over 15 min", attempt, d, want)
			}
		}
	}
}

// TestPrinterStatusHearsTheChange asks while the printer reports a change of
// itself: the answer must not wait for the report.
func TestPrinterStatusHearsTheChange(t *testing.T) {
	s := open(t, wishes{})
	s.printer.SetFaults(paper.Faults{CoverOpen: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	told := make(chan printer.State, 1)
	go func() {
		state, _ := s.worker.PrinterStatus(ctx, trade.ReceiptPrinter)
		told <- state
	}()
	select {
	case state := <-told:
		if state != printer.StateCoverOpen {
			t.Errorf("the printer is %s, want its cover open", state)
		}
	case <-ctx.Done():
		t.Fatal("no answer about the printer")
	}
}
