package localapi

import (
	"encoding/json"
	"net/url"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// The resources have every key at all times: "" where a text is not known and
// null where a time is not.

type saleJSON struct {
	ID            string             `json:"sale_id"`
	State         trade.SaleState    `json:"state"`
	Total         trade.Money        `json:"total"`
	Refunded      trade.Money        `json:"refunded"`
	SoldAt        *string            `json:"sold_at"`
	AcceptedAt    *string            `json:"accepted_at"`
	UpdatedAt     *string            `json:"updated_at"`
	QR            qrJSON             `json:"qr"`
	Invoice       invoiceJSON        `json:"invoice"`
	ViewURL       string             `json:"view_url"` // where the buyer of a direct invoice follows it
	Print         salePrintJSON      `json:"print"`
	Invoices      []invoiceEntryJSON `json:"invoices"`
	Refunds       []string           `json:"refunds"`
	Generation    int                `json:"generation"`
	Attempts      int                `json:"attempts"`
	NextAttemptAt *string            `json:"next_attempt_at"`
	Problem       *troubleJSON       `json:"problem"`
	Items         []trade.Line       `json:"items"`
	Payments      []trade.Payment    `json:"payments"`
	Cashier       string             `json:"cashier"`
	Register      string             `json:"register"`
	Extra         json.RawMessage    `json:"extra"`
	// Training is there in training alone: nothing was sold.
	Training bool `json:"training,omitempty"`
}

type qrJSON struct {
	No          string  `json:"no"`
	URL         string  `json:"url"`
	ExtractCode string  `json:"extract_code"`
	ExpiresAt   *string `json:"expires_at"`
	FetchedAt   *string `json:"fetched_at"`
	PNG         string  `json:"png"` // the path of the picture; "" where there is none to show
}

type invoiceJSON struct {
	Serial      string  `json:"req_serial_no"`
	Number      string  `json:"number"`
	Code        string  `json:"code"`
	No          string  `json:"no"`
	IssuedAt    *string `json:"issued_at"`
	Net         string  `json:"net"`
	Tax         string  `json:"tax"`
	DownloadURL string  `json:"download_url"`
}

// directJSON is a direct invoice that was asked for by itself. The buyer does
// not come back: the POS has it.
type directJSON struct {
	ID            string          `json:"invoice_id"`
	SaleID        string          `json:"sale_id"`
	State         trade.SaleState `json:"state"`
	Kind          string          `json:"kind"`
	Total         trade.Money     `json:"total"`
	ViewURL       string          `json:"view_url"`
	Invoice       invoiceJSON     `json:"invoice"`
	Print         salePrintJSON   `json:"print"`
	Problem       *troubleJSON    `json:"problem"`
	Attempts      int             `json:"attempts"`
	NextAttemptAt *string         `json:"next_attempt_at"`
	AcceptedAt    *string         `json:"accepted_at"`
	UpdatedAt     *string         `json:"updated_at"`
}

type salePrintJSON struct {
	State     string  `json:"state"`
	JobID     string  `json:"job_id"`
	Copies    int     `json:"copies"`
	Reprints  int     `json:"reprints"`
	PrintedAt *string `json:"printed_at"`
	Reason    string  `json:"reason"`
}

type invoiceEntryJSON struct {
	Kind     trade.InvoiceKind  `json:"kind"`
	Serial   string             `json:"req_serial_no"`
	Number   string             `json:"number"`
	Code     string             `json:"code"`
	No       string             `json:"no"`
	Amount   string             `json:"amount"`
	State    trade.InvoiceState `json:"state"`
	IssuedAt *string            `json:"issued_at"`
}

type troubleJSON struct {
	Code   trade.Key `json:"code"`
	Detail string    `json:"detail"`
}

type refundJSON struct {
	ID            string           `json:"refund_id"`
	SaleID        string           `json:"sale_id"`
	State         string           `json:"state"`
	Path          trade.Path       `json:"path"`
	Amount        trade.Money      `json:"amount"`
	Reason        trade.Reason     `json:"reason"`
	RedInvoice    invoiceEntryJSON `json:"red_invoice"`
	Attempts      int              `json:"attempts"`
	NextAttemptAt *string          `json:"next_attempt_at"`
	Problem       *troubleJSON     `json:"problem"`
	CreatedAt     *string          `json:"created_at"`
	DoneAt        *string          `json:"done_at"`
}

type printJobJSON struct {
	ID        string           `json:"job_id"`
	State     trade.PrintState `json:"state"`
	What      trade.Paper      `json:"what"`
	Printer   string           `json:"printer"`
	RefundID  string           `json:"refund_id"`
	Copies    int              `json:"copies"`
	WithQR    bool             `json:"with_qr"`
	Attempts  int              `json:"attempts"`
	Reason    string           `json:"reason"`
	CreatedAt *string          `json:"created_at"`
	PrintedAt *string          `json:"printed_at"`
}

// stamp is a time on the wire: RFC 3339 in Beijing's time, null for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.In(trade.Beijing).Format(time.RFC3339)
	return &text
}

