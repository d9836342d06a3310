package sandbox

import (
	"fmt"

	"tillagent/piaotong"
)

// The tax bureau's accounts (数电账号) with which the enterprise issues. Only
// the request of 2.3 is known publicly, so all other shapes are assumed, as in
// package piaotong. The tax bureau behind the sandbox knows every account, and
// each has the one password: the sandbox keeps no secret of anybody.

// What the sandbox's tax accounts are called.
const (
	DefaultAccount  = "10000000001" // logged in and authenticated at first; issues what names no account
	SecondAccount   = "10000000002" // not logged in at first
	AccountPassword = "sandbox123"  // of every account, and of every identity
)

// TaxAccount is an account of the tax bureau as the platform keeps it.
type TaxAccount struct {
	Account      string `json:"account"` // mobile number or ID
	Name         string `json:"name,omitempty"`
	IdentityType string `json:"identity_type,omitempty"`
	Phone        string `json:"phone,omitempty"` // gets the SMS codes
	LoggedIn     bool   `json:"logged_in"`
	AuthNeeded   bool   `json:"auth_needed"` // the face check is due
	Default      bool   `json:"default"`
}

// mayIssue reports whether an invoice of the account is issued now.
func (a *TaxAccount) mayIssue() bool { return a.LoggedIn && !a.AuthNeeded }

func firstAccounts() []TaxAccount {
	return []TaxAccount{
		{Account: DefaultAccount, Name: "沙箱开票员", Phone: DefaultAccount, LoggedIn: true, Default: true},
		{Account: SecondAccount, Name: "沙箱财务", Phone: SecondAccount},
	}
}

func (st *state) setAccount(a TaxAccount) {
	if st.accounts[a.Account] == nil {
		st.accountOrder = append(st.accountOrder, a.Account)
	}
	st.accounts[a.Account] = &a
}

func (st *state) applyAccount(e Entry) error {
	if e.TaxAccount == nil || e.TaxAccount.Account == "" {
		return fmt.Errorf("entry %d describes no account", e.Seq)
	}
	st.setAccount(*e.TaxAccount)
	return nil
}

// account finds an account, "" being the default one.
func (st *state) account(name string) *TaxAccount {
	if name != "" {
		return st.accounts[name]
	}
	for _, n := range st.accountOrder {
		if a := st.accounts[n]; a.Default {
			return a
		}
	}
	return nil // cannot be: the first one stays the default
}

// mayIssue reports whether invoices of an account are issued now.
func (st *state) mayIssue(account string) bool {
	a := st.account(account)
	return a != nil && a.mayIssue()
}

// changeAccount records an account as it is from now on, if that is new.
func (s *Sandbox) changeAccount(a TaxAccount) error {
	if old := s.state.accounts[a.Account]; old != nil && *old == a {
		return nil
	}
	return s.record(Entry{Kind: AccountEntry, TaxAccount: &a})
}

// TaxAccounts returns a copy of all accounts; the first is the default one.
func (s *Sandbox) TaxAccounts() []TaxAccount {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.viewAccounts()
}

func (st *state) viewAccounts() []TaxAccount {
	out := make([]TaxAccount, 0, len(st.accountOrder))
	for _, name := range st.accountOrder {
		out = append(out, *st.accounts[name])
	}
	return out
}

// SetAccount logs an account in or out by force, and says whether the face
// check is due. While it may not issue, its invoices end in 3999: direct and
// red ones, and of the default account scanned ones, too. "" is the default
// account.
func (s *Sandbox) SetAccount(account string, loggedIn, authNeeded bool) error {
	return s.changeAccountState(account, &loggedIn, &authNeeded)
}

// changeAccountState is SetAccount of what is not nil.
func (s *Sandbox) changeAccountState(account string, loggedIn, authNeeded *bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return err
	}
	a := s.state.account(account)
	if a == nil {
		return fmt.Errorf("account %q: %w", account, ErrNotFound)
	}
	changed := *a
	if loggedIn != nil {
		changed.LoggedIn = *loggedIn
	}
	if authNeeded != nil {
		changed.AuthNeeded = *authNeeded
	}
	return s.changeAccount(changed)
}

// accountRef is what all interfaces of accounts have in common.
type accountRef struct {
	TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
	Account     piaotong.Scalar `json:"account"`
}

// checkAccount checks a reference and finds its account.
func (s *Sandbox) checkAccount(c *checker, r accountRef) *TaxAccount {
	s.taxpayer(c, r.TaxpayerNum, "9997", "8004")
	name := c.required("account", r.Account, chars(1, 50))
	a := s.state.accounts[name]
	if a == nil {
		c.fail(invalid("account 未登记，请先登记数电账号"))
	}
	return a
}

