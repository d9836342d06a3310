package trade

import "fmt"

// Lang is a language for people: ZH first, EN beside it.
type Lang string

// The languages.
const (
	ZH Lang = "zh-CN"
	EN Lang = "en"
)

// Key names an entry of the catalogue. Keys are stored, so they never change.
type Key string

// Message is a text for people in every language: a key and what is put in.
// It is what alerts and problems are stored as.
type Message struct {
	Key  Key      `json:"key"`
	Args []string `json:"args,omitempty"`
}

// Say makes a message.
func Say(k Key, args ...string) Message { return Message{k, args} }

// IsZero reports whether there is nothing to say.
func (m Message) IsZero() bool { return m.Key == "" }

// In gives the text in a language; Chinese where the language is unknown.
func (m Message) In(l Lang) string {
	t, ok := m.words()
	if !ok {
		return string(m.Key)
	}
	form := t.zh
	if l == EN {
		form = t.en
	}
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		args[i] = a
	}
	return fmt.Sprintf(form, args...)
}

// The keys of problems with a request.
const (
	Required         Key = "required"
	UnknownField     Key = "unknown_field"
	DuplicateField   Key = "duplicate_field"
	WrongType        Key = "wrong_type"
	BadID            Key = "bad_id"
	BadNumber        Key = "bad_number"
	BadDecimals      Key = "bad_decimals"
	BadTime          Key = "bad_time"
	BadRate          Key = "bad_rate"
	BadTaxCode       Key = "bad_tax_code"
	BadMobile        Key = "bad_mobile"
	BadEmail         Key = "bad_email"
	BadTaxNo         Key = "bad_tax_no"
	BadTaxNoDirect   Key = "bad_tax_no_direct"
	BadPhone         Key = "bad_phone"
	BadShopNum       Key = "bad_shop_num"
	OneOf            Key = "one_of"
	Between          Key = "between"
	AtLeast          Key = "at_least"
	TooMany          Key = "too_many"
	TooLong          Key = "too_long"
	TooLongTogether  Key = "too_long_together"
	TooDeep          Key = "too_deep"
	NotInGBK         Key = "not_in_gbk"
	ControlCharacter Key = "control_character"
	AngleBracket     Key = "angle_bracket"
	NoItems          Key = "no_items"
	TooManyLines     Key = "too_many_lines"
	TotalDiffers     Key = "total_differs"
	AmountDiffers    Key = "amount_differs"
	TaxMissing       Key = "tax_missing"
	ZeroInvoiced     Key = "zero_invoiced"
	ZeroFlagMissing  Key = "zero_flag_missing"
	ZeroFlagWithRate Key = "zero_flag_with_rate"
	NoSuchLine       Key = "no_such_line"
	LineExceeded     Key = "line_exceeded"
	ReservedID       Key = "reserved_id"
	KindNotDirect    Key = "kind_not_direct"
	BadLoginCode     Key = "bad_login_code"
	BadCursor        Key = "bad_cursor"
	UnknownParameter Key = "unknown_parameter"
)

// The keys of what is wrong with a sale or a refund, for a person to act on.
const (
	SaleRefused     Key = "sale_refused"
	NumberTaken     Key = "number_taken"
	IssueFailed     Key = "issue_failed"
	IssueWithdrawn  Key = "issue_withdrawn"
	LoginNeeded     Key = "login_needed"
	LoginNeededBy   Key = "login_needed_by"
	LinesByHand     Key = "lines_by_hand"
	ExportByHand    Key = "export_by_hand"
	PartRedRefused  Key = "part_red_refused"
	PathByHand      Key = "path_by_hand"
	MergedByHand    Key = "merged_by_hand"
	RedRefused      Key = "red_refused"
	RedFailed       Key = "red_failed"
	RedByHand       Key = "red_by_hand"
	VoidUnconfirmed Key = "void_unconfirmed"
	IssuedLater     Key = "issued_later"
	IssuedLaterDo   Key = "issued_later_do"
	RefundReopened  Key = "refund_reopened"
	IssuedAfterVoid Key = "issued_after_void"
	TillClash       Key = "till_clash"
	TillClashDo     Key = "till_clash_do"
)

