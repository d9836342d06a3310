package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"tillagent/piaotong"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"time": piaotong.FormatTime,
	"stateText": func(s string) string {
		return map[string]string{"active": "待开票", "claimed": "已提交", "voided": "已作废", "expired": "已过期"}[s]
	},
	"invoiceText": func(code string) string { return stateTexts[code] },
	"redText": func(flag string) string {
		return map[string]string{BeingRed: "红冲处理中", PartRed: "已部分红冲", AlreadyRed: "已红冲"}[flag]
	},
}).ParseFS(pageFiles, "pages/*.html"))

// writePage renders a page; the policy forbids everything but its own style
// and form.
func (s *Sandbox) writePage(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("cannot render a page", "page", name, "err", err)
		http.Error(w, "cannot render the page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// indexCodes is how many codes the first page lists.
const indexCodes = 20

// serveIndex is the page that says what this is.
func (s *Sandbox) serveIndex(w http.ResponseWriter, r *http.Request) {
	l, err := s.Ledger()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	slices.Reverse(l.QRs)
	s.writePage(w, http.StatusOK, "index.html", struct {
		Base    string
		Account Account
		Total   int
		QRs     []QR
	}{s.baseURL(r), s.account, len(l.QRs), l.QRs[:min(len(l.QRs), indexCodes)]})
}

// qrPage is what the customer's page shows.
type qrPage struct {
	QR       QR
	Seller   string
	Invoices []Invoice
	Problem  string // with the form, in Chinese
	Buyer    string // what was typed
}

// findQR returns a code and its invoices, as of now.
func (s *Sandbox) findQR(no string) (qrPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return qrPage{}, err
	}
	if s.state.qrs[no] == nil {
		return qrPage{}, fmt.Errorf("code %q: %w", no, ErrNotFound)
	}
	p := qrPage{QR: s.state.viewQR(no, s.now()), Seller: s.account.EnterpriseName}
	for _, serial := range p.QR.Invoices {
		p.Invoices = append(p.Invoices, s.state.viewInvoice(serial))
	}
	return p, nil
}

// serveQR is the customer's page behind a QR code.
func (s *Sandbox) serveQR(w http.ResponseWriter, r *http.Request) {
	p, err := s.findQR(r.PathValue("no"))
	if err != nil {
		s.writePage(w, statusOf(err), "missing.html", "没有这个开票码")
		return
	}
	s.writePage(w, http.StatusOK, "qr.html", p)
}

// submitQR takes the customer's form.
func (s *Sandbox) submitQR(w http.ResponseWriter, r *http.Request) {
	no := r.PathValue("no")
	r.Body = http.MaxBytesReader(w, r.Body, maxControl)
	buyer := strings.TrimSpace(r.PostFormValue("buyer_name"))
	problem := ""
	switch n, err := piaotong.GBKLen(buyer); {
	case buyer == "":
		problem = "请填写发票抬头"
	case err != nil:
		problem = "发票抬头含有无法打印的字符"
	case n > 100:
		problem = "发票抬头太长"
	case strings.ContainsAny(buyer, "<>"):
		problem = "发票抬头不能含有 < 或 >"
	}
	if problem == "" {
		if _, err := s.Claim(Claim{QRCodeNo: no, BuyerName: buyer}); err == nil {
			http.Redirect(w, r, "/q/"+no, http.StatusSeeOther)
			return
		}
		problem = "现在不能提交，请看下面的状态"
	}
	p, err := s.findQR(no)
	if err != nil {
		s.writePage(w, statusOf(err), "missing.html", "没有这个开票码")
		return
	}
	p.Problem, p.Buyer = problem, buyer
	s.writePage(w, http.StatusUnprocessableEntity, "qr.html", p)
}

// serveInvoice is the page behind downloadUrl and qrCodePath.
func (s *Sandbox) serveInvoice(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	err := s.advance()
	var inv Invoice
	if serial := r.PathValue("serial"); s.state.invoices[serial] != nil {
		inv = s.state.viewInvoice(serial)
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case inv.ReqSerialNo == "":
		s.writePage(w, http.StatusNotFound, "missing.html", "没有这张发票")
	default:
		s.writePage(w, http.StatusOK, "invoice.html", inv)
	}
}
