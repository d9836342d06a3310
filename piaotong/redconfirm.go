package piaotong

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Red confirmations (红字发票确认单), 2.28–2.34: the long way to a red invoice,
// for when the other side must agree. No public source has the platform's
// tables: every shape and code of this file is assumed, and is to be corrected
// here alone. None has a default path; see [Error].NoPath. RedFlush and
// RedFlushLines do the same in one call wherever the other side need not agree.

// Applicant is the side that applies for a confirmation.
type Applicant string

// The sides.
const (
	ApplicantSeller Applicant = "0"
	ApplicantBuyer  Applicant = "1"
)

// RedReason says why an invoice is reversed.
type RedReason string

// The reasons, with the codes of the tax administration.
const (
	RedReasonMistake   RedReason = "01" // 开票有误
	RedReasonReturn    RedReason = "02" // 销货退回
	RedReasonStopped   RedReason = "03" // 服务中止
	RedReasonAllowance RedReason = "04" // 销售折让
)

// ConfirmStatus is the state of a confirmation, with the codes of the tax
// administration. Words that are not listed are kept as they were received, and
// allow nothing.
type ConfirmStatus string

// The states of a confirmation.
const (
	ConfirmNotNeeded       ConfirmStatus = "01"
	ConfirmAwaitsBuyer     ConfirmStatus = "02"
	ConfirmAwaitsSeller    ConfirmStatus = "03"
	ConfirmBothAgreed      ConfirmStatus = "04"
	ConfirmRefusedBySeller ConfirmStatus = "05" // by the other side; which code is whose is not certain
	ConfirmRefusedByBuyer  ConfirmStatus = "06"
	ConfirmLapsed          ConfirmStatus = "07" // nobody answered in 72 hours
	ConfirmRevoked         ConfirmStatus = "08" // by the applicant
	ConfirmRevokedLater    ConfirmStatus = "09" // after both had agreed
	ConfirmVoid            ConfirmStatus = "10" // the blue invoice is irregular
)

// MayIssue reports whether IssueConfirmedRed may follow.
func (s ConfirmStatus) MayIssue() bool { return s == ConfirmNotNeeded || s == ConfirmBothAgreed }

// Awaited reports whether one side has still to decide, so that asking again
// later is of use.
func (s ConfirmStatus) Awaited() bool { return s == ConfirmAwaitsBuyer || s == ConfirmAwaitsSeller }

// RedConfirmApply applies for a confirmation (2.28).
type RedConfirmApply struct {
	SerialNo    string    // our number: 20 letters or digits, new, kept through retries
	Applicant   Applicant // which side we are
	Blue        BlueRef
	Reason      RedReason
	Amount      string    // with tax, two places, negative: "-58.50"
	Lines       []RedLine // none: the whole invoice
	DefinedData string    // optional, 0–200 ch
}

// RedConfirmRef names a confirmation: by No, or by SerialNo when it is ours and
// No is not known. With both, No counts.
type RedConfirmRef struct {
	TaxpayerNum string // ours, 15–20 ch
	No          string // the platform's number
	SerialNo    string // ours, of 2.28
}

// RedConfirm is a confirmation. What an interface does not tell is "".
type RedConfirm struct {
	SerialNo        string // ours, of 2.28
	No              string // the platform's number
	UUID            string // the tax administration's
	Status          ConfirmStatus
	Applicant       Applicant
	BlueAllEleInvNo string
	BlueCode        string // older kinds only
	BlueNo          string // older kinds only
	BuyerName       string
	SellerName      string
	Reason          RedReason
	NetAmount       string // without tax, two places, negative
	TaxAmount       string // two places, negative
	Amount          string // with tax, two places, negative
	Lines           []RedLine
}

// RedConfirmIssue asks for the red invoice of a confirmation (2.30). Only the
// seller may.
type RedConfirmIssue struct {
	TaxpayerNum string // seller, 15–20 ch
	ReqSerialNo string // number of the red invoice: 20 letters or digits, new, kept through retries
	ConfirmNo   string
	ConfirmUUID string
	DrawerName  string // optional, ≤20 B
	TakerEmail  string // optional, 4–50 ch
	DefinedData string // optional, 0–200 ch, comes back in pushes
}

