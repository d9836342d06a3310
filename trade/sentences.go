package trade

import "strings"

// The sentences about a sale: what happened to it, how it stands, and what
// whoever asks about it should do.
const (
	WhereNoPlatform   Key = "where_no_platform"
	WhereAway         Key = "where_away"
	WhereTrying       Key = "where_trying"
	WhereQueued       Key = "where_queued"
	WhereReady        Key = "where_ready"
	WhereReadyNoPaper Key = "where_ready_no_paper"
	WhereInvoicing    Key = "where_invoicing"
	WhereInvoiced     Key = "where_invoiced"
	WhereAuth         Key = "where_auth"
	WhereReissue      Key = "where_reissue"
	WhereFailed       Key = "where_failed"
	WhereExpired      Key = "where_expired"
	WhereCancelled    Key = "where_cancelled"
	WhereVoided       Key = "where_voided"
	WherePartlyRed    Key = "where_partly_red"
	WhereRed          Key = "where_red"
	WhereRejected     Key = "where_rejected"
	WhereRecorded     Key = "where_recorded"
	WhereRefundFailed Key = "where_refund_failed"
	WhereRefundAuth   Key = "where_refund_auth"
	WhereRefundOpen   Key = "where_refund_open"
	WherePaperHeld    Key = "where_paper_held"
	WherePaperUnsure  Key = "where_paper_unsure"
	WherePaperWaits   Key = "where_paper_waits"

	DoNothing     Key = "do_nothing"
	DoSetUp       Key = "do_set_up"
	DoNetwork     Key = "do_network"
	DoScan        Key = "do_scan"
	DoPrintSlip   Key = "do_print_slip"
	DoSendInvoice Key = "do_send_invoice"
	DoReissue     Key = "do_reissue"
	DoByHand      Key = "do_by_hand"
	DoNone        Key = "do_none"

	TimelineNow   Key = "timeline_now"
	TimelineCall  Key = "timeline_call"
	TimelineCode  Key = "timeline_code"
	TimelineTimes Key = "timeline_times"
	TimelineOther Key = "timeline_other"
	TimelineStand Key = "timeline_stand"
	TimelineAsked Key = "timeline_asked"
	TimelineBy    Key = "timeline_by"
)

// The causes for which a printer does not print.
const (
	CausePaperOut  Key = "paper_out"
	CauseCoverOpen Key = "cover_open"
	CauseOffline   Key = "offline"
	CauseCutter    Key = "cutter"
	CauseError     Key = "error"
)

// The sentences about a day that is being closed.
const (
	DayAgrees    Key = "day_agrees"
	DayAgreesNet Key = "day_agrees_net"
	DayTotalMore Key = "day_total_more"
	DayTotalLess Key = "day_total_less"
	DayCountMore Key = "day_count_more"
	DayCountLess Key = "day_count_less"
	DaySoldElse  Key = "day_sold_else"
	DayTakenElse Key = "day_taken_else"
	DayHas       Key = "day_has"
	DayAllDone   Key = "day_all_done"
	DayOpen      Key = "day_open"
	DayNotOver   Key = "day_not_over"
	DayNoneGiven Key = "day_none_given"
	DayOpenMore  Key = "day_open_more"
	DayBadDate   Key = "day_bad_date"
)

// The words of a daily report as a table.
const (
	ReportHead       Key = "report_head"
	ReportDay        Key = "report_day"
	ReportSales      Key = "report_sales"
	ReportRefunds    Key = "report_refunds"
	ReportInvoices   Key = "report_invoices"
	ReportTax        Key = "report_tax"
	ReportOpen       Key = "report_open"
	ReportJournal    Key = "report_journal"
	ReportThen       Key = "report_then"
	ReportAll        Key = "report_all"
	ReportNoRate     Key = "report_no_rate"
	ReportBlue       Key = "report_blue"
	ReportRed        Key = "report_red"
	ReportNet        Key = "report_net"
	ReportOpenSale   Key = "report_open_sale"
	ReportOpenRefund Key = "report_open_refund"
	ReportOpenPaper  Key = "report_open_paper"
)

// The keys of what the drop folder says.
const (
	DropRefused   Key = "drop_refused"
	DropRefusedDo Key = "drop_refused_do"
	DropStuck     Key = "drop_stuck"
	DropStuckDo   Key = "drop_stuck_do"
)

