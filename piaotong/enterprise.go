package piaotong

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
)

// maxLicence is the platform's limit of the licence picture, in bytes.
const maxLicence = 2 << 20

// EnterpriseRegister registers an enterprise, or changes its data (2.2; v3.5.1
// §2.1). "ch" counts characters, "B" bytes in GBK (see [GBKLen]). None of the
// names and the address may hold < or >.
type EnterpriseRegister struct {
	TaxpayerNum string // 15–20 ch, A-Z0-9; the number to keep through retries
	Name        string // 4–100 B
	LegalPerson string // 2–50 ch
	Contact     string // 1–16 B; becomes the default drawer of invoices
	Email       string // of the contact, 4–50 ch
	Mobile      string // of the contact, 11 digits
	RegionCode  string // province, 2 digits: "11" is Beijing, as in GB/T 2260
	City        string // 1–20 ch, of the platform's city table; the district in a municipality
	Address     string // 1–89 B, as on the licence
	Licence     []byte // picture of the business licence, below 2 MiB
	// DeviceTypes are the kinds of tax-control device, joined by "|". The table
	// of v3.5.1 requires it, later clients do not send it: "" leaves it out.
	DeviceTypes string
}

// EnterpriseRef names an enterprise; the platform compares both.
type EnterpriseRef struct{ TaxpayerNum, Name string }

// ReviewStatus says how far the platform's review of an enterprise is. Words
// that are not listed are kept as they were received.
type ReviewStatus string

// The states of a review.
const (
	ReviewWaiting  ReviewStatus = "0"
	ReviewApproved ReviewStatus = "1"
	ReviewRefused  ReviewStatus = "2"
	ReviewRunning  ReviewStatus = "3"
)

// ServiceStatus says whether the platform serves an enterprise.
type ServiceStatus string

// The states of the service.
const (
	ServiceDisabled ServiceStatus = "0"
	ServiceNormal   ServiceStatus = "1"
)

// Enterprise is what the platform knows of an enterprise (v3.5.1 §2.21). What
// that table says of tax-control devices and blockchain quotas is not read:
// digital invoices have neither.
type Enterprise struct {
	TaxpayerNum   string
	Name          string
	LegalPerson   string
	Contact       string
	Email         string
	Mobile        string // known from a client's code only; may be ""
	RegionCode    string
	City          string
	Address       string
	Invitation    string // 6–10 ch; may be ""
	Review        ReviewStatus
	ReviewOpinion string // why it was refused; may be ""
	InvoiceKinds  string // joined by "|"; may be ""
	LayoutType    string // "pdf" or "ofd"; may be ""
	Service       ServiceStatus
}

// Ready reports whether the enterprise is approved and served. Nothing but the
// known good words counts.
func (e Enterprise) Ready() bool {
	return e.Review == ReviewApproved && e.Service == ServiceNormal
}