// RedConfirmList asks for confirmations of a time (2.33), the other side's as
// well. The platform collects them; 2.34 fetches what it found.
type RedConfirmList struct {
	TaxpayerNum string        // ours, 15–20 ch
	SerialNo    string        // our number of this question: 20 letters or digits, new, kept through retries
	Applicant   Applicant     // whose confirmations
	From, To    time.Time     // days in Beijing, both included
	Status      ConfirmStatus // "" = all
}

// RedConfirmTask names what RedConfirmList started.
type RedConfirmTask struct {
	TaxpayerNum string
	SerialNo    string // of RedConfirmList
	TaskNo      string // the platform's; may be ""
}

// TaskStatus says how far a task is.
type TaskStatus string

// The states of a task.
const (
	TaskRunning TaskStatus = "0"
	TaskDone    TaskStatus = "1"
	TaskFailed  TaskStatus = "2"
)

// RedConfirmPage is one page of what was found.
type RedConfirmPage struct {
	Status   TaskStatus // the rest is filled when it is TaskDone
	Total    int        // on all pages
	Confirms []RedConfirm
}

// ApplyRedConfirm applies for a confirmation (2.28). The number to keep through
// retries is SerialNo. After Unknown, Duplicate or Pending ask ViewRedConfirm
// for it. Refused with 6009 or 6010 says that less is left than was asked for.
func (c *Client) ApplyRedConfirm(ctx context.Context, a RedConfirmApply) (RedConfirm, error) {
	switch {
	case !isSerial(a.SerialNo):
		return RedConfirm{}, c.refused(opApplyRed, notASerial)
	case !oneIdentification(a.Blue.AllEleInvNo, a.Blue.Code, a.Blue.No):
		return RedConfirm{}, c.refused(opApplyRed, notOneIdentification)
	}
	r, err := call[redApplyRequest, redConfirmWire](ctx, c, opApplyRed, redApplyRequest{
		TaxpayerNum:     a.Blue.TaxpayerNum,
		SerialNo:        a.SerialNo,
		Applicant:       a.Applicant,
		BlueAllEleInvNo: a.Blue.AllEleInvNo,
		BlueCode:        a.Blue.Code,
		BlueNo:          a.Blue.No,
		Reason:          a.Reason,
		Amount:          a.Amount,
		Items:           newRedLineWires(a.Lines),
		DefinedData:     a.DefinedData,
	})
	return c.redConfirm(opApplyRed, r, err, RedConfirmRef{SerialNo: a.SerialNo})
}

// ViewRedConfirm asks for a confirmation and its state (2.29).
func (c *Client) ViewRedConfirm(ctx context.Context, ref RedConfirmRef) (RedConfirm, error) {
	if ref.No != "" {
		ref.SerialNo = ""
	} else if ref.SerialNo == "" {
		return RedConfirm{}, c.refused(opViewRed, noConfirmNo)
	}
	r, err := call[redViewRequest, redConfirmWire](ctx, c, opViewRed, redViewRequest(ref))
	return c.redConfirm(opViewRed, r, err, ref)
}

// IssueConfirmedRed asks for the red invoice of a confirmation whose state
// MayIssue (2.30). The number to keep through retries is ReqSerialNo. After
// Unknown, Duplicate or Pending ask QueryInvoice for it.
func (c *Client) IssueConfirmedRed(ctx context.Context, i RedConfirmIssue) (RedAccepted, error) {
	switch {
	case !isSerial(i.ReqSerialNo):
		return RedAccepted{}, c.refused(opIssueRed, notASerial)
	case i.ConfirmNo == "":
		return RedAccepted{}, c.refused(opIssueRed, noConfirmNo)
	}
	r, err := call[redIssueRequest, redResponse](ctx, c, opIssueRed, redIssueRequest(i))
	if err != nil {
		return RedAccepted{}, err
	}
	return c.redAccepted(opIssueRed, r, i.ReqSerialNo)
}

// ReviewRedConfirm agrees to a confirmation that the other side applied for, or
// refuses it (2.31). After Unknown ask ViewRedConfirm.
func (c *Client) ReviewRedConfirm(ctx context.Context, taxpayerNum, confirmNo string, agree bool, opinion string) (RedConfirm, error) {
	if confirmNo == "" {
		return RedConfirm{}, c.refused(opReviewRed, noConfirmNo)
	}
	result := "0"
	if agree {
		result = "1"
	}
	r, err := call[redReviewRequest, redConfirmWire](ctx, c, opReviewRed, redReviewRequest{taxpayerNum, confirmNo, result, opinion})
	return c.redConfirm(opReviewRed, r, err, RedConfirmRef{No: confirmNo})
}

