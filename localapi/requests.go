package localapi

import (
	"cmp"
	"strconv"
	"strings"

	"tillagent/trade"
)

// maxPayments is the most payments of a sale, as trade.Rules has it.
const maxPayments = 20

// readSale reads the body of POST /v1/sales, normalised. What it returns with
// problems must not be used.
func readSale(body []byte) (trade.Sale, error) {
	return readOrder(body, func(o *object, s *trade.Sale) {
		s.ID = o.id("sale_id")
		s.Wish = trade.Wish(o.text("invoice"))
	})
}

// readInvoice reads the body of POST /v1/invoices as readSale does: a sale
// whose invoice has an id of its own, which is the sale's too where the POS
// gives no other.
func readInvoice(body []byte) (trade.Sale, error) {
	return readOrder(body, func(o *object, s *trade.Sale) {
		s.InvoiceID = o.id("invoice_id")
		s.ID = s.InvoiceID
		if o.take("sale_id") != nil {
			s.ID = o.id("sale_id")
		}
		s.Wish = trade.WishDirect
		if wish := o.text("invoice"); wish != "" && wish != string(trade.WishDirect) {
			o.add("invoice", trade.OneOf, string(trade.WishDirect))
		}
	})
}

// readOrder reads what a POS sells; naming reads how it is called and what is
// wanted for it.
func readOrder(body []byte, naming func(*object, *trade.Sale)) (trade.Sale, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return trade.Sale{}, err
	}
	var s trade.Sale
	naming(o, &s)
	o.need("total", "items")
	s.SoldAt = o.time("sold_at")
	s.Items, s.Payments = []trade.Line{}, []trade.Payment{}
	s.Cashier, s.Register, s.ShopNum, s.Remark = o.text("cashier"), o.text("register"), o.text("shop_num"), o.text("remark")
	s.Buyer = readBuyer(o.object("buyer"))
	s.Kind = o.text("kind")
	s.Print = readPrint(o.object("print"))
	s.Extra = o.kept("extra")
	s.Total, _ = o.money("total")
	for _, l := range o.objects("items", trade.MaxLines) {
		s.Items = append(s.Items, readLine(l))
	}
	for _, p := range o.objects("payments", maxPayments) {
		s.Payments = append(s.Payments, readPayment(p))
	}
	o.end()
	s.Normalise()
	return s, ps.failure()
}

func readLine(o *object) trade.Line {
	o.need("name", "amount")
	l := trade.Line{
		SKU: o.text("sku"), Name: o.text("name"), Spec: o.text("spec"), Unit: o.text("unit"),
		Quantity: o.decimal("quantity"), UnitPrice: o.decimal("unit_price"),
		TaxCode: o.text("tax_code"), Rate: o.rate("tax_rate"), ZeroTaxFlag: o.text("zero_tax_flag"),
	}
	l.Amount, _ = o.money("amount")
	l.Discount, _ = o.money("discount")
	o.end()
	return l
}

func readPayment(o *object) trade.Payment {
	o.need("method", "amount")
	p := trade.Payment{Method: o.text("method")}
	p.Amount, _ = o.money("amount")
	o.end()
	return p
}

func readBuyer(o *object) trade.Buyer {
	defer o.end()
	return trade.Buyer{
		Name: o.text("name"), TaxNo: o.text("tax_no"), Address: o.text("address"), Phone: o.text("phone"),
		Bank: o.text("bank"), Account: o.text("account"), Email: o.text("email"), Mobile: o.text("mobile"),
	}
}

// The bounds of copies; as trade.Rules has them, so that a given 0 is not
// taken for one left out.
const minCopies, maxCopies = 1, trade.MaxCopies

func readPrint(o *object) trade.PrintWish {
	defer o.end()
	return trade.PrintWish{
		Mode:       trade.PrintMode(o.text("mode")),
		Copies:     o.integer("copies", minCopies, maxCopies, minCopies),
		OpenDrawer: o.boolean("open_drawer"),
		Lines:      o.list("lines"),
		Raw:        o.bytes("raw"),
		Printer:    o.text("printer"),
	}
}

// readRefund reads the body of POST /v1/sales/{sale_id}/refunds, normalised.
func readRefund(body []byte, saleID string) (trade.RefundRequest, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return trade.RefundRequest{}, err
	}
	f := trade.RefundRequest{
		ID: o.id("refund_id"), SaleID: saleID, Items: []trade.RefundLine{},
		Reason: trade.Reason(o.text("reason")),
		Print:  readPrint(o.object("print")),
		Extra:  o.kept("extra"),
	}
	// Neither amount nor items means everything, so neither a zero nor an empty
	// list may be taken for that by accident.
	amount, hasAmount := o.money("amount")
	if f.Amount = amount; hasAmount && amount <= 0 {
		o.add("amount", trade.AtLeast, "0.01")
	}
	if n := o.take("items"); n != nil && n.kind == kindList && n.empty() && !hasAmount {
		o.add("items", trade.NoItems)
	}
	for _, l := range o.objects("items", trade.MaxLines) {
		f.Items = append(f.Items, readRefundLine(l))
	}
	o.end()
	f.Normalise()
	return f, ps.failure()
}