// accountOf decodes a request that names an account and perhaps no more.
func (s *Sandbox) accountOf(c call) (*TaxAccount, error) {
	var r accountRef
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	a := s.checkAccount(&ch, r)
	return a, ch.err
}

// registerAccount is 2.3. Again for the same account changes it; a new account
// is not logged in.
func (s *Sandbox) registerAccount(c call) (any, error) {
	var r struct {
		TaxpayerNum   piaotong.Scalar `json:"taxpayerNum"`
		LoginMethod   piaotong.Scalar `json:"loginMethod"`
		Account       piaotong.Scalar `json:"account"`
		Password      piaotong.Scalar `json:"password"`
		IdentityType  piaotong.Scalar `json:"identityType"`
		IdentityPwd   piaotong.Scalar `json:"identityPwd"`
		PhoneNum      piaotong.Scalar `json:"phoneNum"`
		Name          piaotong.Scalar `json:"name"`
		OperationType piaotong.Scalar `json:"operationType"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	ch.oneOf("loginMethod", r.LoginMethod, "1")
	name := ch.required("account", r.Account, chars(1, 50))
	ch.match("account", name, alnumPattern)
	if r.Password == "" {
		ch.fail(invalid("password 不能为空"))
	}
	ch.oneOf("operationType", r.OperationType, "1")
	identity := ch.optional("identityType", r.IdentityType, chars(1, 20))
	phone := ch.optional("phoneNum", r.PhoneNum, chars(11, 11))
	ch.match("phoneNum", phone, digitsPattern)
	person := ch.optional("name", r.Name, gbk(1, 20))
	switch {
	case ch.err != nil:
		return nil, ch.err
	case r.Password != AccountPassword:
		return nil, invalid("登录账号或密码错误")
	case r.IdentityPwd != "" && r.IdentityPwd != AccountPassword:
		return nil, invalid("身份密码错误")
	}
	a := TaxAccount{Account: name}
	if old := s.state.accounts[name]; old != nil {
		a = *old
	}
	a.Name, a.IdentityType, a.Phone = orText(person, a.Name), orText(identity, a.IdentityType), orText(phone, a.Phone)
	if a.Phone == "" && len(name) == 11 {
		a.Phone = name
	}
	if err := s.changeAccount(a); err != nil {
		return nil, err
	}
	return map[string]string{"taxpayerNum": s.account.TaxpayerNum, "account": name}, nil
}

// queryAccount is 2.8.
func (s *Sandbox) queryAccount(c call) (any, error) {
	a, err := s.accountOf(c)
	if err != nil {
		return nil, err
	}
	return s.accountStatus(a), nil
}

// accountStatus is what 2.5 and 2.8 tell of an account.
func (s *Sandbox) accountStatus(a *TaxAccount) map[string]string {
	msg := "账号正常"
	switch {
	case !a.LoggedIn:
		msg = "账号未登录电子税务局"
	case a.AuthNeeded:
		msg = "账号需要实名认证"
	}
	return map[string]string{
		"taxpayerNum": s.account.TaxpayerNum, "account": a.Account,
		"loginStatus": digit(a.LoggedIn), "authStatus": digit(a.AuthNeeded), "msg": msg,
	}
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// listAccounts is 2.45, with an object or, by the setting, a bare array.
func (s *Sandbox) listAccounts(c call) (any, error) {
	var r accountRef
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	if ch.err != nil {
		return nil, ch.err
	}
	list := []map[string]string{}
	for _, a := range s.state.viewAccounts() {
		list = append(list, map[string]string{
			"account": a.Account, "name": a.Name, "identityType": a.IdentityType, "phoneNum": maskPhone(a.Phone),
			"loginStatus": digit(a.LoggedIn), "authStatus": digit(a.AuthNeeded), "defaultFlag": digit(a.Default),
		})
	}
	if s.settings.accountListArray {
		return list, nil
	}
	return map[string]any{"taxpayerNum": s.account.TaxpayerNum, "accountList": list}, nil
}

// logout is 2.46. Out is out, also a second time.
func (s *Sandbox) logout(c call) (any, error) {
	a, err := s.accountOf(c)
	if err != nil {
		return nil, err
	}
	out := map[string]string{"taxpayerNum": s.account.TaxpayerNum, "account": a.Account}
	if c.result(out) {
		return out, nil
	}
	changed := *a
	changed.LoggedIn = false
	return out, s.changeAccount(changed)
}

// maskPhone hides the middle of a mobile number.
func maskPhone(phone string) string {
	if len(phone) != 11 {
		return ""
	}
	return phone[:3] + "****" + phone[7:]
}