func salePath(id string) string    { return "/v1/sales/" + url.PathEscape(id) }
func invoicePath(id string) string { return "/v1/invoices/" + url.PathEscape(id) }
func refundPath(id string) string  { return "/v1/refunds/" + url.PathEscape(id) }
func jobPath(id string) string     { return "/v1/print-jobs/" + url.PathEscape(id) }
func accountPath(id string) string { return "/v1/accounts/" + url.PathEscape(id) }

func saleResource(r *queue.Record, lang trade.Lang) saleJSON {
	s := &r.Standing
	out := saleJSON{
		ID: r.Sale.ID, State: s.View(), Total: s.Total, Refunded: s.Refunded(),
		SoldAt: stamp(r.Sale.SoldAt), AcceptedAt: stamp(r.AcceptedAt), UpdatedAt: stamp(r.UpdatedAt),
		Invoice: blueInvoice(s), ViewURL: s.ViewURL(), Print: salePrint(r.Prints), Invoices: []invoiceEntryJSON{}, Refunds: []string{},
		Problem: trouble(s.InvoiceProblem(), lang),
		Items:   r.Sale.Items, Payments: r.Sale.Payments, Cashier: r.Sale.Cashier, Register: r.Sale.Register, Extra: r.Sale.Extra, Training: r.Training,
	}
	if q := s.Current(); q != nil {
		out.Generation = q.Gen
		out.QR = qrJSON{No: q.No, URL: q.URL, ExtractCode: q.ExtractCode, ExpiresAt: stamp(q.ExpiresAt), FetchedAt: stamp(q.FetchedAt)}
	}
	if s.LinkOnPaper() != "" {
		out.QR.PNG = salePath(r.Sale.ID) + "/qr.png"
	}
	out.Attempts, out.NextAttemptAt = attempts(r.Op)
	for i := range s.Invoices {
		out.Invoices = append(out.Invoices, invoiceEntry(&s.Invoices[i]))
	}
	for _, f := range s.Refunds {
		out.Refunds = append(out.Refunds, f.ID)
	}
	if out.Extra == nil {
		out.Extra = json.RawMessage("{}")
	}
	return out
}

// directResource is a sale as its direct invoice.
func directResource(r *queue.Record, lang trade.Lang) directJSON {
	s := &r.Standing
	out := directJSON{
		ID: r.Sale.InvoiceID, SaleID: r.Sale.ID, State: s.View(), Kind: r.Sale.Kind, Total: s.Total, ViewURL: s.ViewURL(),
		Invoice: blueInvoice(s), Print: salePrint(r.Prints), Problem: trouble(s.InvoiceProblem(), lang),
		AcceptedAt: stamp(r.AcceptedAt), UpdatedAt: stamp(r.UpdatedAt),
	}
	out.Attempts, out.NextAttemptAt = attempts(r.Op)
	return out
}