func readRefundLine(o *object) trade.RefundLine {
	o.need("line", "amount")
	l := trade.RefundLine{Line: o.integer("line", 1, trade.MaxLines, 1), Quantity: o.decimal("quantity")}
	l.Amount, _ = o.money("amount")
	o.end()
	return l
}

// printRequest is the body of POST /v1/sales/{sale_id}/print.
type printRequest struct {
	jobID   string
	paper   trade.Paper
	printer string
	copies  int
}

// printer is the name of a printer; trade.ReceiptPrinter where it is left out.
func (o *object) printer() string { return cmp.Or(o.text("printer"), trade.ReceiptPrinter) }

// readDrawer reads the body of POST /v1/drawer/open, which may be missing, and
// gives the printer's name.
func readDrawer(body []byte) (printer string, err error) {
	printer = trade.ReceiptPrinter
	err = readOptional(body, func(o *object) { printer = o.printer() })
	return printer, err
}

// ownJobs are the beginnings of the ids of the agent's own print jobs.
var ownJobs = []string{"sale:", "refund:", "slip:"}

// jobID is the id of a print job that the POS chose.
func (o *object) jobID() string {
	id := o.id("job_id")
	for _, own := range ownJobs {
		if strings.HasPrefix(id, own) {
			o.add("job_id", trade.ReservedID, own)
		}
	}
	return id
}

// ownPrint is the body of POST /v1/print.
type ownPrint struct {
	jobID   string
	content trade.Content
	printer string
	copies  int
}

func readOwnPrint(body []byte) (ownPrint, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return ownPrint{}, err
	}
	p := ownPrint{jobID: o.jobID(), printer: o.printer(), copies: o.integer("copies", minCopies, maxCopies, minCopies)}
	lines, raw := o.take("lines") != nil, o.take("raw") != nil
	switch {
	case lines == raw:
		o.add("lines", trade.LinesOrRaw)
	case lines:
		p.content = trade.Content{Form: trade.PrintLines, Data: o.list("lines")}
	default:
		p.content = trade.Content{Form: trade.PrintRaw, Data: o.bytes("raw")}
	}
	o.end()
	return p, ps.failure()
}

func readPrintRequest(body []byte) (printRequest, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return printRequest{}, err
	}
	p := printRequest{jobID: o.jobID(), paper: trade.Paper(o.text("what")), printer: o.printer(), copies: o.integer("copies", minCopies, maxCopies, minCopies)}
	switch p.paper {
	case "":
		p.paper = trade.PaperReceipt
	case trade.PaperReceipt, trade.PaperSlip, trade.PaperTicket:
	default:
		o.add("what", trade.OneOf, "receipt, slip, ticket")
	}
	o.end()
	return p, ps.failure()
}

// readRetry reads the body of a retry, which may be missing: the lines that
// take the place of the sale's, nil where they stay.
func readRetry(body []byte) (items []trade.Line, err error) {
	err = readOptional(body, func(o *object) {
		if o.take("items") == nil {
			return
		}
		items = []trade.Line{}
		for _, l := range o.objects("items", trade.MaxLines) {
			items = append(items, readLine(l))
		}
	})
	return items, err
}

// checkEmpty checks the body of a call that needs none: missing, or {}.
func checkEmpty(body []byte) error { return readOptional(body, func(*object) {}) }

func readOptional(body []byte, read func(*object)) error {
	if len(body) == 0 {
		return nil
	}
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return err
	}
	read(o)
	o.end()
	return ps.failure()
}

// The longest texts of a registration, in GBK bytes; the name's is that of a
// drawer (interface 2.9, drawerName).
const maxPassword, maxPerson = 100, 20

// readRegistration reads the body of POST /v1/accounts. No problem quotes the
// password.
func readRegistration(body []byte) (trade.Registration, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return trade.Registration{}, err
	}
	o.need("account", "password")
	r := trade.Registration{
		Account: o.line("account", maxAccount), Password: o.text("password"),
		Name: o.line("name", maxPerson), Phone: o.line("phone", maxAccount),
	}
	if len(r.Password) > maxPassword {
		o.add("password", trade.TooLong, strconv.Itoa(maxPassword), strconv.Itoa(len(r.Password)))
	}
	for _, f := range []struct{ name, value string }{{"account", r.Account}, {"password", r.Password}} {
		if n := o.take(f.name); n != nil && n.kind == kindText && f.value == "" {
			o.add(f.name, trade.Required)
		}
	}
	if r.Phone != "" && (len(r.Phone) != 11 || !digitsOnly(r.Phone)) {
		o.add("phone", trade.BadMobile)
	}
	o.end()
	return r, ps.failure()
}

// readLoginCode reads the body of POST /v1/accounts/{account}/login. No
// problem quotes the code.
func readLoginCode(body []byte) (string, error) {
	var ps problems
	o, err := readBody(body, &ps)
	if err != nil {
		return "", err
	}
	o.need("code")
	code := ""
	if n := o.typed("code", kindText, "string"); n != nil {
		if code = strings.TrimSpace(n.text()); len(code) < 4 || len(code) > 8 || !digitsOnly(code) {
			o.add("code", trade.BadLoginCode)
		}
	}
	o.end()
	return code, ps.failure()
}

func digitsOnly(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
