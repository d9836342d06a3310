// A day: its figures, what is open and why, and closing it.
import { blob, get, post } from "./api.js";
import { button, card, el, table } from "./dom.js";
import { stamp, stateName, t, workName } from "./texts.js";

export async function day(go, date) {
  const report = await get("/v1/reports/daily" + (date ? "?date=" + encodeURIComponent(date) : ""));
  const said = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row", onsubmit: async (e) => {
    e.preventDefault();
    const total = e.target.elements.total.value.trim();
    const closed = await post("/v1/close", { date: report.date, ...(total && { total }) });
    said.replaceChildren(el("div", { class: "note" }, closed.summary.map((line) => el("p", { class: closed.result === "differs" ? "bad" : "" }, line))));
  } }, el("input", { name: "total", inputmode: "decimal", placeholder: t("posTotal"), "aria-label": t("posTotal") }), el("button", { class: "main" }, t("close")));
  return [
    card(el("div", { class: "row" },
      el("input", { type: "date", value: report.date, "aria-label": t("date"), onchange: (e) => go("day", e.target.value) }),
      el("span", { class: "space" }), button(t("table"), () => download(report.date))), form, said),
    el("div", { class: "cards" },
      figure(t("sales"), report.sales.total, `${report.sales.count} ${t("salesCount")}`),
      figure(t("refunds"), report.refunds.total, String(report.refunds.count)),
      figure(t("net"), report.net, ""),
      figure(t("issued"), report.invoices.blue.total, `${report.invoices.blue.count} · ${t("tax")} ${report.invoices.blue.tax}`)),
    report.tax_rates.length > 0 && card(el("h2", {}, t("byRate")),
      table([[t("byRate"), ""], [t("total"), "number"], [t("tax"), "number"]], report.tax_rates.map((r) => [r.tax_rate, r.total, r.tax]))),
    card(el("h2", {}, t("open")), report.open.length === 0 ? el("p", { class: "good" }, "✓ " + t("nothingOpen")) :
      report.open.map((o) => el("div", {}, button(o.refund_id || o.sale_id, () => go("sales", o.sale_id), { class: "link" }),
        ` ￥${o.total} · ${(o.job_id || o.refund_id ? workName : stateName)(o.state)} · ${stamp(o.at)}`, el("p", { class: "soft" }, o.why), o.action && el("p", {}, "→ " + o.action))),
      report.open_not_listed > 0 && el("p", { class: "soft" }, `${t("more")}: ${report.open_not_listed}`)),
  ];
}

const figure = (name, amount, about) => card(el("h3", { class: "soft" }, name), el("p", { class: "figure" }, "￥" + amount), el("p", { class: "soft small" }, about));

async function download(date) {
  const url = URL.createObjectURL(await blob("/v1/reports/daily?date=" + date, "text/csv"));
  el("a", { href: url, download: `daily-${date}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
