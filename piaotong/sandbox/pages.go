package sandbox

import (
	"fmt"
	"net/http"
	"slices"

	"tillagent/piaotong"
)

var redTexts = map[string]string{BeingRed: "红冲处理中", PartRed: "已部分红冲", AlreadyRed: "已红冲"}

var qrStateTexts = map[string]string{"active": "待开票", "claimed": "已提交", "voided": "已作废", "expired": "已过期"}

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
	var problems, accounts, sms, faces markup
	for _, problem := range l.Problems() {
		problems += alert("账本发现问题 · The ledger complains: " + problem)
	}
	for _, a := range l.Accounts {
		accounts += element("<tr><td>%s %s%s</td><td>%s</td><td>%s</td></tr>\n", a.Account, a.Name, when(a.Default, "（默认 default）", ""),
			when(a.LoggedIn, "已登录 in", "未登录 out"), when(a.AuthNeeded, "需要 due", "正常 good"))
	}
	for _, c := range s.SMSCodes() {
		sms += element("<p>短信验证码 · SMS code for %s: <strong>%s</strong></p>", c.Account, c.Code)
	}
	for _, f := range openFaces(s.FaceChecks()) {
		faces += element(`<p><a href="/face/%s">扫码认证 · Face check of %s</a>: %s</p>`, f.AuthID, f.Account, faceTexts[f.Status])
	}
	a := s.Account()
	s.writePage(w, http.StatusOK, "票通沙箱 Piaotong sandbox", fill("index.html", slots{
		"base": s.baseURL(r), "problems": problems, "accounts": accounts, "password": AccountPassword, "sms": sms, "faces": faces,
		"magic": magicRows(s.magicTable()), "enterprise": a.EnterpriseName, "taxpayer": a.TaxpayerNum, "total": fmt.Sprint(len(l.QRs)),
		"codes": codeRows(l.QRs[:min(len(l.QRs), indexCodes)]),
	}))
}

func magicRows(all []magicAmount) markup {
	var rows markup
	for _, m := range all {
		rows += element("<tr><td>%s</td><td>%s</td></tr>\n", m.Amount(), m.Text())
	}
	if rows == "" {
		return ""
	}
	return "<h2>金额暗号 · Magic amounts</h2>\n<table>\n<tr><th>合计 Total</th><th>情形 Situation</th></tr>\n" + rows + "</table>\n"
}

func codeRows(all []QR) markup {
	var rows markup
	for _, q := range all {
		rows += element(`<tr><td><a href="/q/%s">%s</a></td><td>%s</td><td>%s</td><td>%s</td></tr>`+"\n",
			q.QRCodeNo, q.QRCodeNo, q.TradeNo, q.Amount, qrStateTexts[q.State])
	}
	if rows == "" {
		return "<p>还没有。None yet.</p>\n"
	}
	return "<table>\n<tr><th>开票码 Code</th><th>单号 Sale</th><th>金额 Amount</th><th>状态 State</th></tr>\n" + rows + "</table>\n"
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
		s.writeMissing(w, http.StatusNotFound, "没有这张发票")
	default:
		s.writeInvoice(w, inv)
	}
}

func (s *Sandbox) writeInvoice(w http.ResponseWriter, inv Invoice) {
	var issued markup
	if !inv.IssuedAt.IsZero() {
		issued = entry("开票日期", piaotong.FormatTime(inv.IssuedAt))
	}
	s.writePage(w, http.StatusOK, "发票（沙箱）", fill("invoice.html", slots{
		"heading": when(inv.Type == "2", "红字发票", "电子发票") + when(inv.Kind == "81", "（专用）", "") + "：" + stateTexts[inv.Code],
		"red":     maybe(`<p class="problem">红冲：%s</p>`+"\n", redTexts[inv.RedFlag]), "number": entry("发票号码", inv.AllEleInvNo), "issued": issued,
		"buyer": inv.BuyerName, "tax_no": entry("税号", inv.taxNo()), "net": inv.NetAmount, "tax": inv.TaxAmount, "amount": inv.Amount, "serial": inv.ReqSerialNo,
	}))
}

// taxNo is the buyer's tax number, "" for none.
func (i *Invoice) taxNo() string {
	if i.Title == nil {
		return ""
	}
	return i.Title.TaxpayerNum
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
		s.writeMissing(w, http.StatusNotFound, "没有这个认证二维码")
		return
	}
	f := all[i]
	var buttons markup
	if !f.final() {
		buttons = element(`<form method="post" action="/face/%s">
<button type="submit" name="step" value="scan">扫码 · Scan</button>
<button type="submit" name="step" value="pass">认证通过 · Pass</button>
<button type="submit" name="step" value="fail">认证失败 · Fail</button>
</form>
`, f.AuthID)
	}
	s.writePage(w, status, "实名认证（沙箱）", fill("face.html", slots{"account": maskPhone(f.Account), "expires": piaotong.FormatTime(f.ExpiresAt),
		"status": faceTexts[f.Status], "problem": alert(problem), "buttons": buttons}))
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