// enterpriseRegisterRequest is the content of 2.2.
type enterpriseRegisterRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`                    // 纳税人识别号 15–20 Y
	Name        string `json:"enterpriseName"`                 // 企业名称 4–100 B Y
	LegalPerson string `json:"legalPersonName"`                // 法人名称 2–50 ch Y
	Contact     string `json:"contactsName"`                   // 联系人名称 1–16 B Y
	Email       string `json:"contactsEmail"`                  // 联系人邮箱 4–50 ch Y
	Mobile      string `json:"contactsPhone"`                  // 联系人手机 11 digits Y
	RegionCode  string `json:"regionCode"`                     // 地区编码 2 Y
	City        string `json:"cityName"`                       // 市(地区)名称 1–20 ch Y
	Address     string `json:"enterpriseAddress"`              // 详细地址 1–89 B Y
	Licence     string `json:"taxRegistrationCertificate"`     // 营业执照图片, base64, below 2 MB Y
	DeviceTypes string `json:"taxControlDeviceType,omitempty"` // 企业税控设备类型, codes joined by | (Y in v3.5.1)
}

// enterpriseRefWire is the content of the query and the answer of 2.2.
type enterpriseRefWire struct {
	TaxpayerNum string `json:"taxpayerNum"`    // 纳税人识别号 15–20 Y
	Name        string `json:"enterpriseName"` // 企业名称 4–100 B Y
}

type enterpriseResponse struct {
	TaxpayerNum   Scalar `json:"taxpayerNum"`           // 纳税人识别号 15–20 Y
	Name          Scalar `json:"enterpriseName"`        // 企业名称 Y
	LegalPerson   Scalar `json:"legalPersonName"`       // 法人名称 Y
	Contact       Scalar `json:"contactsName"`          // 联系人名称 Y
	Email         Scalar `json:"contactsEmail"`         // 联系人邮箱 Y
	Mobile        Scalar `json:"contactsPhone"`         // 联系人手机 N
	RegionCode    Scalar `json:"regionCode"`            // 地区编码 2 Y
	City          Scalar `json:"cityName"`              // 市(地区)名称 Y
	Address       Scalar `json:"enterpriseAddress"`     // 详细地址 Y
	Invitation    Scalar `json:"invitationCode"`        // 邀请码 6–10 N
	Review        Scalar `json:"reviewStatus"`          // 审核状态 0–3 Y
	ReviewOpinion Scalar `json:"reviewOpinion"`         // 审核意见 ≤200 N
	InvoiceKinds  Scalar `json:"invoiceKind"`           // 发票种类, codes joined by | N
	LayoutType    Scalar `json:"invoiceLayoutFileType"` // 版式文件类型 pdf, ofd N
	Service       Scalar `json:"serviceStatus"`         // 服务状态 0, 1 Y
}

// RegisterEnterprise registers an enterprise, or changes its data (2.2). A nil
// error says that the data are stored and wait for review, not that the
// enterprise may issue: see QueryEnterprise. Unavailable with 9005 means that
// an earlier registration is still under review.
func (c *Client) RegisterEnterprise(ctx context.Context, r EnterpriseRegister) error {
	if len(r.Licence) == 0 || len(r.Licence) >= maxLicence {
		return c.refused(opRegisterEnterprise, fmt.Sprintf("the licence's picture must have less than %d MiB, and some content", maxLicence>>20))
	}
	resp, err := call[enterpriseRegisterRequest, enterpriseResponse](ctx, c, opRegisterEnterprise, enterpriseRegisterRequest{
		TaxpayerNum: r.TaxpayerNum,
		Name:        r.Name,
		LegalPerson: r.LegalPerson,
		Contact:     r.Contact,
		Email:       r.Email,
		Mobile:      r.Mobile,
		RegionCode:  r.RegionCode,
		City:        r.City,
		Address:     r.Address,
		Licence:     base64.StdEncoding.EncodeToString(r.Licence),
		DeviceTypes: r.DeviceTypes,
	})
	if err != nil {
		return err
	}
	return c.checkEnterprise(opRegisterEnterprise, resp, r.TaxpayerNum)
}

// QueryEnterprise asks for an enterprise's data and the result of its review
// (v3.5.1 §2.21; not in the platform's basic document for digital invoices).
// Misconfigured with 8002 means that the platform has no such tax number, with
// 8104 that the enterprise is not bound to us, with 9996 that its name differs.
func (c *Client) QueryEnterprise(ctx context.Context, ref EnterpriseRef) (Enterprise, error) {
	r, err := call[enterpriseRefWire, enterpriseResponse](ctx, c, opQueryEnterprise, enterpriseRefWire(ref))
	if err != nil {
		return Enterprise{}, err
	}
	if err := c.checkEnterprise(opQueryEnterprise, r, ref.TaxpayerNum); err != nil {
		return Enterprise{}, err
	}
	if r.Review == "" {
		return Enterprise{}, c.malformed(opQueryEnterprise, errors.New("the answer names no state of the review"))
	}
	return Enterprise{
		TaxpayerNum:   string(r.TaxpayerNum),
		Name:          string(r.Name),
		LegalPerson:   string(r.LegalPerson),
		Contact:       string(r.Contact),
		Email:         string(r.Email),
		Mobile:        string(r.Mobile),
		RegionCode:    string(r.RegionCode),
		City:          string(r.City),
		Address:       string(r.Address),
		Invitation:    string(r.Invitation),
		Review:        ReviewStatus(r.Review),
		ReviewOpinion: cleanMsg(string(r.ReviewOpinion)),
		InvoiceKinds:  string(r.InvoiceKinds),
		LayoutType:    string(r.LayoutType),
		Service:       ServiceStatus(r.Service),
	}, nil
}

func (c *Client) checkEnterprise(op *operation, r enterpriseResponse, taxpayerNum string) error {
	if string(r.TaxpayerNum) != taxpayerNum {
		return c.malformed(op, fmt.Errorf("the answer is about enterprise %q", r.TaxpayerNum))
	}
	return nil
}
