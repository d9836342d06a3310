package sandbox

import (
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/skip2/go-qrcode"

	"tillagent/piaotong"
)

// createRequest is the content of 2.16. Scalars come in any JSON type, as the
// platform's Java side takes them.
type createRequest struct {
	TaxpayerNum        piaotong.Scalar `json:"taxpayerNum"`
	EnterpriseName     piaotong.Scalar `json:"enterpriseName"`
	ShopNum            piaotong.Scalar `json:"shopNum"`
	QRCodeNo           piaotong.Scalar `json:"qrcodeNo"`
	TradeNo            piaotong.Scalar `json:"tradeNo"`
	TradeTime          piaotong.Scalar `json:"tradeTime"`
	InvoiceAmount      piaotong.Scalar `json:"invoiceAmount"`
	SellerAddress      piaotong.Scalar `json:"sellerAddress"`
	SellerTel          piaotong.Scalar `json:"sellerTel"`
	SellerBankName     piaotong.Scalar `json:"sellerBankName"`
	SellerBankAccount  piaotong.Scalar `json:"sellerBankAccount"`
	CasherName         piaotong.Scalar `json:"casherName"`
	ReviewerName       piaotong.Scalar `json:"reviewerName"`
	DrawerName         piaotong.Scalar `json:"drawerName"`
	AllowInvoiceCount  piaotong.Scalar `json:"allowInvoiceCount"`
	MobileRequired     piaotong.Scalar `json:"mobileRequiredFlag"`
	SMS                piaotong.Scalar `json:"smsFlag"`
	EmailRequired      piaotong.Scalar `json:"emailRequiredFlag"`
	EmailSend          piaotong.Scalar `json:"emailSendFlag"`
	ExpireTime         piaotong.Scalar `json:"expireTime"`
	SpecialInvoiceKind piaotong.Scalar `json:"specialInvoiceKind"`
	InvoiceRemark      piaotong.Scalar `json:"invoiceRemark"`
	Email              piaotong.Scalar `json:"email"`
	BuyerName          piaotong.Scalar `json:"buyerName"`
	BuyerTaxpayerNum   piaotong.Scalar `json:"buyerTaxpayerNum"`
	InvoiceTitleType   piaotong.Scalar `json:"invoiceTitleType"`
	BuyerAddress       piaotong.Scalar `json:"buyerAddress"`
	BuyerTel           piaotong.Scalar `json:"buyerTel"`
	BuyerBankName      piaotong.Scalar `json:"buyerBankName"`
	BuyerBankAccount   piaotong.Scalar `json:"buyerBankAccount"`
	TakerTel           piaotong.Scalar `json:"takerTel"`
	TakerEmail         piaotong.Scalar `json:"takerEmail"`
	AllowEdit          piaotong.Scalar `json:"allowEditFlag"`
	IssueOptions       []struct {
		InvoiceType piaotong.Scalar `json:"invoiceType"`
	} `json:"invoiceIssueOptions"`
	Items []createItem `json:"itemList"`
}

type createItem struct {
	ItemName       piaotong.Scalar `json:"itemName"`
	Specification  piaotong.Scalar `json:"specificationModel"`
	MeteringUnit   piaotong.Scalar `json:"meteringUnit"`
	TaxCode        piaotong.Scalar `json:"taxClassificationCode"`
	TaxRate        piaotong.Scalar `json:"taxRateValue"`
	ZeroTaxFlag    piaotong.Scalar `json:"zeroTaxFlag"`
	UnitPrice      piaotong.Scalar `json:"unitPrice"`
	Quantity       piaotong.Scalar `json:"quantity"`
	Amount         piaotong.Scalar `json:"invoiceItemAmount"`
	DiscountAmount piaotong.Scalar `json:"invoiceItemDisAmount"`
}

// The types of a preset title (抬头类型).
const (
	companyTitle = "0"
	personTitle  = "1"
)

