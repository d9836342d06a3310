// The last lines of the service's log, newest first.
import { get } from "./api.js";
import { button, card, el } from "./dom.js";
import { stamp, t } from "./texts.js";

const kinds = { ERROR: "bad", WARN: "warn" };

export async function log(go) {
  const { lines } = await get("/v1/logs?lines=200");
  return [card(el("div", { class: "row" }, el("h2", {}, t("lastLines")), el("span", { class: "space" }), button(t("refresh"), () => go("log"))),
    el("div", { class: "log" }, lines.reverse().map(({ time, level, msg, ...rest }) =>
      el("div", {}, el("span", { class: "soft" }, stamp(time)), " ", el("span", { class: kinds[level] ?? "" }, `${level} ${msg}`), " ",
        el("span", { class: "soft" }, Object.entries(rest).map(([key, value]) => `${key}=${value !== null && typeof value === "object" ? JSON.stringify(value) : value}`).join(" "))))))];
}
