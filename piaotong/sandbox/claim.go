package sandbox

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tillagent/piaotong"
)

// Claim is a customer who scans a code and submits a title.
type Claim struct {
	QRCodeNo  string `json:"qrcode_no"`
	URL       string `json:"url"`        // instead of QRCodeNo: what the QR on paper says
	BuyerName string `json:"buyer_name"` // "" = 个人
	// BuyerTaxpayerNum is a company's tax number; may be "".
	BuyerTaxpayerNum string  `json:"buyer_taxpayer_num"`
	Outcome          Outcome `json:"outcome"` // "" = issued
	// Split makes this many invoices of the code, as staff can on the platform,
	// whatever allowInvoiceCount says; 0 = 1. Items stay whole while there are
	// enough of them.
	Split int `json:"split"`
}

// ClaimMerged is a customer who submits several codes as one invoice.
type ClaimMerged struct {
	QRCodeNos        []string `json:"qrcode_nos"`
	URLs             []string `json:"urls"`               // in addition: what the QRs on paper say
	BuyerName        string   `json:"buyer_name"`         // "" = 个人
	BuyerTaxpayerNum string   `json:"buyer_taxpayer_num"` // as in Claim
	Outcome          Outcome  `json:"outcome"`            // "" = issued
}

// maxSplit keeps a slip of the pen from filling the ledger.
const maxSplit = 100

// Errors of Claim, Settle and the control paths.
var (
	ErrNotFound = errors.New("unknown to the sandbox")
	ErrConflict = errors.New("not possible in its present state")
)

// inputError is a request to the sandbox's own controls that makes no sense.
type inputError string

func (e inputError) Error() string { return string(e) }

func badInput(format string, args ...any) error { return inputError(fmt.Sprintf(format, args...)) }

// Claim submits a code as its customer would, and returns the request number
// of the invoice, which is the platform's own; of a split claim that of the
// first one. A code can be claimed once, and again when its invoices failed.
func (s *Sandbox) Claim(c Claim) (reqSerialNo string, err error) {
	serials, err := s.claim(c)
	if err != nil {
		return "", err
	}
	return serials[0], nil
}

// ClaimMerged submits two codes or more as one invoice, and returns its
// request number. 2.18 names it for each of the codes, with the amount of the
// whole invoice; its lines are those of the codes, in the given order, and its
// trade number is that of the first.
func (s *Sandbox) ClaimMerged(c ClaimMerged) (reqSerialNo string, err error) {
	numbers := slices.Clone(c.QRCodeNos)
	for _, u := range c.URLs {
		no, err := numberOf(u)
		if err != nil {
			return "", err
		}
		numbers = append(numbers, no)
	}
	if len(numbers) < 2 {
		return "", badInput("a merged claim needs two codes or more")
	}
	for i, no := range numbers {
		if slices.Contains(numbers[:i], no) {
			return "", badInput("code %q is named twice", no)
		}
	}
	title, err := titleOf(c.BuyerTaxpayerNum)
	if err != nil {
		return "", err
	}
	serials, err := s.submitNow(numbers, submission{buyer: c.BuyerName, title: title, outcome: c.Outcome, n: 1})
	if err != nil {
		return "", err
	}
	return serials[0], nil
}

func (s *Sandbox) claim(c Claim) (reqSerialNos []string, err error) {
	no := c.QRCodeNo
	if no == "" {
		if no, err = numberOf(c.URL); err != nil {
			return nil, err
		}
	}
	if c.Split < 0 || c.Split > maxSplit {
		return nil, badInput("split must be 0 to %d", maxSplit)
	}
	title, err := titleOf(c.BuyerTaxpayerNum)
	if err != nil {
		return nil, err
	}
	return s.submitNow([]string{no}, submission{buyer: c.BuyerName, title: title, outcome: c.Outcome, n: max(c.Split, 1)})
}

// titleOf is the rest of a title that has a tax number or nothing.
func titleOf(taxpayerNum string) (*Title, error) {
	switch {
	case taxpayerNum == "":
		return nil, nil
	case !taxNumPattern.MatchString(taxpayerNum):
		return nil, badInput("buyer_taxpayer_num must have 15 to 20 of A-Z and 0-9")
	}
	return &Title{TaxpayerNum: taxpayerNum}, nil
}

// numberOf finds the number of a code in the address of its page.
func numberOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "", badInput("a claim needs a qrcode_no or the url of a code")
	}
	return path.Base(u.Path), nil
}

// submission is what a customer submits.
type submission struct {
	buyer   string // "" = 个人
	title   *Title
	outcome Outcome // "" = issued
	n       int     // invoices
	slow    time.Duration
}

