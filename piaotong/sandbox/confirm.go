package sandbox

import (
	"slices"
	"strconv"
	"time"

	"tillagent/piaotong"
)

// The red confirmations, 2.28–2.34. No public source has the platform's tables,
// so the shapes are assumed, as in package piaotong, and so are these choices:
// the enterprise is the seller; a confirmation holds what it reverses until it
// is refused, revoked or lapses; one that is not known is answered with 8003.

// confirmRef names a confirmation.
type confirmRef struct {
	TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
	ConfirmNo   piaotong.Scalar `json:"redConfirmNo"`
}

// confirmOf checks a reference and finds its confirmation.
func (s *Sandbox) confirmOf(ch *checker, r confirmRef) *Confirm {
	s.taxpayer(ch, r.TaxpayerNum, "9997", "8004")
	c := s.state.confirms[ch.required("redConfirmNo", r.ConfirmNo, chars(1, 20))]
	if c == nil {
		ch.fail(refuse("8003", "红字确认单不存在"))
	}
	return c
}

// applyRedConfirm is 2.28.
func (s *Sandbox) applyRedConfirm(c call) (any, error) {
	var r struct {
		TaxpayerNum     piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo     piaotong.Scalar `json:"redConfirmReqSerialNo"`
		Applicant       piaotong.Scalar `json:"applicantType"`
		BlueAllEleInvNo piaotong.Scalar `json:"blueAllEleInvNo"`
		BlueCode        piaotong.Scalar `json:"blueInvoiceCode"`
		BlueNo          piaotong.Scalar `json:"blueInvoiceNo"`
		ReasonCode      piaotong.Scalar `json:"redReasonCode"`
		Amount          piaotong.Scalar `json:"amount"`
		Items           []redItem       `json:"itemList"`
		DefinedData     piaotong.Scalar `json:"definedData"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	serial := ch.required("redConfirmReqSerialNo", r.ReqSerialNo, chars(20, 20))
	ch.match("redConfirmReqSerialNo", serial, serialPattern)
	ch.required("applicantType", r.Applicant, chars(1, 1))
	if r.Applicant != bySeller {
		ch.fail(invalid("applicantType 只能为 0（沙箱企业是销方）"))
	}
	blueNo := ch.blue(r.BlueAllEleInvNo, r.BlueCode, r.BlueNo)
	ch.required("redReasonCode", r.ReasonCode, chars(2, 2))
	ch.oneOf("redReasonCode", r.ReasonCode, "01", "02", "03", "04")
	amount := ch.fen("amount", r.Amount)
	ch.optional("definedData", r.DefinedData, chars(1, 200))
	if ch.err != nil {
		return nil, ch.err
	}
	if s.state.byConfirmReq[serial] != "" {
		return nil, refuse("8021", "确认单请求流水号已存在")
	}
	blue, err := s.blueInvoice(blueNo)
	if err != nil {
		return nil, err
	}
	e := Entry{
		Amount: formatFen(amount), DefinedData: string(r.DefinedData),
		Confirm: &ConfirmDetail{ReqSerialNo: serial, Applicant: bySeller, ReasonCode: string(r.ReasonCode)},
	}
	if e.Lines, err = ch.confirmLines(blue, r.Items, amount); err != nil {
		return nil, err
	}
	confirm, err := s.applyForConfirm(blue, e)
	if err != nil {
		return nil, err
	}
	return confirm.reference(), nil
}

// confirmLines checks the lines of a confirmation, none of which means the
// whole invoice, and their sum.
func (c *checker) confirmLines(blue *Invoice, items []redItem, amount int64) ([]RedLine, error) {
	left := blue.leftToReverse().fen
	switch {
	case left == 0:
		return nil, refuse("6005", "原发票已冲红或正在冲红")
	case len(items) == 0 && left != blue.fen:
		return nil, refuse("6009", "原发票已部分冲红，请填写明细")
	case len(items) == 0:
		if amount != -left {
			return nil, invalid("amount 必须等于蓝字发票价税合计的负数")
		}
		return nil, nil
	}
	lines, total := c.redItems(blue, items)
	if c.err == nil && total != amount {
		c.fail(invalid("amount 必须等于明细合计"))
	}
	return lines, c.err
}

// reference is what 2.28, 2.31 and 2.32 answer.
func (c *Confirm) reference() map[string]string {
	out := map[string]string{"redConfirmNo": c.No, "redConfirmUuid": c.UUID, "confirmStatus": c.Status}
	if c.ReqSerialNo != "" {
		out["redConfirmReqSerialNo"] = c.ReqSerialNo
	}
	return out
}

// viewRedConfirm is 2.29.
func (s *Sandbox) viewRedConfirm(c call) (any, error) {
	var r struct {
		confirmRef
		ReqSerialNo piaotong.Scalar `json:"redConfirmReqSerialNo"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	if r.ConfirmNo == "" {
		serial := ch.required("redConfirmNo 或 redConfirmReqSerialNo", r.ReqSerialNo, chars(20, 20))
		r.ConfirmNo = piaotong.Scalar(orText(s.state.byConfirmReq[serial], "-"))
	}
	confirm := s.confirmOf(&ch, r.confirmRef)
	if ch.err != nil {
		return nil, ch.err
	}
	return s.state.confirmContent(confirm), nil
}

// issueRed is 2.30.
func (s *Sandbox) issueRed(c call) (any, error) {
	var r struct {
		confirmRef
		ReqSerialNo piaotong.Scalar `json:"invoiceReqSerialNo"`
		UUID        piaotong.Scalar `json:"redConfirmUuid"`
		DrawerName  piaotong.Scalar `json:"drawerName"`
		TakerEmail  piaotong.Scalar `json:"takerEmail"`
		DefinedData piaotong.Scalar `json:"definedData"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	serial := ch.required("invoiceReqSerialNo", r.ReqSerialNo, chars(20, 20))
	ch.match("invoiceReqSerialNo", serial, serialPattern)
	confirm := s.confirmOf(&ch, r.confirmRef)
	ch.required("redConfirmUuid", r.UUID, chars(1, 64))
	ch.optional("drawerName", r.DrawerName, gbk(1, 20))
	ch.match("takerEmail", ch.optional("takerEmail", r.TakerEmail, chars(4, 50)), emailPattern)
	ch.optional("definedData", r.DefinedData, chars(1, 200))
	if ch.err != nil {
		return nil, ch.err
	}
	e := Entry{ReqSerialNo: serial, Amount: confirm.Amount, ConfirmNo: confirm.No, DefinedData: string(r.DefinedData)}
	if answer, known, err := s.answerKnown(c, serial); known {
		return answer, err
	}
	switch {
	case string(r.UUID) != confirm.UUID:
		return nil, invalid("redConfirmUuid 不正确")
	case confirm.RedSerial != "":
		return nil, refuse("6005", "该确认单已开具红字发票或正在开具")
	case !confirm.mayIssue():
		return nil, invalid("红字确认单状态为 %s，不能开具红字发票", confirm.Status)
	}
	return s.requestRed(s.state.invoices[confirm.BlueSerial], c, e)
}

// auditRedConfirm is 2.31: our answer to what the buyer applied for.
func (s *Sandbox) auditRedConfirm(c call) (any, error) {
	var r struct {
		confirmRef
		Result  piaotong.Scalar `json:"auditResult"`
		Opinion piaotong.Scalar `json:"auditOpinion"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	confirm := s.confirmOf(&ch, r.confirmRef)
	ch.required("auditResult", r.Result, chars(1, 1))
	ch.oneOf("auditResult", r.Result, "0", "1")
	ch.optional("auditOpinion", r.Opinion, gbk(1, 200))
	switch {
	case ch.err != nil:
		return nil, ch.err
	case confirm.Status != confirmAwaitsSeller:
		return nil, invalid("红字确认单状态为 %s，不需要销方审核", confirm.Status)
	}
	status := confirmRefusedBySeller
	if r.Result == "1" {
		status = confirmAgreed
	}
	err := s.record(s.state.moved(confirm, status, s.now()))
	return confirm.reference(), err
}

// revokeRedConfirm is 2.32: taking back what we applied for.
func (s *Sandbox) revokeRedConfirm(c call) (any, error) {
	var r struct {
		confirmRef
		Reason piaotong.Scalar `json:"revokeReason"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	confirm := s.confirmOf(&ch, r.confirmRef)
	ch.optional("revokeReason", r.Reason, gbk(1, 200))
	switch {
	case ch.err != nil:
		return nil, ch.err
	case confirm.Applicant != bySeller:
		return nil, invalid("只能撤销本方发起的红字确认单")
	case confirm.RedSerial != "":
		return nil, refuse("6005", "该确认单已开具红字发票或正在开具")
	case !confirm.alive():
		return nil, invalid("红字确认单状态为 %s，不能撤销", confirm.Status)
	}
	status := confirmRevoked
	if confirm.Status == confirmAgreed {
		status = confirmRevokedLater
	}
	err := s.record(s.state.moved(confirm, status, s.now()))
	return confirm.reference(), err
}

// confirmTask is a search of 2.33. It is kept in memory alone.
type confirmTask struct {
	no, reqSerialNo string
	asked           string // the question, to tell a repetition
	readyAt         time.Time
	fits            func(*Confirm) bool
}

const maxTasks = 1000

// searchRedConfirms is 2.33. The same question under the same number is the
// same search.
func (s *Sandbox) searchRedConfirms(c call) (any, error) {
	var r struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo piaotong.Scalar `json:"queryReqSerialNo"`
		Applicant   piaotong.Scalar `json:"applicantType"`
		Start       piaotong.Scalar `json:"startDate"`
		End         piaotong.Scalar `json:"endDate"`
		Status      piaotong.Scalar `json:"confirmStatus"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	serial := ch.required("queryReqSerialNo", r.ReqSerialNo, chars(20, 20))
	ch.match("queryReqSerialNo", serial, serialPattern)
	ch.required("applicantType", r.Applicant, chars(1, 1))
	ch.oneOf("applicantType", r.Applicant, bySeller, byBuyer)
	start := ch.time("startDate", ch.required("startDate", r.Start, chars(10, 10))+" 00:00:00")
	end := ch.time("endDate", ch.required("endDate", r.End, chars(10, 10))+" 00:00:00").AddDate(0, 0, 1)
	status := ch.optional("confirmStatus", r.Status, chars(2, 2))
	if ch.err == nil && !start.Before(end) {
		ch.fail(invalid("startDate 不能晚于 endDate"))
	}
	if ch.err != nil {
		return nil, ch.err
	}
	asked := c.digest()
	task := s.findTask(serial, "")
	switch {
	case task == nil:
		task = &confirmTask{no: "T" + randomDigits(19), reqSerialNo: serial, asked: asked, readyAt: s.now().Add(s.settings.issueDelay)}
		task.fits = func(c *Confirm) bool {
			return c.Applicant == string(r.Applicant) && (status == "" || c.Status == status) &&
				!c.AppliedAt.Before(start) && c.AppliedAt.Before(end)
		}
		s.tasks = append(s.tasks, task)
		s.tasks = s.tasks[max(0, len(s.tasks)-maxTasks):]
	case task.asked != asked:
		return nil, refuse("8021", "查询请求流水号已存在")
	}
	return map[string]string{"queryReqSerialNo": serial, "taskNo": task.no}, nil
}

func (s *Sandbox) findTask(serial, no string) *confirmTask {
	i := slices.IndexFunc(s.tasks, func(t *confirmTask) bool {
		return (serial == "" || t.reqSerialNo == serial) && (no == "" || t.no == no)
	})
	if i < 0 || serial == "" && no == "" {
		return nil
	}
	return s.tasks[i]
}

// foundRedConfirms is 2.34. What is found is as of now, not as of the search.
func (s *Sandbox) foundRedConfirms(c call) (any, error) {
	var r struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo piaotong.Scalar `json:"queryReqSerialNo"`
		TaskNo      piaotong.Scalar `json:"taskNo"`
		PageNo      piaotong.Scalar `json:"pageNo"`
		PageSize    piaotong.Scalar `json:"pageSize"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	page, size := ch.count("pageNo", r.PageNo, 1_000_000), ch.count("pageSize", r.PageSize, 100)
	if ch.err != nil {
		return nil, ch.err
	}
	task := s.findTask(string(r.ReqSerialNo), string(r.TaskNo))
	if task == nil {
		return nil, refuse("8003", "查询任务不存在")
	}
	if s.now().Before(task.readyAt) {
		return map[string]any{"taskStatus": "0"}, nil
	}
	found := s.state.findConfirms(task.fits)
	list := []map[string]any{}
	for i := (page - 1) * size; i < min(page*size, len(found)); i++ {
		list = append(list, s.state.confirmContent(found[i]))
	}
	return map[string]any{"taskStatus": "1", "totalCount": strconv.Itoa(len(found)), "redConfirmList": list}, nil
}

// count reads a required number of 1 to most.
func (c *checker) count(name string, v piaotong.Scalar, most int) int {
	n, err := strconv.Atoi(string(v))
	if err != nil || n < 1 || n > most {
		c.fail(invalid("%s 必须为 1 到 %d 的整数", name, most))
	}
	return n
}