// The keys of alerts about the surroundings, a title and what to do for each.
const (
	PlatformAway          Key = "platform_away"
	PlatformStubborn      Key = "platform_stubborn"
	PlatformStubbornDo    Key = "platform_stubborn_do"
	PlatformAwayDo        Key = "platform_away_do"
	PlatformRefuses       Key = "platform_refuses"
	PlatformRefusesDo     Key = "platform_refuses_do"
	PlatformPlain         Key = "platform_plain"
	PlatformPlainDo       Key = "platform_plain_do"
	PlatformUntrusted     Key = "platform_untrusted"
	PlatformUntrustedDo   Key = "platform_untrusted_do"
	ClockWrong            Key = "clock_wrong"
	BackupFailed          Key = "backup_failed"
	BackupFailedDo        Key = "backup_failed_do"
	ClockWrongDo          Key = "clock_wrong_do"
	PrinterHeld           Key = "printer_held"
	PrinterHeldDo         Key = "printer_held_do"
	AlertPrintUncertain   Key = "print_uncertain"
	AlertPrintUncertainDo Key = "print_uncertain_do"
	LoginNeededDo         Key = "login_needed_do"
	ReissueByHand         Key = "reissue_by_hand"
	ReissueByHandDo       Key = "reissue_by_hand_do"
	SaleRefusedDo         Key = "sale_refused_do"
	RefundFailed          Key = "refund_failed"
	RefundFailedDo        Key = "refund_failed_do"
)

// The keys of paths that are neither known publicly nor configured.
const (
	PathMissing   Key = "path_missing"
	PathMissingDo Key = "path_missing_do"
)

// The keys of why a call about a tax account that a person waits for failed.
const (
	CallNoPlatform Key = "call_no_platform"
	CallAway       Key = "call_away"
	CallLater      Key = "call_later"
	CallUnsure     Key = "call_unsure"
	CallUnclear    Key = "call_unclear"
	CallSaidNo     Key = "call_said_no"
	CallWait       Key = "call_wait"
	CallNoPicture  Key = "call_no_picture"
)

// The keys of what is wrong with the shop's file of goods.
const (
	GoodsBad      Key = "goods_bad"
	GoodsUnread   Key = "goods_unread"
	GoodsBadDo    Key = "goods_bad_do"
	GoodsProblems Key = "goods_problems"
	GoodsPlace    Key = "goods_place"
	GoodsMore     Key = "goods_more"
	GoodsTooLarge Key = "goods_too_large"
	GoodsHead     Key = "goods_head"
	GoodsCells    Key = "goods_cells"
	GoodsQuotes   Key = "goods_quotes"
	GoodsBytes    Key = "goods_bytes"
	GoodsExcel    Key = "goods_excel"
	GoodsTwice    Key = "goods_twice"
)