// The keys about printing.
const (
	OtherMode           Key = "other_mode"
	BadBase64           Key = "bad_base64"
	LinesOrRaw          Key = "lines_or_raw"
	DetailNoDrawer      Key = "detail_no_drawer"
	DetailTooLong       Key = "detail_too_long"
	DetailPrinterIs     Key = "detail_printer_is"
	DetailTraining      Key = "detail_training"
	AlertJobUncertain   Key = "job_uncertain"
	AlertJobUncertainDo Key = "job_uncertain_do"
	AlertPrintFailed    Key = "print_failed"
	AlertPrintFailedDo  Key = "print_failed_do"
	AlertJobFailed      Key = "job_failed"
	AlertJobFailedDo    Key = "job_failed_do"

	FurtherHeld        Key = "further_printer_held"
	PrinterGone        Key = "printer_gone"
	PrinterGoneDo      Key = "printer_gone_do"
	OnPrinter          Key = "on_printer"
	CauseNotConfigured Key = "not_configured"
	TemplateBroken     Key = "template_broken"
	TemplateBrokenDo   Key = "template_broken_do"
)

// word is the entry of a machine's word, such as a state. The point keeps it
// apart from keys that are stored.
func word(group, w string) Message { return Say(Key(group + "." + w)) }

// StateWords say how a sale stands.
func StateWords(s SaleState) Message { return word("state", string(s)) }

// RefundWords say how a refund stands, in the words of RefundView.
func RefundWords(view string) Message { return word("refund", view) }

// PaperWords name a kind of paper.
func PaperWords(p Paper) Message { return word("paper", string(p)) }

// PrintWords say how a print job stands.
func PrintWords(s PrintState) Message { return word("print", string(s)) }

// OutcomeWords say what a call came to.
func OutcomeWords(o Outcome) Message { return word("outcome", string(o)) }

// InterfaceWords say what an interface is for; its number alone where it is
// not among those that sales need.
func InterfaceWords(number string) Message {
	if m := word("interface", number); m.known() {
		return m
	}
	return Say(TimelineOther, number)
}

// MoveWords say what a journal entry of a sale stands for: the name of an
// Event, or SaleAccepted and RefundAccepted.
func MoveWords(kind string) Message {
	if m := word("move", kind); m.known() {
		return m
	}
	return Say(TimelineOther, kind)
}

// NotConfigured is the cause for which the jobs of a printer are held that is
// not configured any more.
func NotConfigured(printer string) string { return string(CauseNotConfigured) + ":" + printer }

// CauseWords say why paper is held; the cause itself where it has no words.
func CauseWords(cause string) Message {
	if printer, ok := strings.CutPrefix(cause, NotConfigured("")); ok {
		return Say(CauseNotConfigured, printer)
	}
	if m := Say(Key(cause)); m.known() && !strings.Contains(cause, " ") {
		return m
	}
	return Say(TimelineOther, cause)
}

func (m Message) known() bool {
	_, ok := m.words()
	return ok
}

// words finds a message's text.
func (m Message) words() (words, bool) {
	if t, ok := catalogue[m.Key]; ok {
		return t, true
	}
	t, ok := sentences[m.Key]
	return t, ok
}

