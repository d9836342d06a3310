package sandbox

import (
	"net/http"

	"tillagent/piaotong"
)

func (s *Sandbox) controlSettle(r *http.Request) (any, error) {
	var body struct {
		ReqSerialNo string  `json:"req_serial_no"`
		Outcome     Outcome `json:"outcome"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.Settle(body.ReqSerialNo, body.Outcome)
}

// invoiceBody names an invoice.
type invoiceBody struct {
	ReqSerialNo string `json:"req_serial_no"`
}

func (s *Sandbox) controlRed(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.RedByHand(body.ReqSerialNo)
}

func (s *Sandbox) controlPlant(r *http.Request) (any, error) {
	var body struct {
		QRCodeNo string `json:"qrcode_no"`
		TradeNo  string `json:"trade_no"`
		Amount   string `json:"amount"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.PlantQR(body.QRCodeNo, body.TradeNo, body.Amount)
}

// controlReissue requests one invoice again, or without a number all that failed.
func (s *Sandbox) controlReissue(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	serials := []string{body.ReqSerialNo}
	var err error
	if body.ReqSerialNo == "" {
		serials, err = s.ReissueAll()
	} else {
		err = s.Reissue(body.ReqSerialNo)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"req_serial_nos": append([]string{}, serials...)}, nil
}

func (s *Sandbox) controlEnterprise(r *http.Request) (any, error) {
	var body struct {
		TaxpayerNum string                `json:"taxpayer_num"` // "" = the sandbox's own
		Review      piaotong.ReviewStatus `json:"review"`
		Opinion     string                `json:"opinion"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.ReviewEnterprise(orText(body.TaxpayerNum, s.account.TaxpayerNum), body.Review, body.Opinion)
}

func (s *Sandbox) controlEnterprises(*http.Request) (any, error) {
	return map[string]any{"enterprises": s.Enterprises()}, nil
}

func (s *Sandbox) controlBook(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.Book(body.ReqSerialNo)
}

func (s *Sandbox) controlApplyAsBuyer(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	no, err := s.ApplyAsBuyer(body.ReqSerialNo)
	if err != nil {
		return nil, err
	}
	return map[string]string{"red_confirm_no": no}, nil
}

func (s *Sandbox) controlAnswerAsBuyer(r *http.Request) (any, error) {
	var body struct {
		ConfirmNo string `json:"red_confirm_no"`
		Agree     bool   `json:"agree"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.AnswerAsBuyer(body.ConfirmNo, body.Agree)
}

func (s *Sandbox) controlConfirms(*http.Request) (any, error) {
	l, err := s.Ledger()
	if err != nil {
		return nil, err
	}
	return map[string]any{"confirms": l.Confirms}, nil
}

func (s *Sandbox) controlAccounts(*http.Request) (any, error) {
	return map[string]any{"accounts": s.TaxAccounts(), "sms_codes": s.SMSCodes(), "face_checks": s.FaceChecks()}, nil
}

// controlAccount changes what is named; the rest stays.
func (s *Sandbox) controlAccount(r *http.Request) (any, error) {
	var body struct {
		Account    string `json:"account"` // "" = the default one
		LoggedIn   *bool  `json:"logged_in"`
		AuthNeeded *bool  `json:"auth_needed"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.changeAccountState(body.Account, body.LoggedIn, body.AuthNeeded)
}

func (s *Sandbox) controlFace(r *http.Request) (any, error) {
	var body struct {
		AuthID string   `json:"auth_id"`
		Step   FaceStep `json:"step"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.MoveFace(body.AuthID, body.Step)
}
