// Sales: the list, and one of them with everything that happened to it.
import { blob, get, post } from "./api.js";
import { button, card, el, picture, table } from "./dom.js";
import { saleStates, stamp, stateName, t, workName } from "./texts.js";

const troubled = new Set(["rejected", "invoice_failed", "auth_required", "held", "uncertain", "failed"]);
const badge = (state, name = stateName) => el("span", { class: troubled.has(state) ? "bad" : "" }, name(state));

const filter = { q: "", state: "" };

export async function sales(go, id, state) {
  if (id) return one(go, id);
  if (state !== undefined) filter.state = state;
  const rows = el("div", {});
  const page = async (cursor) => {
    const asked = new URLSearchParams({ limit: "50", ...filter, ...(cursor && { cursor }) });
    for (const [key, value] of [...asked]) if (!value) asked.delete(key);
    const list = await get("/v1/sales?" + asked);
    rows.append(list.sales.length || cursor ? table(
      [[t("time"), "time"], [t("sale"), ""], [t("amount"), "number"], [t("state"), ""], [t("paper"), ""]],
      list.sales.map((s) => [stamp(s.sold_at), button(s.sale_id, () => go("sales", s.sale_id), { class: "link" }), s.total, badge(s.state), badge(s.print.state, workName)]))
      : el("p", { class: "soft" }, t("none")));
    if (list.next_cursor) {
      const more = button(t("more"), async () => { more.remove(); await page(list.next_cursor); });
      rows.append(more);
    }
  };
  const search = el("form", { class: "row", onsubmit: (e) => { e.preventDefault(); filter.q = e.target.elements.q.value.trim(); go("sales"); } },
    el("input", { name: "q", type: "search", value: filter.q, placeholder: t("search"), "aria-label": t("search") }),
    el("select", { "aria-label": t("state"), onchange: (e) => go("sales", "", e.target.value) },
      el("option", { value: "" }, t("all")), saleStates.map((s) => el("option", { value: s, selected: s === filter.state }, stateName(s)))));
  await page();
  return [card(search, rows)];
}

async function one(go, id) {
  const path = "/v1/sales/" + encodeURIComponent(id);
  const [s, story] = await Promise.all([get(path), get(path + "/timeline")]);
  const receipt = await picture(blob(path + "/receipt.png"), { class: "paper", alt: t("receipt") }).catch(() => null);
  const print = (what) => async () => {
    if (!confirm(t("reprintAsk"))) return;
    await post(path + "/print", { job_id: "console-" + crypto.randomUUID(), what, copies: 1 });
    go("sales", id);
  };
  return [
    el("div", { class: "row" }, button("← " + t("back"), () => go("sales")), el("h2", {}, s.sale_id), el("span", { class: "soft" }, stamp(s.sold_at))),
    card(el("p", { class: "figure" }, "￥" + s.total), el("p", {}, badge(s.state), " · ", t("paper"), " ", badge(s.print.state, workName)),
      s.invoice.number && el("p", {}, `${t("invoice")} ${s.invoice.number}`),
      el("p", {}, story.summary),
      el("div", { class: "row" }, button(t("retry"), async () => { await post(path + "/retry"); go("sales", id); }),
        button(t("reprint"), print("receipt")), s.qr.url && button(t("slip"), print("slip")))),
    card(el("h2", {}, t("story")), el("ol", { class: "story" }, story.entries.map((e) =>
      el("li", {}, el("span", { class: "soft small" }, stamp(e.at) + (e.times > 1 ? ` – ${stamp(e.last_at)} · ${e.times} ${t("times")}` : "")), el("br"), e.text)))),
    receipt && card(el("h2", {}, t("receipt")), receipt),
  ];
}