var sentences = map[Key]words{
	CausePaperOut:  {"缺纸", "paper out"},
	CauseCoverOpen: {"上盖打开", "cover open"},
	CauseOffline:   {"未连接或脱机", "offline"},
	CauseCutter:    {"切刀卡住", "the cutter is jammed"},
	CauseError:     {"故障", "error"},

	"state.queued":         {"等待平台", "waiting for the platform"},
	"state.qr_ready":       {"开票码已就绪,顾客尚未开票", "the QR code is ready, the customer has not claimed it"},
	"state.invoicing":      {"正在开票", "the invoice is being issued"},
	"state.invoiced":       {"已开票", "invoiced"},
	"state.auth_required":  {"停住:税务账号须登录或认证", "stopped: the tax account must log in or be authenticated"},
	"state.invoice_failed": {"开票失败", "issuing the invoice failed"},
	"state.expired":        {"开票码已过期", "the QR code has expired"},
	"state.cancelled":      {"已退货,没有发往平台", "refunded before anything was sent"},
	"state.voided":         {"已退货,开票码已作废", "refunded, the QR code is void"},
	"state.partly_red":     {"已部分红冲", "red-flushed in part"},
	"state.red_flushed":    {"已全额红冲", "red-flushed in full"},
	"state.rejected":       {"被平台拒绝", "refused by the platform"},
	"state.recorded":       {"不开票,仅留存", "kept without an invoice"},

	"refund.queued":          {"排队", "in line"},
	"refund.working":         {"处理中", "being worked on"},
	"refund.waiting_invoice": {"等原发票开出", "waits for the invoice"},
	"refund.waiting_auth":    {"等税务账号登录", "waits for the tax account"},
	"refund.done":            {"完成", "done"},
	"refund.failed":          {"须人工处理", "needs a person"},

	"paper.receipt":    {"小票", "receipt"},
	"paper.slip":       {"开票码小条", "slip with the QR code"},
	"paper.refund":     {"退货小票", "receipt of the refund"},
	"paper.pos":        {"收银软件自排的纸", "paper that the POS laid out"},
	"paper.ticket":     {"厨打单", "kitchen ticket"},
	"print.waiting_qr": {"等待开票码", "waits for the QR code"},
	"print.queued":     {"排队", "in line"},
	"print.printing":   {"开始打印", "printing began"},
	"print.printed":    {"打印完成", "printed"},
	"print.sent":       {"已全部送到打印机(该打印机不会应答)", "all of it was sent to a printer that cannot answer"},
	"print.uncertain":  {"可能没有打完整", "it may not be complete on paper"},
	"print.held":       {"没有打,等待打印机", "not printed, it waits for the printer"},
	"print.failed":     {"无法排版,没有打", "it cannot be laid out and was not printed"},
	"print.cancelled":  {"取消,不再打印", "cancelled, it will not be printed"},

	"outcome.ok":            {"成功", "done"},
	"outcome.refused":       {"平台拒绝", "the platform said no"},
	"outcome.unavailable":   {"没有办成,平台连不上或暂不可用", "not done, the platform could not be reached or had no time"},
	"outcome.unknown":       {"没有收到可信的答复", "no answer came that can be trusted"},
	"outcome.duplicate":     {"平台说编号已存在", "the platform knows the number already"},
	"outcome.pending":       {"平台正在处理", "the platform is working on it"},
	"outcome.already_red":   {"平台说已红冲或作废", "the platform says that it is reversed already"},
	"outcome.not_found":     {"平台查不到", "the platform does not know it"},
	"outcome.misconfigured": {"本店的配置被平台拒绝", "the platform refuses this till's set-up"},
	"outcome.auth":          {"税务账号须先登录或认证", "the tax account must log in or be authenticated first"},

	"interface.2.9":  {"开具发票", "issue the invoice"},
	"interface.2.10": {"全额红冲", "red-flush the invoice"},
	"interface.2.11": {"查询发票", "ask about the invoice"},
	"interface.2.16": {"取开票码", "fetch the QR code"},
	"interface.2.17": {"作废开票码", "void the QR code"},
	"interface.2.18": {"查询开票码", "ask about the QR code"},
	"interface.2.36": {"部分红冲初始化", "prepare the part to red-flush"},
	"interface.2.37": {"部分红冲", "red-flush a part"},

	"move.SaleAccepted":     {"收银交来本单,已存盘", "the POS handed the sale in, and it is on disk"},
	"move.RefundAccepted":   {"收银交来退货单,已存盘", "the POS handed a refund in, and it is on disk"},
	"move.RefundAsked":      {"定下退货怎么办", "it was decided what the refund needs"},
	"move.RetryAsked":       {"有人要求立即重试", "somebody asked to try again now"},
	"move.RefundRetryAsked": {"有人要求再试退货", "somebody asked to try the refund again"},
	"move.Sending":          {"即将发往平台", "about to be sent to the platform"},
	"move.Unsent":           {"没有办成,稍后再发", "it was not done and is sent again later"},
	"move.Lost":             {"不知道平台收到没有,先查询,不重发", "whether the platform has it is not known; it is asked before anything is sent again"},
	"move.Refused":          {"平台拒绝", "the platform refused"},
	"move.QRCreated":        {"取到开票码", "the QR code came"},
	"move.QRTaken":          {"平台说这个编号已存在,去核对", "the platform knows the number already; it is looked into"},
	"move.QRSeen":           {"平台告知开票码的情况", "the platform told how the QR code stands"},
	"move.QRMissing":        {"平台没有这个开票码", "the platform does not have the QR code"},
	"move.QRForeign":        {"这个编号是别的单的,换号", "the number belongs to another sale; the next one is taken"},
	"move.VoidConfirmed":    {"平台确认开票码已作废", "the platform confirmed that the QR code is void"},
	"move.VoidDenied":       {"平台没有确认作废", "the platform did not confirm the void"},
	"move.InvoiceSeen":      {"平台告知发票的情况", "the platform told how the invoice stands"},
	"move.InvoiceHinted":    {"平台推送:发票有消息", "a push of the platform: news of the invoice"},
	"move.InvoiceMissing":   {"平台查不到这张发票", "the platform does not know the invoice"},
	"move.InvoiceForeign":   {"这个发票流水号是别的单的,换号", "the invoice's number belongs to another sale; the next one is taken"},
	"move.IssueAccepted":    {"平台受理,正在开票", "the platform took it and is issuing the invoice"},
	"move.AuthNeeded":       {"平台要求税务账号先登录或认证", "the platform wants the tax account to log in first"},
	"move.AlertAcked":       {"有人看过告警", "somebody has seen an alert"},
	"move.AccountReady":     {"税务账号可用了", "the tax account works again"},
	"move.RedAccepted":      {"平台受理红冲", "the platform took the red-flush"},
	"move.RedAlready":       {"这张发票在平台上已红冲", "the invoice was reversed on the platform before"},
	"move.Unmatched":        {"部分红冲对不上原发票,没有发送", "the part to red-flush does not fit the invoice, nothing was sent"},

	TimelineNow:   {"%s;本单现为:%s", "%s; the sale is now: %s"},
	TimelineCall:  {"%s(接口 %s):%s,用时 %s 秒", "%s (interface %s): %s, took %s s"},
	TimelineCode:  {"%s,代码 %s", "%s, code %s"},
	TimelineTimes: {"%s;连续 %s 次,最近一次 %s", "%s; %s times in a row, last at %s"},
	TimelineOther: {"%s", "%s"},
	TimelineStand: {"%s:%s", "%s: %s"},
	TimelineBy:    {"由 %s 提出(%s)", "asked for by %s (%s)"},
	TimelineAsked: {"%s(要求补打)", "%s (asked for)"},

	WhereNoPlatform:   {"没有配置票通平台,本单没有开票码", "the platform is not set up, so this sale has no QR code"},
	WhereAway:         {"连不上票通平台,本单还没有开票码", "the platform cannot be reached, so this sale has no QR code yet"},
	WhereTrying:       {"票通平台还没有办成本单,已试 %s 次", "the platform has not done it yet, after %s attempts"},
	WhereQueued:       {"本单正在排队发往票通平台", "the sale is in line for the platform"},
	WhereReady:        {"开票码已给出,顾客还没有扫码开票,%s 前有效", "the QR code was given, the customer has not claimed it; it is valid until %s"},
	WhereReadyNoPaper: {"开票码已取到,但没有打在纸上,%s 前有效", "the QR code came but is not on paper; it is valid until %s"},
	WhereInvoicing:    {"票通平台正在开票", "the invoice is under way at the platform"},
	WhereInvoiced:     {"发票已开出,号码 %s", "the invoice is issued, number %s"},
	WhereAuth:         {"税务账号须登录或认证,本单停在这里", "the tax account must log in or be authenticated; the sale has stopped there"},
	WhereReissue:      {"发票停在税务账号处,账号已恢复,平台没有自动续开", "the invoice stopped at the tax account; the account works again, and the platform has not gone on"},
	WhereFailed:       {"%[1]s", "%[2]s"},
	WhereExpired:      {"开票码已过期,顾客没有开票", "the QR code has expired unclaimed"},
	WhereCancelled:    {"本单在发往平台之前已全部退货,不会开票", "the sale was refunded before anything was sent; there will be no invoice"},
	WhereVoided:       {"本单已全部退货,开票码已作废,不会开票", "the sale was refunded in full and its QR code is void; there will be no invoice"},
	WherePartlyRed:    {"发票 %s 已开出,退货部分已红冲", "invoice %s is issued, and red-flushed for what was refunded"},
	WhereRed:          {"本单已退货,发票已全额红冲", "the sale was refunded and its invoice red-flushed in full"},
	WhereRejected:     {"%[1]s", "%[2]s"},
	WhereRecorded:     {"本单交来时就不要发票,仅留存", "the sale was handed in without wish for an invoice"},
	WhereRefundFailed: {"退货单 %[1]s 须人工处理:%[2]s", "refund %[1]s needs a person: %[3]s"},
	WhereRefundAuth:   {"退货单 %s 在等税务账号登录或认证", "refund %s waits for the tax account to log in"},
	WhereRefundOpen:   {"退货单 %[1]s 尚未办完(%[2]s)", "refund %[1]s is not done (%[3]s)"},
	WherePaperHeld:    {"%[1]s没有打出来:%[2]s", "the %[3]s is not printed: %[4]s"},
	WherePaperUnsure:  {"%[1]s可能没有打完整", "the %[2]s may not be complete on paper"},
	WherePaperWaits:   {"%[1]s还没有打:%[2]s", "the %[3]s is not printed yet: %[4]s"},

	DoNothing:     {"无需操作,会自动继续", "nothing to do, it goes on by itself"},
	DoSetUp:       {"请在配置 [piaotong] 中填好平台参数", "fill in [piaotong] of the configuration"},
	DoNetwork:     {"请检查网络,恢复后会自动补取", "check the network; it follows by itself"},
	DoScan:        {"请顾客扫小票上的码开票,小票丢了可补打", "let the customer scan the receipt; print it again if it is lost"},
	DoPrintSlip:   {"请给顾客补打开票码", "print the slip with the QR code for the customer"},
	DoSendInvoice: {"请把发票发给顾客", "send the invoice to the customer"},
	DoReissue:     {"请在票通平台上查看原因并重新开具", "see why on the platform, and issue it again there"},
	DoByHand:      {"顾客仍要发票时,请在票通平台上手工开具", "if the customer still wants one, issue it on the platform by hand"},
	DoNone:        {"没有要做的", "nothing is to be done"},

	DayHas:       {"%[1]s 共 %[2]s 单 %[3]s 元,退货 %[4]s 笔 %[5]s 元,净额 %[6]s 元", "%[1]s: %[2]s sales of %[3]s, %[4]s refunds of %[5]s, net %[6]s"},
	DayNotOver:   {"这一天还没有过完,数字会变", "the day is not over, the figures may change"},
	DayNoneGiven: {"没有给出收银的合计,未核对", "no total of the POS was given, nothing was compared"},
	DayAgrees:    {"与收银的合计一致", "the POS's figures agree"},
	DayAgreesNet: {"收银的合计等于减去退货后的净额,一致", "the POS's total is the net after refunds, and agrees"},
	DayTotalMore: {"本机比收银多 %s 元", "this agent has %s more than the POS"},
	DayTotalLess: {"本机比收银少 %s 元", "this agent has %s less than the POS"},
	DayCountMore: {"本机比收银多 %s 单", "this agent has %s sales more than the POS"},
	DayCountLess: {"本机比收银少 %s 单", "this agent has %s sales less than the POS"},
	DaySoldElse:  {"其中 %s 单 %s 元的售出时间不在这一天", "%s of them, of %s, were sold on another day"},
	DayTakenElse: {"另有 %s 单 %s 元在这一天售出,别的日子才交来", "%s more, of %s, were sold on this day and handed in on another"},
	DayAllDone:   {"没有未了的事", "nothing is open"},
	DayOpen:      {"未了的事有 %s 件,见下", "%s things are open, see below"},
	DayOpenMore:  {"另有 %s 件未列出", "%s more are not listed"},
	DayBadDate:   {"须为 2000 到 2099 年间的日期,例如 2026-11-22", "must be a date from 2000 to 2099, for example 2026-11-22"},

	ReportHead:       {"项目,分类,笔数,金额,税额,说明", "item,kind,count,amount,tax,note"},
	ReportDay:        {"日期", "date"},
	ReportSales:      {"销售", "sales"},
	ReportRefunds:    {"退货", "refunds"},
	ReportInvoices:   {"发票", "invoices"},
	ReportTax:        {"税率", "tax rate"},
	ReportOpen:       {"未了", "open"},
	ReportJournal:    {"日志", "journal"},
	ReportThen:       {";", "; "},
	ReportAll:        {"合计", "all"},
	ReportNoRate:     {"无税率", "no rate"},
	ReportBlue:       {"蓝票", "blue"},
	ReportRed:        {"红票", "red"},
	ReportNet:        {"净额", "net"},
	ReportOpenSale:   {"销售 %s", "sale %s"},
	ReportOpenRefund: {"退货 %s", "refund %s"},
	ReportOpenPaper:  {"打印 %s", "print job %s"},

	OtherMode:           {"只用于 print.mode 为 %s 时", "belongs to print.mode %s alone"},
	BadBase64:           {"须为 base64", "must be base64"},
	LinesOrRaw:          {"lines 和 raw 须有且只有一个", "one of lines and raw must be given, and not both"},
	DetailTooLong:       {"小票长约 4 米以上,不画图;可看文字 receipt.txt,打印不受影响", "the receipt is longer than some 4 m and is not drawn; receipt.txt has its text, and it prints all the same"},
	DetailNoDrawer:      {"没有配置钱箱([printer] drawer)", "no cash drawer is configured ([printer] drawer)"},
	DetailPrinterIs:     {"打印机:%s", "printer: %s"},
	DetailTraining:      {"练习状态下不能办理真实的销售单", "the agent is in training: nothing is done to a real sale"},
	AlertJobUncertain:   {"打印任务 %s 可能没有打完整", "print job %s may not be complete on paper"},
	AlertJobUncertainDo: {"请看一下纸上有没有,没有就在收银软件里再打一次", "look at the paper; if it is not there, print it from the POS again"},

	AlertPrintFailed:   {"单号 %s 的小票排不出版,没有打印:%s", "a paper of sale %s cannot be laid out and was not printed: %s"},
	AlertPrintFailedDo: {"请按所述原因处理(例如收银软件给的打印内容),然后重打;处理后确认这条提醒", "mend what is said, such as the POS's own print content, then print it again and acknowledge this"},
	AlertJobFailed:     {"打印任务 %s 排不出版,没有打印:%s", "print job %s cannot be laid out and was not printed: %s"},
	AlertJobFailedDo:   {"请按所述原因处理(例如收银软件给的打印内容),然后在收银软件里再打一次;处理后确认这条提醒", "mend what is said, such as the POS's own print content, then print it from the POS again and acknowledge this"},

	FurtherHeld:        {"打印机 %[1]s:%[2]s,打印任务在等待", "printer %[1]s: %[3]s; its jobs are waiting"},
	PrinterGone:        {"打印机 %s 已不在配置里,还有任务等着它打", "printer %s is not in the configuration any more, and jobs wait for it"},
	PrinterGoneDo:      {"请把这台打印机写回配置并重启服务,任务会接着打;不要的任务请在收银软件里取消", "put the printer back into the configuration and restart the service, and its jobs go on; cancel what is not wanted from the POS"},
	OnPrinter:          {"打印机 %s", "printer %s"},
	CauseNotConfigured: {"打印机 %s 不在配置里", "printer %s is not in the configuration"},
	TemplateBroken:     {"小票模板有误,用的是内置模板", "the receipt's template is wrong; the built-in one is used"},
	TemplateBrokenDo:   {"请改正 [receipt] template 指定的文件,然后重启服务", "mend the file that [receipt] template names, then restart the service"},

	DropRefused:   {"投放文件夹有 %s 个文件没有被接受,例如 %s", "%s files of the drop folder were not taken, such as %s"},
	DropRefusedDo: {"请看 failed 文件夹中同名的 .answer.json,改正后重新放入投放文件夹,再删去这里的旧文件", "see the .answer.json beside it in failed, mend it, put it into the drop folder again and delete the old file"},
	DropStuck:     {"投放文件夹处理不下去,其中的单都没有接收:%s", "the drop folder is stuck, and nothing in it is taken: %s"},
	DropStuckDo:   {"请看文件是否被别的程序打开、服务账号能否读写投放文件夹;处理后自动继续", "see whether another program has the file open, and whether the service's account may read and write the folder; it goes on by itself afterwards"},
}