// createQR is 2.16.
func (s *Sandbox) createQR(c call) (any, error) {
	var r createRequest
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	e, err := s.checkCreate(&r)
	if err != nil {
		return nil, err
	}
	e.QR.URL = c.base + "/q/" + e.QRCodeNo
	picture, err := qrcode.Encode(e.QR.URL, qrcode.Medium, -3)
	if err != nil {
		return nil, err
	}
	m, magic := s.magicOf(e.Amount)
	foreign := magic && m.foreign
	if foreign {
		e.TradeNo = "OTHER-" + randomDigits(8)
	}
	if err := s.record(e); err != nil {
		return nil, err
	}
	switch {
	case foreign:
		return nil, refuse("8038", "开票二维码编号已存在")
	case magic:
		if err := s.magicCode(e.QRCodeNo, m); err != nil {
			return nil, err
		}
	}
	return map[string]string{
		"qrcodeNo":      e.QRCodeNo,
		"tradeNo":       e.TradeNo,
		"tradeTime":     piaotong.FormatTime(e.QR.TradeTime),
		"invoiceQrCode": base64.StdEncoding.EncodeToString(picture),
		"invoiceUrl":    encodeURL(e.QR.URL),
		"extractCode":   e.QR.ExtractCode,
	}, nil
}

func encodeURL(u string) string { return base64.StdEncoding.EncodeToString([]byte(u)) }

// checkCreate judges a request of 2.16 by the platform's table and makes its
// ledger entry.
func (s *Sandbox) checkCreate(r *createRequest) (Entry, error) {
	var c checker
	s.taxpayer(&c, r.TaxpayerNum, "9997", "8004")
	if name := c.required("enterpriseName", r.EnterpriseName, gbk(4, 100)); name != s.account.EnterpriseName {
		c.fail(invalid("enterpriseName 与注册的企业名称不一致"))
	}
	c.match("shopNum", c.optional("shopNum", r.ShopNum, chars(6, 20)), alnumPattern)
	qrcodeNo := c.required("qrcodeNo", r.QRCodeNo, chars(10, 20))
	c.match("qrcodeNo", qrcodeNo, alnumPattern)
	tradeNo := c.required("tradeNo", r.TradeNo, chars(1, 50))
	tradeTime := c.time("tradeTime", c.required("tradeTime", r.TradeTime, chars(19, 19)))
	expireAt := tradeTime.AddDate(1, 0, 0) // the documented default, one year
	if expire := c.optional("expireTime", r.ExpireTime, chars(19, 19)); expire != "" {
		expireAt = c.time("expireTime", expire)
	}
	amount := c.fen("invoiceAmount", r.InvoiceAmount)
	if amount <= 0 {
		c.fail(invalid("invoiceAmount 必须大于 0"))
	}
	c.people(r)
	c.options(r)
	items, sum := c.items(r)
	if c.err == nil && sum != amount {
		c.fail(refuse("7002", "项目金额合计与发票金额不一致"))
	}
	// Only data that are right in themselves are compared with what is known.
	if c.err == nil && s.state.qrs[qrcodeNo] != nil {
		c.fail(refuse("8038", "开票二维码编号已存在"))
	}
	detail := &QRDetail{ExtractCode: randomDigits(12), TradeTime: tradeTime.UTC(), ExpireAt: expireAt.UTC(), Items: items}
	detail.form(r)
	return Entry{Kind: QRCreatedEntry, QRCodeNo: qrcodeNo, TradeNo: tradeNo, Amount: formatFen(amount), QR: detail}, c.err
}

// form keeps what a request, which was checked, says of the customer's page and
// of the invoice.
func (d *QRDetail) form(r *createRequest) {
	if len(r.IssueOptions) == 1 {
		d.Kind = string(r.IssueOptions[0].InvoiceType)
	}
	d.BuyerName, d.TitleType = string(r.BuyerName), string(r.InvoiceTitleType)
	title := Title{
		TaxpayerNum: string(r.BuyerTaxpayerNum), Address: string(r.BuyerAddress), Tel: string(r.BuyerTel),
		BankName: string(r.BuyerBankName), BankAccount: string(r.BuyerBankAccount),
		TakerTel: string(r.TakerTel), TakerEmail: string(r.TakerEmail),
	}
	if title != (Title{}) {
		d.Title = &title
	}
	d.Fixed = d.BuyerName != "" && strings.EqualFold(string(r.AllowEdit), "false")
	d.MobileRequired, d.EmailRequired = r.MobileRequired.Bool(), r.EmailRequired.Bool()
	if n, err := strconv.Atoi(string(r.AllowInvoiceCount)); err == nil {
		d.AllowCount = n
	}
	d.DrawerName, d.Remark = string(r.DrawerName), string(r.InvoiceRemark)
}