// blueInvoice shows the newest blue invoice of a sale; empty where there is
// none.
func blueInvoice(s *trade.Standing) invoiceJSON {
	b := newestBlue(s.Invoices)
	if b == nil {
		return invoiceJSON{}
	}
	out := invoiceJSON{Serial: b.Serial, Number: b.Number, Code: b.Code, No: b.No, IssuedAt: stamp(b.IssuedAt), DownloadURL: b.DownloadURL}
	if b.Net != 0 || b.Tax != 0 { // both are where the platform gave none that can be read
		out.Net, out.Tax = b.Net.String(), b.Tax.String()
	}
	return out
}

// newestBlue is the blue invoice of the newest QR code that was issued last.
func newestBlue(invoices []trade.Invoice) *trade.Invoice {
	var newest *trade.Invoice
	for i := range invoices {
		b := &invoices[i]
		if b.Kind != trade.Blue {
			continue
		}
		if newest == nil || b.Gen > newest.Gen || b.Gen == newest.Gen && b.IssuedAt.After(newest.IssuedAt) {
			newest = b
		}
	}
	return newest
}

func invoiceEntry(i *trade.Invoice) invoiceEntryJSON {
	return invoiceEntryJSON{Kind: i.Kind, Serial: i.Serial, Number: i.Number, Code: i.Code, No: i.No, Amount: i.Amount.String(), State: i.State, IssuedAt: stamp(i.IssuedAt)}
}

// salePrint is about the paper that the sale itself asked for; what was asked
// for later counts as a reprint.
func salePrint(jobs []queue.Print) salePrintJSON {
	out := salePrintJSON{State: "none"}
	for _, j := range jobs {
		switch {
		case j.RefundID != "", j.Paper == trade.PaperTicket:
		case j.Asked:
			if j.State == trade.PrintPrinted || j.State == trade.PrintSent {
				out.Reprints++
			}
		case out.JobID == "":
			out.State, out.JobID, out.Copies, out.PrintedAt, out.Reason = string(j.Shown()), j.JobID, j.Copies, stamp(j.PrintedAt), j.Reason
		}
	}
	return out
}

func attempts(op *queue.PlannedOp) (n int, next *string) {
	if op == nil {
		return 0, nil
	}
	if !op.Claimed {
		next = stamp(op.DueAt)
	}
	return op.Attempts, next
}

func trouble(m trade.Message, lang trade.Lang) *troubleJSON {
	if m.IsZero() {
		return nil
	}
	return &troubleJSON{m.Key, m.In(lang)}
}

func refundResource(r *queue.Record, f *trade.Refund, lang trade.Lang) refundJSON {
	s := &r.Standing
	out := refundJSON{
		ID: f.ID, SaleID: r.Sale.ID, State: s.RefundView(*f), Path: f.Path, Amount: f.Amount, Reason: f.Reason,
		RedInvoice: invoiceEntryJSON{Kind: trade.Red},
		Problem:    trouble(f.Problem, lang), CreatedAt: stamp(f.CreatedAt), DoneAt: stamp(f.DoneAt),
	}
	for i := range s.Invoices {
		if red := &s.Invoices[i]; red.Kind == trade.Red && red.RefundID == f.ID {
			out.RedInvoice = invoiceEntry(red)
			break
		}
	}
	if f.Open() {
		out.Attempts, out.NextAttemptAt = attempts(r.Op)
	}
	return out
}

func printJobResource(p *queue.Print) printJobJSON {
	return printJobJSON{ID: p.JobID, State: p.Shown(), What: p.Paper, Printer: p.Printer, RefundID: p.RefundID, Copies: p.Copies, WithQR: p.WithQR,
		Attempts: p.Attempts, Reason: p.Reason, CreatedAt: stamp(p.CreatedAt), PrintedAt: stamp(p.PrintedAt)}
}
