package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"tillagent/piaotong"
)

// Enterprise is an enterprise as it was registered (2.2). The sandbox's own is
// there from the start, approved. Others can be registered and reviewed, but
// only the sandbox's own can issue.
type Enterprise struct {
	TaxpayerNum string                `json:"taxpayer_num"`
	Name        string                `json:"name"`
	LegalPerson string                `json:"legal_person"`
	Contacts    string                `json:"contacts"`
	Email       string                `json:"email"`
	Phone       string                `json:"phone"`
	RegionCode  string                `json:"region_code"`
	City        string                `json:"city"`
	Address     string                `json:"address"`
	Devices     string                `json:"devices,omitempty"`
	Review      piaotong.ReviewStatus `json:"review"`
	Opinion     string                `json:"opinion,omitempty"` // of the review
}

const (
	sellerAddress = "北京市海淀区沙箱路1号"
	sellerTel     = "010-00000000"
)

func firstEnterprise() Enterprise {
	return Enterprise{
		TaxpayerNum: taxpayerNum, Name: enterpriseName, LegalPerson: "沙箱法人", Contacts: "沙箱开票员",
		Email: "sandbox@example.com", Phone: DefaultAccount, RegionCode: "11", City: "海淀区", Address: sellerAddress,
		Review: piaotong.ReviewApproved,
	}
}

func (st *state) applyEnterprise(e Entry) error {
	if e.Enterprise == nil {
		return fmt.Errorf("entry %d describes no enterprise", e.Seq)
	}
	changed := *e.Enterprise
	st.enterprises[changed.TaxpayerNum] = &changed
	return nil
}

// regionCodes are the provinces of 2.2.
var regionCodes = strings.Fields("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65")

// maxLicence is the limit of the licence's picture, which must be below it.
const maxLicence = 2 << 20

