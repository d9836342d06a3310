// The words of the console, Chinese and English side by side.
const words = {
  title: ["收银开票代理", "Till agent"],
  signIn: ["登录", "Sign in"],
  signInHow: ["在本机运行 piaotong-agent console，会打开登录链接；或在这里填令牌。", "Run piaotong-agent console on this machine for a link that signs you in; or give a token here."],
  token: ["令牌", "Token"],
  codeSpent: ["这个链接已用过或已过期，请重新运行 piaotong-agent console。", "This link was used or is too old: run piaotong-agent console again."],
  signOut: ["退出", "Sign out"],
  language: ["English", "中文"],
  overview: ["概况", "Overview"], sales: ["销售", "Sales"], accounts: ["税务账号", "Tax accounts"], day: ["日结", "The day"], log: ["日志", "Log"],
  platform: ["票通平台", "Platform"], online: ["在线", "Online"], offline: ["连不上", "Unreachable"], notSetUp: ["未接入", "Not set up"],
  offlineHow: ["收单和打印照常，网络恢复后自动补。", "Sales are taken and printed meanwhile; the rest follows by itself."],
  lastContact: ["最近应答", "Last answer"], never: ["从未", "never"],
  printer: ["打印机", "Printer"], noPrinter: ["没有配置", "None"], waitingPaper: ["待打印", "Waiting"],
  waiting: ["等开票码", "Waiting for a code"], oldest: ["最久", "oldest"],
  today: ["今天", "Today"], salesCount: ["单", "sales"], refunds: ["退货", "Refunds"], net: ["净额", "Net"], issued: ["已开票", "Invoiced"],
  alerts: ["告警", "Alerts"], noAlerts: ["一切正常", "Nothing is wrong"], seen: ["知道了", "Seen"], seenAt: ["已知", "seen"], times: ["次", "times"],
  since: ["从", "since"], version: ["版本", "Version"], till: ["收银机", "Till"],
  search: ["单号、金额、商品……", "Sale id …"], all: ["全部状态", "Every state"], more: ["更多", "More"], none: ["没有", "None"],
  time: ["时间", "Time"], sale: ["单号", "Sale"], amount: ["金额", "Amount"], state: ["状态", "State"], paper: ["打印", "Paper"],
  back: ["返回", "Back"], retry: ["现在重试", "Try now"], reprint: ["补打小票", "Print again"], slip: ["补打开票码", "Print the code"],
  story: ["来龙去脉", "What happened"], receipt: ["小票", "Receipt"], invoice: ["发票", "Invoice"],
  asked: ["已吩咐", "Asked for"], reprintAsk: ["再打一份？纸上会标“重打”。", "Print it again? The paper will say so."],
  account: ["账号", "Account"], name: ["姓名", "Name"], login: ["登录", "Login"], auth: ["认证", "Authentication"], isDefault: ["默认", "default"],
  sendCode: ["发短信验证码", "Send SMS code"], codeSent: ["验证码已发到", "The code was sent to"], smsCode: ["验证码", "Code"], doLogin: ["登录", "Log in"],
  face: ["扫脸认证", "Face check"], faceHow: ["请本人用电子税务局 App 或微信扫码。", "The person scans it with the tax bureau's app or WeChat."], ok: ["正常", "ok"], needed: ["需要", "needed"], unknown: ["未知", "unknown"],
  waitingScan: ["等待扫码", "Waiting for the scan"], scanned: ["已扫码", "Scanned"], passed: ["认证通过", "Passed"], failed: ["没有通过", "Failed"], expired: ["已过期", "Expired"], done: ["完成", "Done"],
  asOf: ["截至", "as of"], date: ["日期", "Date"], table: ["下载表格", "Download table"], close: ["日结核对", "Close the day"],
  posTotal: ["收银合计（可不填）", "The POS's total (optional)"], open: ["还没了结", "Still open"], nothingOpen: ["都已了结", "Nothing is open"],
  byRate: ["按税率", "By tax rate"], total: ["含税金额", "With tax"], tax: ["税额", "Tax"], count: ["单数", "Count"],
  refresh: ["刷新", "Refresh"], lastLines: ["最近 200 行", "The last 200 lines"], gone: ["连不上服务，正在重连……", "The service does not answer; trying again …"],
};

// The states as people say them.
const states = {
  queued: ["等开票码", "waiting for its code"], qr_ready: ["可开票", "code ready"], invoicing: ["开票中", "being invoiced"], invoiced: ["已开票", "invoiced"],
  auth_required: ["待账号登录认证", "tax account must log in"], invoice_failed: ["开票失败", "invoice failed"], expired: ["已过期", "expired"], cancelled: ["已取消", "cancelled"],
  voided: ["已作废", "voided"], partly_red: ["部分红冲", "partly red-flushed"], red_flushed: ["已红冲", "red-flushed"], rejected: ["被拒，要人处理", "refused, needs a person"], recorded: ["不开票", "no invoice"],
  waiting_qr: ["等码", "waits for its code"], printing: ["正在打", "printing"], printed: ["已打出", "printed"], sent: ["已发送", "sent"], held: ["打印机有事", "held"],
  uncertain: ["不确定，请看纸", "uncertain: look at the paper"], failed: ["失败", "failed"], none: ["不打印", "none"],
  working: ["处理中", "working"], waiting_invoice: ["等发票", "waits for the invoice"], waiting_auth: ["等账号", "waits for the tax account"], done: ["完成", "done"],
  ready: ["正常", "ready"], paper_low: ["纸将尽", "paper low"], paper_out: ["缺纸", "paper out"], cover_open: ["盖没合", "cover open"], offline: ["没有应答", "offline"], error: ["故障", "error"], cutter: ["切刀卡住", "cutter jammed"],
};

export const saleStates = ["queued", "qr_ready", "invoicing", "invoiced", "auth_required", "invoice_failed", "rejected", "expired", "cancelled", "voided", "partly_red", "red_flushed", "recorded"];

// What waits for the printer, or for its turn, waits for no code.
const inLine = ["排队中", "in line"];

let english = !(sessionStorage.lang ?? navigator.language).startsWith("zh");

export const lang = () => english ? "en" : "zh-CN";
export const t = (key) => words[key][english ? 1 : 0];
export const stateName = (s) => states[s]?.[english ? 1 : 0] ?? s;
export const workName = (s) => s === "queued" ? inLine[english ? 1 : 0] : stateName(s); // of paper and refunds

export function switchLanguage() {
  english = !english;
  sessionStorage.lang = lang();
}

// stamp shows a time as it is on this machine's clock.
export function stamp(text) {
  if (!text) return "";
  const at = new Date(text);
  const day = at.toDateString() === new Date().toDateString() ? {} : { month: "2-digit", day: "2-digit" };
  return at.toLocaleString(lang(), { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}