func (sub *submission) check() error {
	if sub.outcome == "" {
		sub.outcome = Issued
	}
	if !sub.outcome.valid() {
		return badInput("unknown outcome %q", sub.outcome)
	}
	if sub.buyer == "" {
		sub.buyer = "个人"
	}
	if n, err := piaotong.GBKLen(sub.buyer); err != nil || n > 100 {
		return badInput("buyer_name must have at most 100 bytes in GBK")
	}
	return nil
}

// submitNow is submit for those who do not hold mu.
func (s *Sandbox) submitNow(numbers []string, sub submission) (reqSerialNos []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return nil, err
	}
	return s.submit(numbers, sub)
}

// submit claims codes together for one buyer, as n invoices. The caller holds mu.
func (s *Sandbox) submit(numbers []string, sub submission) (reqSerialNos []string, err error) {
	if err := sub.check(); err != nil {
		return nil, err
	}
	now := s.now()
	var fen int64
	for _, no := range numbers {
		q := s.state.qrs[no]
		if q == nil {
			return nil, fmt.Errorf("code %q: %w", no, ErrNotFound)
		}
		if st := s.state.qrState(q, now); st != "active" {
			return nil, fmt.Errorf("code %q is %s: %w", no, st, ErrConflict)
		}
		fen += q.fen
	}
	if fen > maxFen {
		return nil, badInput("together the codes are over %s", formatFen(maxFen))
	}
	first := s.state.qrs[numbers[0]]
	e := Entry{
		At: now, Kind: ClaimedEntry, QRCodeNo: first.QRCodeNo, TradeNo: first.TradeNo, Amount: formatFen(fen),
		ReqSerialNo: s.state.newSerial(), BuyerName: sub.buyer, Title: sub.title,
		Outcome: sub.outcome, ReadyAt: now.Add(s.settings.issueDelay + sub.slow).UTC(),
	}
	switch {
	case len(numbers) > 1:
		e.QRCodeNos = numbers
	case sub.n > 1:
		if e.Parts, err = s.split(first.Items, sub.n, e.ReqSerialNo); err != nil {
			return nil, err
		}
	}
	if err := s.record(e); err != nil {
		return nil, err
	}
	for _, p := range e.Parts {
		reqSerialNos = append(reqSerialNos, p.ReqSerialNo)
	}
	if len(reqSerialNos) == 0 {
		reqSerialNos = []string{e.ReqSerialNo}
	}
	return reqSerialNos, nil
}

// split makes the invoices of a split claim; the first has the given number.
func (s *Sandbox) split(items []Item, n int, serial string) ([]Part, error) {
	groups, err := splitItems(items, n)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for _, g := range groups {
		lines, err := newLines(g)
		if err != nil {
			return nil, err
		}
		total := sum(lines, whole)
		if total.fen == 0 {
			return nil, badInput("the amount is too small for %d invoices", n)
		}
		parts = append(parts, Part{serial, formatFen(total.fen), g})
		serial = s.state.newSerial()
	}
	return parts, nil
}

// PlantQR makes a code of somebody else, with whom our numbers clash: 2.16 of
// the number is refused with 8038, and 2.18 names the other's trade number, if
// the amounts are the same.
func (s *Sandbox) PlantQR(qrcodeNo, tradeNo, amount string) error {
	fen, err := parseFen(amount)
	switch {
	case err != nil || fen <= 0:
		return badInput("amount must be a positive number of at most two places")
	case len(qrcodeNo) < 10 || len(qrcodeNo) > 20 || !alnumPattern.MatchString(qrcodeNo):
		return badInput("qrcode_no must have 10 to 20 letters or digits")
	case tradeNo == "" || utf8.RuneCountInString(tradeNo) > 50:
		return badInput("trade_no must have 1 to 50 characters")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.qrs[qrcodeNo] != nil {
		return fmt.Errorf("code %q is there already: %w", qrcodeNo, ErrConflict)
	}
	now := s.now().UTC()
	address := ""
	if s.publicURL != "" {
		address = strings.TrimRight(s.publicURL, "/") + "/q/" + qrcodeNo
	}
	return s.record(Entry{
		At: now, Kind: QRCreatedEntry, QRCodeNo: qrcodeNo, TradeNo: tradeNo, Amount: formatFen(fen),
		QR: &QRDetail{
			URL: address, ExtractCode: randomDigits(12), TradeTime: now, ExpireAt: now.AddDate(1, 0, 0),
			Items: []Item{{Name: "*其他*商品", TaxCode: "1090000000000000000", Rate: "13", Quantity: "1", Amount: formatFen(fen)}},
		},
	})
}