// registerEnterprise is 2.2. Again for the same number is a change, which is
// reviewed, too. The platform's table of cities is not public: the sandbox
// takes any Chinese name, and refuses others with 9002.
func (s *Sandbox) registerEnterprise(c call) (any, error) {
	var r struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		Name        piaotong.Scalar `json:"enterpriseName"`
		LegalPerson piaotong.Scalar `json:"legalPersonName"`
		Contacts    piaotong.Scalar `json:"contactsName"`
		Email       piaotong.Scalar `json:"contactsEmail"`
		Phone       piaotong.Scalar `json:"contactsPhone"`
		RegionCode  piaotong.Scalar `json:"regionCode"`
		City        piaotong.Scalar `json:"cityName"`
		Address     piaotong.Scalar `json:"enterpriseAddress"`
		Licence     piaotong.Scalar `json:"taxRegistrationCertificate"`
		Devices     piaotong.Scalar `json:"taxControlDeviceType"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	e := Enterprise{
		TaxpayerNum: ch.required("taxpayerNum", r.TaxpayerNum, chars(15, 20)),
		Name:        ch.required("enterpriseName", r.Name, gbk(4, 100)),
		LegalPerson: ch.required("legalPersonName", r.LegalPerson, chars(2, 50)),
		Contacts:    ch.required("contactsName", r.Contacts, gbk(1, 16)),
		Email:       ch.required("contactsEmail", r.Email, chars(4, 50)),
		Phone:       ch.required("contactsPhone", r.Phone, chars(11, 11)),
		RegionCode:  ch.required("regionCode", r.RegionCode, chars(1, 20)),
		City:        ch.required("cityName", r.City, chars(1, 20)),
		Address:     ch.required("enterpriseAddress", r.Address, gbk(1, 89)),
		Devices:     string(r.Devices),
		Review:      piaotong.ReviewWaiting,
	}
	ch.match("taxpayerNum", e.TaxpayerNum, taxNumPattern)
	ch.match("contactsEmail", e.Email, emailPattern)
	ch.match("contactsPhone", e.Phone, digitsPattern)
	ch.noAngle("enterpriseName", e.Name)
	ch.noAngle("legalPersonName", e.LegalPerson)
	ch.noAngle("contactsName", e.Contacts)
	ch.noAngle("enterpriseAddress", e.Address)
	if e.Devices != "" {
		for _, d := range strings.Split(e.Devices, "|") {
			ch.oneOf("taxControlDeviceType", piaotong.Scalar(d), "1", "2", "3", "4")
		}
	}
	if !slices.Contains(regionCodes, e.RegionCode) {
		ch.fail(refuse("9001", "地区编码不存在"))
	}
	if strings.IndexFunc(e.City, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) >= 0 {
		ch.fail(refuse("9002", "市(地区)名称不存在"))
	}
	ch.licence(r.Licence)
	if ch.err != nil {
		return nil, ch.err
	}
	if old := s.state.enterprises[e.TaxpayerNum]; old != nil {
		switch {
		case old.Review == piaotong.ReviewWaiting || old.Review == piaotong.ReviewRunning:
			return nil, refuse("9005", "企业正在审核中，不能修改")
		case e.TaxpayerNum == s.account.TaxpayerNum && e.Name != old.Name:
			return nil, invalid("沙箱企业的名称不能修改")
		}
	}
	if err := s.record(Entry{Kind: EnterpriseEntry, Enterprise: &e}); err != nil {
		return nil, err
	}
	return map[string]string{"taxpayerNum": e.TaxpayerNum, "enterpriseName": e.Name}, nil
}

// licence checks the picture of the business licence.
func (c *checker) licence(v piaotong.Scalar) {
	if v == "" {
		c.fail(invalid("taxRegistrationCertificate 不能为空"))
		return
	}
	data, err := base64.StdEncoding.DecodeString(string(v))
	switch {
	case err != nil:
		c.fail(invalid("taxRegistrationCertificate 必须为 base64"))
	case len(data) >= maxLicence:
		c.fail(invalid("taxRegistrationCertificate 必须小于 2M"))
	case !strings.HasPrefix(http.DetectContentType(data), "image/"):
		c.fail(refuse("9003", "营业执照图片保存失败"))
	}
}

// queryEnterprise is v3.5.1 §2.21.
func (s *Sandbox) queryEnterprise(c call) (any, error) {
	var r struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		Name        piaotong.Scalar `json:"enterpriseName"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	no := ch.required("taxpayerNum", r.TaxpayerNum, chars(1, 20))
	name := ch.required("enterpriseName", r.Name, gbk(1, 100))
	if ch.err != nil {
		return nil, ch.err
	}
	e := s.state.enterprises[no]
	switch {
	case e == nil:
		return nil, refuse("8002", "纳税人识别号不存在")
	case e.Name != name:
		return nil, refuse("9996", "企业名称不正确")
	}
	out := map[string]any{
		"taxpayerNum": e.TaxpayerNum, "enterpriseName": e.Name, "legalPersonName": e.LegalPerson, "contactsName": e.Contacts,
		"contactsEmail": e.Email, "contactsPhone": e.Phone, "regionCode": e.RegionCode, "cityName": e.City,
		"enterpriseAddress": e.Address, "reviewStatus": string(e.Review), "serviceStatus": "1", "invoiceLayoutFileType": "pdf",
		"terminalList": []any{},
	}
	if e.Opinion != "" {
		out["reviewOpinion"] = e.Opinion
	}
	return out, nil
}

// ReviewEnterprise decides over an enterprise, as the platform's staff does.
func (s *Sandbox) ReviewEnterprise(taxpayerNum string, r piaotong.ReviewStatus, opinion string) error {
	switch r {
	case piaotong.ReviewWaiting, piaotong.ReviewApproved, piaotong.ReviewRefused, piaotong.ReviewRunning:
	default:
		return badInput("review must be 0 (waiting), 1 (approved), 2 (refused) or 3 (running)")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.state.enterprises[taxpayerNum]
	if e == nil {
		return fmt.Errorf("enterprise %q: %w", taxpayerNum, ErrNotFound)
	}
	changed := *e
	changed.Review, changed.Opinion = r, opinion
	return s.record(Entry{Kind: EnterpriseEntry, Enterprise: &changed})
}

// Enterprises returns a copy of all enterprises, by tax number.
func (s *Sandbox) Enterprises() map[string]Enterprise {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Enterprise{}
	for no, e := range s.state.enterprises {
		out[no] = *e
	}
	return out
}
