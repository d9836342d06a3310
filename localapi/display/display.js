// The customer's display: the code of the newest sale, large, for a while. It
// needs a token of the role read: /display#token=…
import { blob, follow, get } from "/console/api.js";

const shown = 3 * 60 * 1000; // ms, after which the next customer must not see it
const thanks = 10 * 1000; // ms
const app = document.getElementById("app");

const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) sessionStorage.token = token;
history.replaceState(null, "", location.pathname);

const say = (zh, en) => navigator.language.startsWith("zh") ? zh : en;

let current = ""; // the sale whose code is shown
let timer = 0;

// What outlives a reload: sessionStorage.newest is the sale of the customer who
// stands there (codes of others, as after an outage, are not shown), and
// sessionStorage.shownUntil the end of its code.

function show(...parts) {
  app.replaceChildren(...parts.map(([text, kind]) => {
    const p = document.createElement("p");
    p.textContent = text;
    p.className = kind ?? "";
    return p;
  }));
}

function welcome() {
  current = sessionStorage.shownUntil = "";
  show([say("欢迎光临", "Welcome"), "amount"]);
}

function until(ms) {
  clearTimeout(timer);
  timer = setTimeout(welcome, ms);
}

async function code(saleID, ms = shown) {
  const path = "/v1/sales/" + encodeURIComponent(saleID);
  const [{ state, total, refunded, qr }, png] = await Promise.all([get(path), blob(path + "/qr.png?size=640")]).catch(() => [{}]); // it was voided meanwhile, or the service is away
  if (saleID !== sessionStorage.newest || state !== "qr_ready") return;
  const image = new Image();
  const url = URL.createObjectURL(png);
  image.alt = qr.url;
  image.onload = () => URL.revokeObjectURL(url);
  image.src = url;
  const amount = refunded === "0.00" ? "￥" + total : ""; // a code for the rest is for less
  show([amount, "amount"], [say("扫码自助开具电子发票", "Scan for your e-invoice")], [say("提取码 ", "Code ") + qr.extract_code, "soft"]);
  app.firstChild.after(image);
  current = saleID;
  sessionStorage.shownUntil = Date.now() + ms;
  until(ms);
}

function heard(event) {
  switch (event.type) {
    case "signed.out":
      return show([say("请用 /display#token=… 打开，令牌的角色为 read", "Open it as /display#token=… with a token of the role read"), "soft"]);
    case "sale.accepted": case "refund.accepted":
      sessionStorage.newest = event.sale_id;
      if (current && current !== sessionStorage.newest) { // the code of the customer before
        clearTimeout(timer);
        welcome();
      }
      break;
    case "sale.qr_ready":
      if (event.sale_id !== sessionStorage.newest) return;
      return code(event.sale_id);
  }
  if (event.sale_id !== current || !current) return;
  switch (event.type) {
    case "sale.invoicing":
      show([say("开票申请已提交", "Your invoice is being issued")], [say("谢谢惠顾", "Thank you"), "amount"]);
      return until(thanks);
    case "sale.invoiced":
      show([say("发票已开具", "Your invoice is issued")], [say("谢谢惠顾", "Thank you"), "amount"]);
      return until(thanks);
    case "sale.voided": case "sale.cancelled": case "sale.expired": case "sale.red_flushed":
      clearTimeout(timer);
      return welcome();
  }
}

// A frame shows staff that the service is away.
const away = (is) => { document.body.className = is ? "away" : "connected"; };

const left = sessionStorage.shownUntil - Date.now();
welcome();
if (left > 0) code(sessionStorage.newest, left);
follow(new AbortController().signal, heard, () => away(true), () => away(false));
