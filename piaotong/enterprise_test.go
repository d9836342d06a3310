package piaotong

import (
	"testing"
)

func TestRegisterEnterprise(t *testing.T) {
	c, p := answered(t, answerContent(`{"taxpayerNum":"91110108TEST00001X","enterpriseName":"测试销售方有限公司"}`))
	if err := c.RegisterEnterprise(t.Context(), testEnterprise); err != nil {
		t.Fatal(err)
	}
	const want = `{"taxpayerNum":"91110108TEST00001X","enterpriseName":"测试销售方有限公司","legalPersonName":"张三","contactsName":"李四",` +
		`"contactsEmail":"a@example.com","contactsPhone":"13800000001","regionCode":"11","cityName":"海淀区","enterpriseAddress":"测试路1号",` +
		`"taxRegistrationCertificate":"iVBORw0KGgo="`
	p.wantContent(t, want+`}`)
	e := testEnterprise
	e.DeviceTypes = "1|2"
	if err := c.RegisterEnterprise(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, want+`,"taxControlDeviceType":"1|2"}`)

	before := p.calls.Load()
	for _, n := range []int{0, maxLicence} {
		e.Licence = make([]byte, n)
		if err := c.RegisterEnterprise(t.Context(), e); KindOf(err) != Refused {
			t.Errorf("a picture of %d bytes: %v", n, err)
		}
	}
	if p.calls.Load() != before {
		t.Error("a call without a proper picture was sent")
	}
	e.Licence = make([]byte, maxLicence-1)
	if err := c.RegisterEnterprise(t.Context(), e); err != nil {
		t.Errorf("the largest picture: %v", err)
	}
}

func TestQueryEnterprise(t *testing.T) {
	c, p := answered(t, answerContent(`{"taxpayerNum":"91110108TEST00001X","enterpriseName":"测试销售方有限公司","legalPersonName":"张三",`+
		`"contactsName":"李四","contactsEmail":"a@example.com","regionCode":11,"cityName":"海淀区","enterpriseAddress":"测试路1号",`+
		`"invitationCode":123456,"reviewStatus":1,"reviewOpinion":null,"invoiceKind":"10|04","invoiceLayoutFileType":"pdf",`+
		`"blockchainInvSingleQuota":"1.00","serviceStatus":"1","terminalList":[{"diskType":1}]}`))
	got, err := c.QueryEnterprise(t.Context(), EnterpriseRef{testTaxNo, "测试销售方有限公司"})
	want := Enterprise{
		TaxpayerNum: testTaxNo, Name: "测试销售方有限公司", LegalPerson: "张三", Contact: "李四", Email: "a@example.com", RegionCode: "11",
		City: "海淀区", Address: "测试路1号", Invitation: "123456", Review: ReviewApproved, InvoiceKinds: "10|04", LayoutType: "pdf", Service: ServiceNormal,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","enterpriseName":"测试销售方有限公司"}`)
}

// TestEnterpriseReady: only the known good words make an enterprise ready.
func TestEnterpriseReady(t *testing.T) {
	for _, review := range []ReviewStatus{ReviewWaiting, ReviewApproved, ReviewRefused, ReviewRunning, "", "true", "4"} {
		for _, service := range []ServiceStatus{ServiceDisabled, ServiceNormal, "", "true", "2"} {
			want := review == "1" && service == "1"
			if got := (Enterprise{Review: review, Service: service}).Ready(); got != want {
				t.Errorf("review %q, service %q: ready %t", review, service, got)
			}
		}
	}
}
