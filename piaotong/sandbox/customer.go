package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tillagent/piaotong"
)

// qrPage is what the customer's page shows.
type qrPage struct {
	QR       QR
	Seller   string
	Invoices []Invoice
	Waiting  bool   // an invoice is in progress: the page asks again by itself
	Problem  string // with the form, in Chinese
	Form     titleForm
	Counts   []int // of invoices to choose from; nil = one
}

// titleForm is what a customer types.
type titleForm struct {
	Company     bool
	BuyerName   string
	TaxpayerNum string
	Tel         string
	Email       string
	Extracts    string // extract codes of other receipts
	Count       int    // invoices; 0 = 1
}

// presetForm is the form as the till preset it.
func presetForm(q QR) titleForm {
	f := titleForm{BuyerName: q.BuyerName, Company: q.TitleType == companyTitle}
	if t := q.Title; t != nil {
		f.TaxpayerNum, f.Tel, f.Email = t.TaxpayerNum, t.TakerTel, t.TakerEmail
		f.Company = f.Company || q.TitleType == "" && t.TaxpayerNum != ""
	}
	if !f.Company {
		f.TaxpayerNum = ""
	}
	return f
}

// readForm reads what was typed. Without a type of title a tax number tells it.
func readForm(r *http.Request) titleForm {
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := titleForm{
		BuyerName: field("buyer_name"), TaxpayerNum: strings.ToUpper(field("buyer_taxpayer_num")),
		Tel: field("taker_tel"), Email: field("taker_email"), Extracts: field("extract_codes"),
	}
	f.Company = field("title_type") == "company" || field("title_type") == "" && f.TaxpayerNum != ""
	if !f.Company {
		f.TaxpayerNum = ""
	}
	f.Count, _ = strconv.Atoi(field("count")) // what is no number is 0, one invoice
	return f
}

// problem says in Chinese what is wrong with the form, "" when nothing is.
func (f titleForm) problem(q QR) string {
	n, err := piaotong.GBKLen(f.BuyerName)
	switch {
	case f.BuyerName == "":
		return "请填写发票抬头"
	case err != nil || strings.ContainsFunc(f.BuyerName, unicode.IsControl):
		return "发票抬头含有无法打印的字符"
	case n > 100:
		return "发票抬头太长"
	case strings.ContainsAny(f.BuyerName, "<>"):
		return "发票抬头不能含有 < 或 >"
	case f.Company && f.TaxpayerNum == "" && !q.Fixed:
		return "请填写企业税号"
	case f.Company && !taxNumPattern.MatchString(f.TaxpayerNum) && !q.Fixed: // a preset one may be shorter
		return "企业税号应为 15 到 20 位数字或大写字母"
	case q.Kind == "81" && f.TaxpayerNum == "":
		return "专用发票只能开给有税号的企业"
	case f.Tel == "" && q.MobileRequired:
		return "请填写手机号"
	case f.Tel != "" && (len(f.Tel) != 11 || !digitsPattern.MatchString(f.Tel)):
		return "手机号应为 11 位数字"
	case f.Email == "" && q.EmailRequired:
		return "请填写邮箱"
	case f.Email != "" && (len(f.Email) > 50 || !emailPattern.MatchString(f.Email)):
		return "邮箱格式不正确"
	case f.Count < 0 || f.Count > max(q.AllowCount, 1):
		return fmt.Sprintf("最多可以开 %d 张", max(q.AllowCount, 1))
	case f.Count > 1 && f.Extracts != "":
		return "合并开票时只能开一张"
	}
	return ""
}

// title is the rest of the title, with what the till preset and nobody edits.
func (f titleForm) title(q QR) *Title {
	var t Title
	if q.Title != nil && f.BuyerName == q.BuyerName {
		t = *q.Title
	}
	t.TaxpayerNum, t.TakerTel, t.TakerEmail = f.TaxpayerNum, f.Tel, f.Email
	if t == (Title{}) {
		return nil
	}
	return &t
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
		inv := s.state.viewInvoice(serial)
		p.Invoices = append(p.Invoices, inv)
		p.Waiting = p.Waiting || inv.Code == piaotong.StatePending
	}
	p.Form = presetForm(p.QR)
	for n := 1; n <= p.QR.AllowCount && p.QR.AllowCount > 1; n++ {
		p.Counts = append(p.Counts, n)
	}
	return p, nil
}

// serveQR is the customer's page behind a QR code.
func (s *Sandbox) serveQR(w http.ResponseWriter, r *http.Request) {
	p, err := s.findQR(r.PathValue("no"))
	if err != nil {
		s.writeMissing(w, statusOf(err), "没有这个开票码")
		return
	}
	if p.Waiting {
		w.Header().Set("Refresh", "3") // the page has no script
	}
	s.writeQR(w, http.StatusOK, p)
}

func (s *Sandbox) writeQR(w http.ResponseWriter, status int, p qrPage) {
	closed := map[string]string{"voided": "此开票码已作废，不能开票。如有疑问请联系商家。", "expired": "此开票码已过期，不能开票。请联系商家。"}
	var invoices, state, form markup
	for _, inv := range p.Invoices {
		invoices += invoiceCard(inv)
	}
	if p.QR.State == "active" {
		form = p.form()
	} else {
		state = element(`<p class="quiet">开票码状态：%s%s</p>`+"\n", qrStateTexts[p.QR.State],
			when(p.QR.State == "claimed", "。此开票码已使用，不能再次提交。", ""))
	}
	s.writePage(w, status, "扫码开票（沙箱）", fill("qr.html", slots{
		"seller": p.Seller, "closed": maybe(`<p class="problem">%s</p>`+"\n", closed[p.QR.State]), "invoices": invoices,
		"amount": p.QR.Amount, "trade_no": p.QR.TradeNo, "trade_time": piaotong.FormatTime(p.QR.TradeTime), "expires": piaotong.FormatTime(p.QR.ExpireAt),
		"extract_code": p.QR.ExtractCode, "state": state, "problem": alert(p.Problem), "form": form,
	}))
}

