package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"

	"tillagent/piaotong"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"time": piaotong.FormatTime,
	"stateText": func(s string) string {
		return qrStateTexts[s]
	},
	"faceText":    func(status string) string { return faceTexts[status] },
	"invoiceText": func(code string) string { return stateTexts[code] },
	"invoiceClass": func(code string) string {
		switch code {
		case piaotong.StateIssued:
			return "issued"
		case piaotong.StatePending:
			return "waiting"
		}
		return "failed"
	},
	"redText": func(flag string) string {
		return map[string]string{BeingRed: "红冲处理中", PartRed: "已部分红冲", AlreadyRed: "已红冲"}[flag]
	},
}).ParseFS(pageFiles, "pages/*.html"))

var qrStateTexts = map[string]string{"active": "待开票", "claimed": "已提交", "voided": "已作废", "expired": "已过期"}

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
		Base     string
		Account  Account
		Password string
		Accounts []TaxAccount
		SMSCodes []SMSCode
		Faces    []FaceCheck
		Magic    []magicAmount
		Problems []string
		Total    int
		QRs      []QR
	}{
		s.baseURL(r), s.Account(), AccountPassword, l.Accounts, s.SMSCodes(), openFaces(s.FaceChecks()), s.magicTable(), l.Problems(),
		len(l.QRs), l.QRs[:min(len(l.QRs), indexCodes)],
	})
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

// openFaces are the face checks that somebody can still do something about.
func openFaces(all []FaceCheck) []FaceCheck {
	return slices.DeleteFunc(all, func(f FaceCheck) bool { return f.final() })
}

// serveFace is the page behind the QR code of 2.6: it stands for the tax
// bureau's app.
func (s *Sandbox) serveFace(w http.ResponseWriter, r *http.Request) {
	s.writeFace(w, http.StatusOK, r.PathValue("id"), "")
}

func (s *Sandbox) writeFace(w http.ResponseWriter, status int, id, problem string) {
	all := s.FaceChecks()
	i := slices.IndexFunc(all, func(f FaceCheck) bool { return f.AuthID == id })
	if i < 0 {
		s.writePage(w, http.StatusNotFound, "missing.html", "没有这个认证二维码")
		return
	}
	s.writePage(w, status, "face.html", struct {
		FaceCheck
		Masked, Problem string
		Open            bool
	}{all[i], maskPhone(all[i].Account), problem, !all[i].final()})
}

// submitFace takes the buttons of that page.
func (s *Sandbox) submitFace(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	r.Body = http.MaxBytesReader(w, r.Body, maxControl)
	if err := s.MoveFace(id, FaceStep(r.PostFormValue("step"))); err != nil {
		s.writeFace(w, http.StatusUnprocessableEntity, id, "现在不能操作，请看下面的状态")
		return
	}
	http.Redirect(w, r, "/face/"+id, http.StatusSeeOther)
}