// The keys of the local API's errors: a title for each code.
const (
	ErrInvalidJSON     Key = "invalid_json"
	ErrUnauthorized    Key = "unauthorized"
	ErrForbiddenRole   Key = "forbidden"
	ErrForbiddenOrigin Key = "forbidden_origin"
	ErrMisdirectedHost Key = "misdirected_host"
	ErrNotFound        Key = "not_found"
	ErrMethod          Key = "method_not_allowed"
	ErrSaleConflict    Key = "sale_conflict"
	ErrRefundConflict  Key = "refund_conflict"
	ErrJobConflict     Key = "job_conflict"
	ErrInvoiceConflict Key = "invoice_conflict"
	ErrInvalidState    Key = "invalid_state"
	ErrTooLarge        Key = "payload_too_large"
	ErrMediaType       Key = "unsupported_media_type"
	ErrValidation      Key = "validation_failed"
	ErrRefundExceeds   Key = "refund_exceeds_sale"
	ErrRateLimited     Key = "rate_limited"
	ErrStorageFull     Key = "storage_full"
	ErrPrinterAway     Key = "printer_unavailable"
	ErrPlatformAway    Key = "platform_unavailable"
	ErrShuttingDown    Key = "shutting_down"
	ErrOverloaded      Key = "overloaded"
	ErrInternal        Key = "internal"
	DetailConflict     Key = "detail_conflict"
	DetailExceeds      Key = "detail_exceeds"
	DetailNoQR         Key = "detail_no_qr"
	DetailNoPrinter    Key = "detail_no_printer"
	DetailNoPlatform   Key = "detail_no_platform"
	DetailNoAnswer     Key = "detail_no_answer"
	DetailSaleTaken    Key = "detail_sale_taken"
	DetailNotIssued    Key = "detail_not_issued"
	DetailNotRejected  Key = "detail_not_rejected"
	DetailRefunded     Key = "detail_refunded"
	DetailPrintStarted Key = "detail_print_started"
	DetailStreams      Key = "detail_streams"
)

// The keys of alerts that are told outside: what stands around their own texts.
const (
	OutwardAct     Key = "outward_act"
	OutwardWatch   Key = "outward_watch"
	OutwardOver    Key = "outward_over"
	OutwardMore    Key = "outward_more"
	OutwardDo      Key = "outward_do"
	OutwardSale    Key = "outward_sale"
	OutwardAccount Key = "outward_account"
	OutwardRaised  Key = "outward_raised"
	OutwardEnded   Key = "outward_ended"
	OutwardTill    Key = "outward_till"
)

type words struct{ zh, en string }

