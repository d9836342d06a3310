// The first page: is anything wrong, and how is the day?
import { get, post } from "./api.js";
import { button, card, el } from "./dom.js";
import { stamp, stateName, t } from "./texts.js";

export async function overview(go) {
  const [status, alerts, day] = await Promise.all([get("/v1/status"), get("/v1/alerts?active=true"), get("/v1/reports/daily")]);
  return [
    alerts.alerts.length === 0 ? card(el("p", { class: "good" }, "✓ " + t("noAlerts"))) : alerts.alerts.map((a) => alertCard(a, go)),
    el("div", { class: "cards" }, platformCard(status.platform), printerCards(status), waitingCard(status.queue, go), todayCard(day, go)),
    el("p", { class: "soft small" }, `${t("version")} ${status.version} · ${t("till")} ${status.till_code} · ${t("since")} ${stamp(status.started_at)}`),
  ];
}

function alertCard(a, go) {
  const count = a.count > 1 ? ` · ${a.count} ${t("times")}` : "";
  return el("section", { class: "card alert " + a.severity },
    el("div", { class: "row" }, el("h2", {}, a.title), el("span", { class: "space" }),
      a.acked_at ? el("span", { class: "soft small" }, t("seenAt") + " " + stamp(a.acked_at))
        : button(t("seen"), async () => { await post(`/v1/alerts/${a.id}/ack`); go(); })),
    a.detail && el("p", {}, a.detail),
    a.action && el("p", {}, "→ " + a.action),
    el("p", { class: "soft small" }, `${t("since")} ${stamp(a.raised_at)}${count} `,
      a.sale_id && button(a.sale_id, () => go("sales", a.sale_id), { class: "link" })));
}

function platformCard(p) {
  const [word, kind] = !p?.configured ? ["notSetUp", "soft"] : p.online ? ["online", "good"] : ["offline", "bad"];
  return card(el("h3", { class: "soft" }, t("platform")), el("p", { class: "figure " + kind }, t(word)),
    word === "offline" && el("p", { class: "small" }, t("offlineHow")),
    p?.configured && el("p", { class: "soft small" }, `${t("lastContact")} ${p.last_contact ? stamp(p.last_contact) : t("never")}`));
}

// printerCards has one for each printer; where there is none, one that says so.
function printerCards({ printers, queue }) {
  if (!printers?.length) return card(el("h3", { class: "soft" }, t("printer")), el("p", { class: "figure soft" }, t("noPrinter")));
  return printers.map((p) => {
    const kind = p.state === "ready" ? "good" : p.state === "paper_low" ? "warn" : p.state ? "bad" : "soft";
    return card(el("h3", { class: "soft" }, printers.length > 1 ? `${t("printer")} ${p.name}` : t("printer")),
      el("p", { class: "figure " + kind }, p.state ? stateName(p.state) : t("unknown")),
      el("p", { class: "soft small" }, printers.length > 1 ? p.port : `${p.port} · ${t("waitingPaper")} ${queue.prints_waiting}`));
  });
}

function waitingCard(queue, go) {
  const waiting = queue.sales.queued;
  return card(el("h3", { class: "soft" }, t("waiting")), el("p", { class: "figure" + (waiting ? " warn" : "") }, String(waiting)),
    waiting > 0 && el("p", { class: "small" }, button(`${t("oldest")} ${stamp(queue.oldest_waiting_at)}`, () => go("sales", "", "queued"), { class: "link" })));
}

function todayCard(day, go) {
  return card(el("h3", { class: "soft" }, t("today")), el("p", { class: "figure" }, "￥" + day.sales.total),
    el("p", { class: "soft small" }, `${day.sales.count} ${t("salesCount")} · ${t("refunds")} ￥${day.refunds.total} · ${t("issued")} ${day.invoices.blue.count} `,
      button("→ " + t("day"), () => go("day"), { class: "link" })));
}