// invoiceCard is an invoice on the page of its QR code.
func invoiceCard(inv Invoice) markup {
	class, wait := "failed", markup("")
	switch inv.Code {
	case piaotong.StateIssued:
		class = "issued"
	case piaotong.StatePending:
		class, wait = "waiting", `<p class="quiet">请稍候，本页自动刷新，不用重复提交。</p>`+"\n"
	}
	return element(`<div class="card">`+"\n"+`<p class="state %s">%s</p>`+"\n", class, stateTexts[inv.Code]) + wait +
		maybe(`<p class="problem">%s</p>`+"\n", redTexts[inv.RedFlag]) +
		"<dl>\n" + element("<dt>抬头</dt><dd>%s</dd>\n", inv.BuyerName) + entry("税号", inv.taxNo()) +
		entry("金额", "￥"+inv.Amount+when(len(inv.QRCodeNos) > 0, "（合并开票）", "")) + entry("发票号码", inv.AllEleInvNo) + "</dl>\n" +
		element(`<a class="button" href="/i/%s">查看发票</a>`+"\n</div>\n", inv.ReqSerialNo)
}

// form is where the customer gives a title.
func (p qrPage) form() markup {
	var counts markup
	for _, n := range p.Counts {
		counts += when(n == p.Form.Count, markup("<option selected>"), "<option>") + element("%s</option>", fmt.Sprint(n))
	}
	if counts != "" {
		counts = `<label for="count">开票张数</label>` + "\n" + `<select id="count" name="count">` + counts + "</select>\n"
	}
	disabled := when(p.QR.Fixed, " disabled", "")
	return fill("form.html", slots{
		"no": p.QR.QRCodeNo, "person": when(!p.Form.Company, " checked", "") + disabled, "company": when(p.Form.Company, " checked", "") + disabled,
		"buyer": p.Form.BuyerName, "tax_no": p.Form.TaxpayerNum, "fixed": when(p.QR.Fixed, " readonly", ""),
		"tel": p.Form.Tel, "tel_optional": when(p.QR.MobileRequired, "", "（选填）"), "tel_required": when(p.QR.MobileRequired, " required", ""),
		"email": p.Form.Email, "email_optional": when(p.QR.EmailRequired, "", "（选填）"), "email_required": when(p.QR.EmailRequired, " required", ""),
		"counts": counts, "open": when(p.Form.Extracts != "", " open", ""), "extracts": p.Form.Extracts,
	})
}

// submitQR takes the customer's form.
func (s *Sandbox) submitQR(w http.ResponseWriter, r *http.Request) {
	no := r.PathValue("no")
	r.Body = http.MaxBytesReader(w, r.Body, maxControl)
	p, err := s.findQR(no)
	if err != nil {
		s.writeMissing(w, statusOf(err), "没有这个开票码")
		return
	}
	form := readForm(r)
	if p.QR.Fixed { // whatever the browser sends
		preset := presetForm(p.QR)
		form.Company, form.BuyerName, form.TaxpayerNum = preset.Company, preset.BuyerName, preset.TaxpayerNum
	}
	problem := form.problem(p.QR)
	if problem == "" {
		problem = s.submitForm(p.QR, form)
	}
	if problem == "" {
		http.Redirect(w, r, "/q/"+no, http.StatusSeeOther)
		return
	}
	if now, err := s.findQR(no); err == nil {
		p = now
	}
	p.Problem, p.Form = problem, form
	s.writeQR(w, http.StatusUnprocessableEntity, p)
}

// submitForm submits the code, and others with it, and says in Chinese why not.
func (s *Sandbox) submitForm(q QR, form titleForm) (problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return "沙箱出错：" + err.Error()
	}
	numbers, problem := s.state.codesOf(q.QRCodeNo, form.Extracts, s.now())
	if problem != "" {
		return problem
	}
	_, err := s.submit(numbers, submission{buyer: form.BuyerName, title: form.title(q), n: max(form.Count, 1)})
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrConflict):
		return "现在不能提交，请看下面的状态"
	}
	return "不能提交：" + err.Error()
}

// maxExtracts is how many receipts a customer may put together.
const maxExtracts = 20

// codesOf finds the codes that are submitted together: the page's own and those
// of the extract codes, which stand one a line or apart by blanks and commas.
func (st *state) codesOf(own, extracts string, now time.Time) (numbers []string, problem string) {
	numbers = []string{own}
	if st.qrState(st.qrs[own], now) != "active" {
		return nil, "现在不能提交，请看下面的状态"
	}
	words := strings.FieldsFunc(extracts, func(r rune) bool { return strings.ContainsRune(" \t\r\n,，、;；", r) })
	if len(words) > maxExtracts {
		return nil, fmt.Sprintf("一次最多合并 %d 个提取码", maxExtracts)
	}
	for _, word := range words {
		q := st.byExtract(word)
		if q == nil {
			return nil, "没有这个提取码：" + word
		}
		switch state := st.qrState(q, now); {
		case slices.Contains(numbers, q.QRCodeNo):
			return nil, "提取码重复：" + word
		case state != "active":
			return nil, fmt.Sprintf("提取码 %s 的开票码%s，不能合并", word, qrStateTexts[state])
		}
		numbers = append(numbers, q.QRCodeNo)
	}
	return numbers, ""
}

func (st *state) byExtract(code string) *QR {
	for _, no := range st.qrOrder {
		if q := st.qrs[no]; q.ExtractCode == code {
			return q
		}
	}
	return nil
}