func (c *checker) time(name, v string) time.Time {
	t, err := piaotong.ParseTime(v)
	if err != nil && v != "" {
		c.fail(invalid("%s 格式必须为 yyyy-MM-dd HH:mm:ss", name))
	}
	return t
}

// people checks what is said of seller, staff and buyer.
func (c *checker) people(r *createRequest) {
	c.addressTel("seller", r.SellerAddress, r.SellerTel)
	c.bank("seller", r.SellerBankName, r.SellerBankAccount)
	c.staff(r.CasherName, r.ReviewerName, r.DrawerName)
	preset := r.BuyerTaxpayerNum + r.InvoiceTitleType + r.BuyerAddress + r.BuyerTel + r.BuyerBankName +
		r.BuyerBankAccount + r.TakerTel + r.TakerEmail
	if preset != "" && r.BuyerName == "" {
		c.fail(invalid("预设购方信息时 buyerName 不能为空"))
	}
	c.noAngle("buyerName", c.optional("buyerName", r.BuyerName, gbk(1, 100)))
	c.match("buyerTaxpayerNum", c.optional("buyerTaxpayerNum", r.BuyerTaxpayerNum, chars(6, 20)), alnumPattern)
	c.oneOf("invoiceTitleType", r.InvoiceTitleType, companyTitle, personTitle)
	c.addressTel("buyer", r.BuyerAddress, r.BuyerTel)
	c.bank("buyer", r.BuyerBankName, r.BuyerBankAccount)
	c.match("takerTel", c.optional("takerTel", r.TakerTel, chars(11, 11)), digitsPattern)
	c.match("takerEmail", c.optional("takerEmail", r.TakerEmail, chars(4, 50)), emailPattern)
	c.flag("allowEditFlag", r.AllowEdit)
}

// options checks how the code may be used.
func (c *checker) options(r *createRequest) {
	c.flag("mobileRequiredFlag", r.MobileRequired)
	c.flag("smsFlag", r.SMS)
	c.flag("emailRequiredFlag", r.EmailRequired)
	c.flag("emailSendFlag", r.EmailSend)
	c.oneOf("specialInvoiceKind", r.SpecialInvoiceKind, "08")
	c.optional("invoiceRemark", r.InvoiceRemark, gbk(1, 240))
	c.match("email", c.optional("email", r.Email, chars(4, 50)), emailPattern)
	for _, o := range r.IssueOptions {
		switch o.InvoiceType {
		case "81", "82": // the kinds of 数电; this enterprise has no older ones
		case "":
			c.fail(invalid("invoiceIssueOptions.invoiceType 不能为空"))
		default:
			c.fail(refuse("8037", "该票种未启用"))
		}
	}
	if r.AllowInvoiceCount != "" {
		n, err := strconv.Atoi(string(r.AllowInvoiceCount))
		switch {
		case err != nil || n < 1:
			c.fail(invalid("allowInvoiceCount 必须为正整数"))
		case n > len(r.Items):
			c.fail(refuse("7001", "项目数量少于允许开票张数"))
		}
	}
}

// maxLines per invoice; an item with a discount takes two.
const maxLines = 100

// ratePercents are the rates in force, as decimals of two places × 100.
var ratePercents = []int64{13, 9, 6, 5, 3, 1, 0}

func (c *checker) items(r *createRequest) (items []Item, sum int64) {
	list := r.Items
	lines := len(list)
	for i := range list {
		it, total := c.item(&list[i])
		if r.SpecialInvoiceKind == "08" && it.Unit != "升" {
			c.fail(invalid("成品油发票的单位必须为升"))
		}
		items = append(items, it)
		sum += total
		if list[i].DiscountAmount != "" {
			lines++
		}
	}
	if len(list) == 0 {
		c.fail(invalid("itemList 不能为空"))
	}
	if lines > maxLines {
		c.fail(invalid("itemList 不能超过 %d 行（折扣行计入）", maxLines))
	}
	return items, sum
}