// CancelRedConfirm takes back a confirmation (2.32). After Unknown ask
// ViewRedConfirm.
func (c *Client) CancelRedConfirm(ctx context.Context, taxpayerNum, confirmNo, reason string) (RedConfirm, error) {
	if confirmNo == "" {
		return RedConfirm{}, c.refused(opCancelRed, noConfirmNo)
	}
	r, err := call[redCancelRequest, redConfirmWire](ctx, c, opCancelRed, redCancelRequest{taxpayerNum, confirmNo, reason})
	return c.redConfirm(opCancelRed, r, err, RedConfirmRef{No: confirmNo})
}

// ListRedConfirms starts the search for confirmations (2.33). After Unknown the
// same may be asked again, with the same number.
func (c *Client) ListRedConfirms(ctx context.Context, l RedConfirmList) (RedConfirmTask, error) {
	switch {
	case !isSerial(l.SerialNo):
		return RedConfirmTask{}, c.refused(opListRed, notASerial)
	case l.From.IsZero() || l.To.Before(l.From):
		return RedConfirmTask{}, c.refused(opListRed, "the days are missing, or in the wrong order")
	}
	r, err := call[redListRequest, redListResponse](ctx, c, opListRed, redListRequest{
		TaxpayerNum: l.TaxpayerNum,
		SerialNo:    l.SerialNo,
		Applicant:   l.Applicant,
		StartDate:   l.From.In(beijing).Format(time.DateOnly),
		EndDate:     l.To.In(beijing).Format(time.DateOnly),
		Status:      l.Status,
	})
	if err != nil {
		return RedConfirmTask{}, err
	}
	if string(r.SerialNo) != l.SerialNo {
		return RedConfirmTask{}, c.malformed(opListRed, fmt.Errorf("the answer is about question %q", r.SerialNo))
	}
	return RedConfirmTask{TaxpayerNum: l.TaxpayerNum, SerialNo: l.SerialNo, TaskNo: string(r.TaskNo)}, nil
}

// RedConfirmsFound fetches a page of what ListRedConfirms found (2.34). Pages
// count from 1. A nil error says that the question was answered: see Status.
func (c *Client) RedConfirmsFound(ctx context.Context, t RedConfirmTask, page, pageSize int) (RedConfirmPage, error) {
	r, err := call[redFoundRequest, redFoundResponse](ctx, c, opFoundRed, redFoundRequest{
		TaxpayerNum: t.TaxpayerNum,
		SerialNo:    t.SerialNo,
		TaskNo:      t.TaskNo,
		Page:        strconv.Itoa(page),
		PageSize:    strconv.Itoa(pageSize),
	})
	if err != nil {
		return RedConfirmPage{}, err
	}
	out := RedConfirmPage{Status: TaskStatus(r.Status)}
	switch {
	case out.Status == "":
		return RedConfirmPage{}, c.malformed(opFoundRed, errors.New("the answer names no state"))
	case out.Status != TaskDone:
		return out, nil
	}
	if out.Total, err = strconv.Atoi(string(r.Total)); err != nil || out.Total < len(r.Confirms) {
		return RedConfirmPage{}, c.malformed(opFoundRed, errors.New("the answer does not say how many there are"))
	}
	for _, w := range r.Confirms {
		out.Confirms = append(out.Confirms, w.confirm())
	}
	return out, nil
}

const noConfirmNo = "the confirmation's number is missing"

// redConfirm reads the answer that 2.28, 2.29, 2.31 and 2.32 share. It must
// name the confirmation by the number that it was asked by.
func (c *Client) redConfirm(op *operation, w redConfirmWire, err error, ref RedConfirmRef) (RedConfirm, error) {
	switch {
	case err != nil:
		return RedConfirm{}, err
	case ref.No != "" && string(w.No) != ref.No:
		return RedConfirm{}, c.malformed(op, fmt.Errorf("the answer is about confirmation %q", w.No))
	case ref.No == "" && string(w.SerialNo) != ref.SerialNo:
		return RedConfirm{}, c.malformed(op, fmt.Errorf("the answer is about request %q", w.SerialNo))
	case w.Status == "":
		return RedConfirm{}, c.malformed(op, errors.New("the answer names no state"))
	}
	return w.confirm(), nil
}
