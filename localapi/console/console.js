// The console: a page for the shop's staff and for technicians.
import { Failure, follow, forget, signIn, signOut, signedIn } from "./api.js";
import { button, el } from "./dom.js";
import { accounts } from "./accounts.js";
import { day } from "./day.js";
import { log } from "./log.js";
import { overview } from "./overview.js";
import { sales } from "./sales.js";
import { lang, switchLanguage, t } from "./texts.js";

const pages = { overview, sales, accounts, day, log };
const app = document.getElementById("app");

let here = ["overview"];
let turn = 0; // the newest page wins over those that were asked for before
let following = null;

// go shows a page; without a name it shows the present one again.
async function go(...to) {
  if (to.length > 0) here = to;
  const [name, ...what] = here;
  const mine = ++turn;
  const main = document.querySelector("main") ?? frame();
  for (const tab of document.querySelectorAll("nav button")) tab.toggleAttribute("aria-current", tab.dataset.page === name);
  try {
    const shown = await pages[name](go, ...what);
    if (mine === turn) main.replaceChildren(...shown.flat().filter(Boolean));
  } catch (failure) {
    complain(failure);
  }
}

// complain says what went wrong, in the service's own words.
function complain(failure) {
  if (failure instanceof Failure && failure.status === 401) return leave();
  const text = failure instanceof Failure ? failure.message : t("gone");
  const main = document.querySelector("main");
  main?.querySelector(".problem")?.remove();
  main?.prepend(el("p", { class: "note bad problem", role: "alert" }, text));
}

window.addEventListener("unhandledrejection", (e) => { e.preventDefault(); complain(e.reason); });

function frame() {
  const main = el("main");
  const tabs = el("nav", {}, Object.keys(pages).map((name) => button(t(name), () => go(name, ...(name === "sales" ? ["", ""] : [])), { "data-page": name })));
  const broken = el("span", { class: "bad small", id: "broken", hidden: true, role: "status" }, t("gone"));
  app.replaceChildren(el("header", {}, el("h1", {}, t("title")), tabs, el("span", { class: "space" }), broken,
    button(t("language"), () => { switchLanguage(); start(); }, { class: "link" }),
    button(t("signOut"), async () => { try { await signOut(); } finally { leave(); } }, { class: "link" })), main);
  return main;
}

function door(problem) {
  document.documentElement.lang = lang();
  app.replaceChildren(el("form", { class: "card signin", onsubmit: async (e) => {
    e.preventDefault();
    try {
      await signIn({ token: e.target.elements.token.value.trim() });
      start();
    } catch (failure) {
      door(failure instanceof Failure ? failure.message : t("gone"));
    }
  } }, el("h1", {}, t("title")), el("p", { class: "soft" }, t("signInHow")),
    problem && el("p", { class: "bad", role: "alert" }, problem),
    el("input", { name: "token", type: "password", placeholder: t("token"), "aria-label": t("token"), autocomplete: "off", required: true }),
    el("div", { class: "row" }, el("button", { class: "main" }, t("signIn")), el("span", { class: "space" }),
      button(t("language"), () => { switchLanguage(); door(); }, { class: "link" }))));
}

function leave() {
  following?.abort();
  forget();
  door();
}

// watch keeps the page as things are. What a person is doing on a page is left
// alone: pages with something to fill in are shown again only when asked.
function watch() {
  following?.abort();
  following = new AbortController();
  const { signal } = following;
  let due = 0;
  const reading = () => here[0] === "overview" || here[0] === "sales" && here[1];
  const show = (away) => { const note = document.getElementById("broken"); if (note) note.hidden = !away; };
  follow(signal, (event) => {
    if (event.type === "signed.out") return leave();
    if (reading() && !due) due = setTimeout(() => { due = 0; if (!signal.aborted && reading()) go(); }, 500);
  }, () => show(true), () => { show(false); if (here[0] === "overview") go(); });
}

function start() {
  document.documentElement.lang = lang();
  document.title = t("title");
  app.replaceChildren();
  watch();
  go();
}

// What signs in stands in the fragment, which no server sees: the one-time code
// of `agent console`, or a token. It is taken out of the address at once.
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
if (given.has("code")) signIn({ code: given.get("code") }).then(start, () => door(t("codeSpent")));
else if (given.has("token")) signIn({ token: given.get("token") }).then(start, (failure) => door(failure.message));
else if (signedIn()) start();
else door();