// item checks one line and returns it with its total in fen.
func (c *checker) item(it *createItem) (Item, int64) {
	name := c.required("itemName", it.ItemName, gbk(1, 100))
	spec := c.optional("specificationModel", it.Specification, gbk(1, 40))
	unit := c.optional("meteringUnit", it.MeteringUnit, gbk(1, 20))
	code := c.required("taxClassificationCode", it.TaxCode, chars(3, 19))
	if code != "" && !digitsPattern.MatchString(code) {
		c.fail(refuse("8005", "税收分类编码不存在"))
	}
	rate := c.rate(it.TaxRate, it.ZeroTaxFlag)
	amount := c.fen("invoiceItemAmount", it.Amount)
	if amount < 0 {
		c.fail(invalid("invoiceItemAmount 不能为负"))
	}
	quantity := c.priceQuantity(it, amount)
	total := amount
	if it.DiscountAmount != "" {
		discount := c.fen("invoiceItemDisAmount", it.DiscountAmount)
		switch {
		case discount >= 0:
			c.fail(invalid("invoiceItemDisAmount 必须为负数"))
		case -discount > amount:
			c.fail(refuse("8007", "折扣金额大于项目金额"))
		}
		total += discount
		it.DiscountAmount = piaotong.Scalar(formatFen(discount))
	}
	return Item{
		Discount: string(it.DiscountAmount),
		Name:     name, TaxCode: code, Spec: spec, Unit: unit, Rate: strconv.FormatInt(rate, 10),
		ZeroTaxFlag: string(it.ZeroTaxFlag), Quantity: quantity, Amount: formatFen(total),
	}, total
}

// rate returns the rate in percent.
func (c *checker) rate(v, zeroFlag piaotong.Scalar) int64 {
	if v == "" {
		c.fail(invalid("taxRateValue 不能为空"))
		return 0
	}
	n, err := parseDecimal(string(v), 2)
	if err != nil || !isRate(n) {
		c.fail(refuse("8006", "税率不存在"))
		return 0
	}
	rate := n.Int64()
	switch {
	case rate == 0 && zeroFlag == "":
		c.fail(refuse("8014", "税率为 0 时零税率标识不能为空"))
	case zeroFlag == "":
	case rate > 0 || len(zeroFlag) != 1 || zeroFlag < "0" || zeroFlag > "3":
		c.fail(refuse("8015", "零税率标识不正确"))
	}
	return rate
}

func isRate(n *big.Int) bool {
	for _, r := range ratePercents {
		if n.IsInt64() && n.Int64() == r {
			return true
		}
	}
	return false
}

// priceQuantity checks price × quantity = amount (8016) and returns the
// quantity of the invoice's line. Both zero are printed blank; of one alone the
// other is computed; without both the quantity is 1.
func (c *checker) priceQuantity(it *createItem, amount int64) string {
	price := c.factor("unitPrice", it.UnitPrice, 16)
	quantity := c.factor("quantity", it.Quantity, 10)
	switch {
	case price == nil && quantity == nil:
		return "1"
	case quantity == nil:
		if price.Sign() == 0 {
			return ""
		}
		quantity = factorOf(amount, price)
		if len(quantity.String()) > 16 {
			c.fail(invalid("unitPrice 太小，数量超过 8 位"))
			return ""
		}
	case price == nil:
	case price.Sign() == 0 && quantity.Sign() == 0:
	case price.Sign() == 0 || quantity.Sign() == 0:
		c.fail(invalid("unitPrice 与 quantity 必须同时为 0 或同时不为 0"))
	case lineFen(price, quantity).Cmp(big.NewInt(amount)) != 0:
		c.fail(refuse("8016", "单价乘以数量不等于金额"))
	}
	if quantity.Sign() == 0 {
		return ""
	}
	return formatDecimal8(quantity)
}

// factor reads an optional price or quantity in units of 10⁻⁸.
func (c *checker) factor(name string, v piaotong.Scalar, maxLen int) *big.Int {
	if v == "" {
		return nil
	}
	n, err := parseDecimal(string(v), 8)
	if err != nil || len(v) > maxLen || n.Sign() < 0 {
		c.fail(invalid("%s 必须为最多 8 位小数、%d 个字符的数字", name, maxLen))
		return nil
	}
	return n
}