var catalogue = map[Key]words{
	Required:         {"必填", "is required"},
	UnknownField:     {"没有这个字段", "no such field"},
	DuplicateField:   {"字段重复", "occurs twice"},
	WrongType:        {"类型不对,应为%s", "has the wrong type, must be %s"},
	BadID:            {"1 到 50 个字符,限 A-Z a-z 0-9 . _ : / -,至少含一个字母或数字", "must be 1 to 50 characters out of A-Z a-z 0-9 . _ : / -, at least one of them a letter or digit"},
	BadNumber:        {"不是普通十进制数:%s", "is not a plain decimal number: %s"},
	BadDecimals:      {"最多 %[2]s 位小数:%[1]s", "has more than %[2]s decimals: %[1]s"},
	BadTime:          {"须为带时区的 RFC 3339 时间,例如 2026-11-22T19:30:05+08:00", "must be an RFC 3339 time with offset, for example 2026-11-22T19:30:05+08:00"},
	BadRate:          {"税率只能是 0.13 0.09 0.06 0.05 0.03 0.01 0", "must be one of 0.13 0.09 0.06 0.05 0.03 0.01 0"},
	BadTaxCode:       {"税收分类编码须为 3 到 19 位数字", "must be 3 to 19 digits"},
	BadMobile:        {"须为 11 位手机号", "must be a mobile number of 11 digits"},
	BadEmail:         {"不是邮箱地址", "is not an e-mail address"},
	BadTaxNo:         {"须为 6 到 20 位数字或大写字母", "must be 6 to 20 digits or capital letters"},
	BadTaxNoDirect:   {"直接开票时须为 15 到 20 位数字或大写字母", "must be 15 to 20 digits or capital letters where the invoice is issued directly"},
	BadPhone:         {"只能含数字、括号和短横", "must be digits, brackets and dashes"},
	BadShopNum:       {"须为 6 到 20 位字母或数字", "must be 6 to 20 letters or digits"},
	OneOf:            {"只能是 %s", "must be one of %s"},
	Between:          {"须在 %s 到 %s 之间", "must be between %s and %s"},
	AtLeast:          {"不能小于 %s", "must be at least %s"},
	TooMany:          {"最多 %s 个", "at most %s are allowed"},
	TooLong:          {"最长 %s 字节(GBK,汉字算 2),现为 %s", "must be at most %s bytes in GBK (a Chinese character counts 2), has %s"},
	TooLongTogether:  {"与 %s 合计最长 %s 字节(GBK,汉字算 2),现为 %s", "must together with %s be at most %s bytes in GBK (a Chinese character counts 2), has %s"},
	TooDeep:          {"嵌套超过 %s 层", "is nested deeper than %s"},
	NotInGBK:         {"字符 %s (%s) 无法打印也不能开票", "character %s (%s) can neither be printed nor invoiced"},
	ControlCharacter: {"含控制字符 %s", "has the control character %s"},
	AngleBracket:     {"不能含 < 或 >", "must not contain < or >"},
	NoItems:          {"至少一行", "needs at least one line"},
	TooManyLines:     {"有 %s 行(折扣也算一行),最多 %s 行", "has %s lines (a discount counts as one), at most %s are allowed"},
	TotalDiffers:     {"%s 与明细合计 %s 不符", "%s differs from the sum of the items, %s"},
	AmountDiffers:    {"%s 与单价 %s × 数量 %s 不符", "%s differs from unit price %s × quantity %s"},
	TaxMissing:       {"本行、商品目录和配置 [tax] 中都没有", "is given neither here nor in the catalogue nor in [tax] of the configuration"},
	ZeroInvoiced:     {"金额为零不能开票,请用 \"invoice\": \"none\"", "nothing can be invoiced; use \"invoice\": \"none\""},
	ZeroFlagMissing:  {"税率为 0 时必填:0 出口零税 1 免税 2 不征税 3 普通零税率", "is required with rate 0: 0 export, 1 exempt, 2 not taxed, 3 plain zero rate"},
	ZeroFlagWithRate: {"税率不为 0 时须为空", "must be empty where the rate is not 0"},
	NoSuchLine:       {"原单没有第 %s 行", "the sale has no line %s"},
	LineExceeded:     {"超过该行金额 %s", "is more than the line's amount, %s"},
	ReservedID:       {"不能以 %s 开头(系统保留)", "must not begin with %s, which is the agent's own"},
	BadLoginCode:     {"须为 4 到 8 位数字", "must be 4 to 8 digits"},
	BadCursor:        {"不是列表给出的 next_cursor", "is not a next_cursor of this list"},
	UnknownParameter: {"没有这个查询参数", "no such query parameter"},
	KindNotDirect:    {"只用于 \"invoice\": \"direct\"", "belongs to \"invoice\": \"direct\" alone"},

	SaleRefused:     {"票通平台拒绝了本单数据:%[2]s (%[1]s)", "the platform refuses this sale's data: %[2]s (%[1]s)"},
	NumberTaken:     {"开票码编号 %s 已被别的单占用", "QR number %s belongs to another sale"},
	IssueFailed:     {"开票失败:%s", "issuing the invoice failed: %s"},
	IssueWithdrawn:  {"发票未开具(已撤回):%s", "the invoice was not issued (withdrawn): %s"},
	LoginNeededBy:   {"税务账号 %s 须登录或认证,发票暂停开具", "tax account %s must log in or be authenticated; issuing has stopped"},
	LoginNeeded:     {"税务账号须登录或认证,发票暂停开具", "the tax account must log in or be authenticated; issuing has stopped"},
	LinesByHand:     {"退货明细与原发票对不上,请在票通平台部分红冲", "the refund's lines are not on the invoice: red-flush the part on the platform by hand"},
	ExportByHand:    {"退货含出口零税的明细,接口不能部分冲红;请在票通平台手工冲红本次退货的明细,价税合计 %s", "the refund has lines of the export zero rate, which the interface cannot red-flush in part: red-flush the refund's lines on the platform's page by hand, %s with tax"},
	PartRedRefused:  {"部分红冲被拒绝:%[2]s (%[1]s);请在票通平台查看原发票剩余可冲红的金额和税额,并手工冲红本次退货的明细,价税合计 %[3]s", "the part was not red-flushed: %[2]s (%[1]s); look on the platform's page at what is left of the invoice and red-flush the refund's lines there by hand, %[3]s with tax"},
	PathByHand:      {"未配置接口路径 %s,请在票通平台部分红冲", "path not configured: %s; red-flush the part on the platform by hand"},
	MergedByHand:    {"发票金额 %s 与本单 %s 的明细对不上(合并或拆分开票),请在票通平台部分红冲", "the invoice's %s cannot be matched with the sale's %s (merged or split): red-flush the part on the platform by hand"},
	RedRefused:      {"红冲被拒绝:%[2]s (%[1]s)", "the red-flush was refused: %[2]s (%[1]s)"},
	RedFailed:       {"红冲失败:%s", "the red-flush failed: %s"},
	RedByHand:       {"平台上已红冲", "already red-flushed on the platform"},
	IssuedLater:     {"已退货的单后来又开出了发票,正在自动红冲", "an invoice was issued for a sale that had been refunded; it is being red-flushed by itself"},
	IssuedLaterDo:   {"无需操作;完成后自动消除", "nothing to do; this clears when it is done"},
	RefundReopened:  {"退货单 %s 又在处理:本单后来开出了发票", "refund %s goes on: an invoice was issued later"},
	IssuedAfterVoid: {"开票码已作废,平台却开出了发票 %s", "the QR code was voided, yet the platform issued invoice %s"},
	TillClash:       {"开票码编号 %s 与别的收银机冲突,已换号重发", "QR number %s clashes with another till's; the next number was taken"},
	TillClashDo:     {"请为每台收银机配置不同的 till_code", "give each till a till_code of its own"},
	VoidUnconfirmed: {"开票码作废未得到确认,请在票通平台核对", "the platform does not confirm that the QR code was voided: check it there"},

	PlatformAway:          {"连不上票通平台", "the platform cannot be reached"},
	PlatformStubborn:      {"平台接口 %s 反复返回 %s(%s)", "the platform's interface %s keeps answering %s (%s)"},
	PlatformStubbornDo:    {"代理会继续重试;长时间不恢复请联系票通", "the agent goes on trying; if it lasts, call Piaotong"},
	PlatformAwayDo:        {"小票照常打印,恢复后自动补取开票码;请检查网络", "receipts go on and QR codes follow by themselves; check the network"},
	PlatformRefuses:       {"票通平台拒绝本店的配置:%[2]s (%[1]s)", "the platform refuses this till's set-up: %[2]s (%[1]s)"},
	PlatformRefusesDo:     {"请核对平台编码、税号、密钥以及企业绑定", "check the platform code, the tax number, the keys and the binding"},
	PlatformPlain:         {"用明文 http 连接票通平台(allow_http = true)", "the platform is called over plain http (allow_http = true)"},
	PlatformPlainDo:       {"只用于测试环境;正式环境改用 https", "for the test environment only: use https in production"},
	PlatformUntrusted:     {"票通平台的应答验签不通过", "an answer of the platform does not verify"},
	PlatformUntrustedDo:   {"请核对平台公钥和 3DES 密钥;也可能有人篡改网络", "check the platform's public key and the 3DES key; the network may be tampered with"},
	PrinterHeld:           {"打印机:%[1]s,小票在等待", "printer: %[2]s; receipts are waiting"},
	BackupFailed:          {"每日备份失败:%s", "the daily backup failed: %s"},
	BackupFailedDo:        {"请检查备份目录和磁盘空间", "check the backup folder and the disk's space"},
	ClockWrong:            {"本机时钟与平台相差 %s,暂不取开票码", "this machine's clock differs from the platform's by %s; QR codes wait"},
	ClockWrongDo:          {"请校准本机时间;校准后自动继续", "set the clock right; work goes on by itself"},
	PrinterHeldDo:         {"处理后自动继续打印", "printing goes on by itself once this is mended"},
	AlertPrintUncertain:   {"单号 %s 的小票可能没有打完整", "the receipt of sale %s may not be complete on paper"},
	AlertPrintUncertainDo: {"请看一下纸上有没有,没有就在收银台重打", "look at the paper; if it is not there, print it again"},
	ReissueByHand:         {"销售 %s 的发票因账号未登录而停止,账号已恢复但平台未自动续开", "the invoice of sale %s stopped at the account's login; the account is ready, the platform has not gone on by itself"},
	ReissueByHandDo:       {"请在票通云上对该发票点击“重新开具”", "issue that invoice again on the platform's own site"},
	LoginNeededDo:         {"请开票员登录电子税务局或扫脸认证", "let the invoice clerk log in to the tax bureau or pass the face check"},
	SaleRefusedDo:         {"请改正商品的税收编码、税率或金额后重试", "mend the tax code, rate or amounts, then retry"},
	RefundFailed:          {"退货单 %s 须人工处理", "refund %s needs a person"},
	RefundFailedDo:        {"请按说明在票通平台处理,避免多开发票", "follow the text on the platform so that no wrong invoice stays"},

	PathMissing:    {"接口路径未配置: %s", "path not configured: %s"},
	PathMissingDo:  {"请向票通索取该接口路径,填入配置 [piaotong.endpoints]", "ask the platform for this path and put it into [piaotong.endpoints] of the configuration"},
	CallNoPlatform: {"没有配置票通平台", "the platform is not set up"},
	CallAway:       {"现在连不上票通平台,请稍后再试", "the platform cannot be reached now; try again later"},
	CallLater:      {"票通平台暂时处理不了:%s", "the platform cannot do it now: %s"},
	CallUnsure:     {"没有收到票通平台的明确答复,请先查看账号状态,再决定是否重试", "no clear answer came from the platform; look at the account's state before trying again"},
	CallUnclear:    {"结果不明,请先查看账号状态;票通平台答复:%s", "it is not clear what came of it, look at the account's state; the platform says: %s"},
	CallSaidNo:     {"票通平台答复:%s", "the platform says: %s"},
	CallWait:       {"验证码刚刚获取过,请 %s 秒后再试", "a code was sent a moment ago; try again in %s seconds"},
	CallNoPicture:  {"票通平台给的二维码无法显示", "the platform's QR code cannot be shown"},

	GoodsBad:      {"商品目录有 %s 处错误,沿用原来的目录", "the catalogue has %s errors; the old one stays in force"},
	GoodsUnread:   {"读不了商品目录,沿用原来的目录:%s", "the catalogue cannot be read; the old one stays in force: %s"},
	GoodsBadDo:    {"请改正文件,保存后自动重新读取", "mend the file; it is read again by itself"},
	GoodsProblems: {"%[1]s", "%[2]s"},
	GoodsPlace:    {"%s:%s: 第 %s 列 %s: ", "%s:%s: column %s %s: "},
	GoodsMore:     {"另有 %s 处错误", "and %s more errors"},
	GoodsTooLarge: {"文件最大 %s MB", "the file may have at most %s MB"},
	GoodsHead:     {"第一行须为 %s", "the first line must be %s"},
	GoodsCells:    {"有 %s 列,须为 %s 列", "has %s columns, must have %s"},
	GoodsQuotes:   {"引号不配对", "a quotation mark has no partner"},
	GoodsBytes:    {"文件编码有误,须为 UTF-8 或 GB18030(GBK)", "the bytes are not text; the file must be UTF-8 or GB18030 (GBK)"},
	GoodsExcel:    {"Excel 把长数字变成了 %s,请把该列设为文本后重新填写", "a spreadsheet made %s of a long number: format the column as text and enter it again"},
	GoodsTwice:    {"与第 %s 行重复", "is on line %s already"},

	ErrInvalidJSON:     {"请求体不是一个 JSON 值", "the body is not one JSON value"},
	ErrUnauthorized:    {"没有令牌或令牌不对", "no token, or a wrong one"},
	ErrForbiddenRole:   {"令牌无此权限", "this token may not do that"},
	ErrForbiddenOrigin: {"该网页来源不被允许", "this origin is not allowed"},
	ErrMisdirectedHost: {"Host 不是本机名称", "Host is not a name of this service"},
	ErrNotFound:        {"没有这个资源", "no such resource"},
	ErrMethod:          {"不支持该方法", "method not allowed"},
	ErrSaleConflict:    {"同一单号,内容不同", "same sale_id, other content"},
	ErrRefundConflict:  {"同一退货单号,内容不同", "same refund_id, other content"},
	ErrJobConflict:     {"同一打印任务号,内容不同", "same job_id, other content"},
	ErrInvoiceConflict: {"同一开票请求号,内容不同", "same invoice_id, other content"},
	ErrInvalidState:    {"当前状态下不能这样做", "this makes no sense in the present state"},
	ErrTooLarge:        {"请求体过大", "the body is too large"},
	ErrMediaType:       {"Content-Type 须为 application/json", "Content-Type must be application/json"},
	ErrValidation:      {"数据有误", "the data are not valid"},
	ErrRefundExceeds:   {"退货超过可退金额", "the refund is more than what is left"},
	ErrRateLimited:     {"请求过于频繁", "too many requests"},
	ErrStorageFull:     {"磁盘已满或数据库不可写,本单未保存", "the disk is full or the database cannot be written; nothing was taken"},
	ErrPrinterAway:     {"打印机不可用", "the printer is not available"},
	ErrPlatformAway:    {"票通平台不可用", "the platform is not available"},
	ErrOverloaded:      {"查询过多,请稍后重试", "too much is asked at once; try again shortly"},
	ErrShuttingDown:    {"服务正在停止", "the service is stopping"},
	ErrInternal:        {"内部错误,已记入日志", "internal error; the log has the details"},
	DetailConflict:     {"已存内容摘要 %s,本次 %s", "stored digest %s, this request %s"},
	DetailExceeds:      {"可退 %s,要求退 %s", "%s is left to refund, %s was asked for"},
	DetailNoQR:         {"本单没有开票码", "this sale has no QR code"},
	DetailNoPrinter:    {"没有配置打印机", "no printer is configured"},
	DetailNoPlatform:   {"没有配置票通平台", "the platform is not set up"},
	DetailNoAnswer:     {"票通平台没有及时应答", "the platform did not answer in time"},
	DetailSaleTaken:    {"单号 %s 已是另一单", "sale_id %s belongs to another sale"},
	DetailNotIssued:    {"发票尚未开具", "the invoice is not issued yet"},
	DetailNotRejected:  {"本单没有被平台拒绝(当前 %s),不能更换明细", "this sale is not rejected (it is %s), so that its lines stay"},
	DetailRefunded:     {"本单已有退货,不能更换明细", "this sale has a refund, so that its lines stay"},
	DetailPrintStarted: {"打印任务已开始或已结束(%s),不能取消", "this print job has started or is over (%s) and cannot be cancelled"},
	DetailStreams:      {"该令牌已有 %s 个事件流", "this token has %s event streams already"},

	OutwardAct:     {"告警,需要处理:%s", "alert, somebody must act: %s"},
	OutwardWatch:   {"告警,可能自行恢复:%s", "alert, may end by itself: %s"},
	OutwardOver:    {"告警已恢复:%s", "alert is over: %s"},
	OutwardMore:    {"告警,另有 %s 条", "alerts, %s more"},
	OutwardDo:      {"处理办法:%s", "what to do: %s"},
	OutwardSale:    {"单号:%s", "sale: %s"},
	OutwardAccount: {"税务账号:%s", "tax account: %s"},
	OutwardRaised:  {"发生:%s", "raised: %s"},
	OutwardEnded:   {"恢复:%s", "over: %s"},
	OutwardTill:    {"收银机:%s", "till: %s"},
}
