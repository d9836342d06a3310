// The tax accounts: what must log in or be authenticated, and doing it.
import { get, post } from "./api.js";
import { button, card, el } from "./dom.js";
import { stamp, t } from "./texts.js";

const kinds = { ok: "good", needed: "bad", unknown: "soft" };

export async function accounts(go) {
  const list = await get("/v1/accounts");
  return [
    list.accounts.length ? list.accounts.map((a) => accountCard(a, go)) : card(el("p", { class: "soft" }, t("none"))),
    el("p", { class: "soft small" }, `${t("asOf")} ${stamp(list.as_of)}`),
  ];
}

function accountCard(a, go) {
  const path = "/v1/accounts/" + encodeURIComponent(a.account);
  const work = el("div", { class: "row", "aria-live": "polite" });
  const show = (...children) => work.replaceChildren(...children);
  return card(
    el("div", { class: "row" }, el("h2", {}, a.name || a.account), el("span", { class: "soft" }, `${a.account} ${a.phone}`), a.default && el("span", { class: "soft small" }, t("isDefault"))),
    el("p", {}, t("login"), " ", el("b", { class: kinds[a.login] }, t(a.login)), " · ", t("auth"), " ", el("b", { class: kinds[a.auth] }, t(a.auth))),
    el("div", { class: "row" },
      button(t("sendCode"), async () => login(path, await post(path + "/sms-code"), show, go)),
      button(t("face"), async () => face(path, await post(path + "/auth-qr"), show, go)),
      button(t("refresh"), async () => { await get(path); go(); })),
    work);
}

function login(path, sent, show, go) {
  const code = el("input", { name: "code", inputmode: "numeric", autocomplete: "one-time-code", placeholder: t("smsCode"), "aria-label": t("smsCode"), required: true });
  const form = el("form", { class: "row", onsubmit: async (e) => {
    e.preventDefault();
    await post(path + "/login", { code: code.value.trim() });
    go();
  } }, el("span", {}, `${t("codeSent")} ${sent.phone}`), code, el("button", { class: "main" }, t("doLogin")));
  show(form);
  code.focus();
}

// face shows the code and asks every two seconds what became of it, for as
// long as it is on the page and good.
async function face(path, auth, show, go) {
  const state = el("b", {}, t("waitingScan"));
  const image = el("img", { class: "code", src: auth.png, alt: t("face") });
  show(image, el("div", {}, el("p", {}, t("faceHow")), state));
  const names = { waiting: "waitingScan", scanned: "scanned", passed: "passed", failed: "failed", expired: "expired" };
  while (image.isConnected) {
    await new Promise((next) => setTimeout(next, 2000));
    if (!image.isConnected) return;
    const { status } = await get(`${path}/auth-qr/${encodeURIComponent(auth.auth_id)}`);
    state.textContent = t(names[status] ?? "unknown");
    if (status === "passed") return go();
    if (status === "failed" || status === "expired") return;
  }
}
