// Elements without markup in strings: what comes from a sale is text, never HTML.
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false && child !== ""));
  return node;
}

export const card = (...children) => el("section", { class: "card" }, ...children);

export const button = (text, press, attributes = {}) => el("button", { type: "button", onclick: press, ...attributes }, text);

// table has heads of [text, class] and rows of cells.
export function table(heads, rows) {
  return el("div", { class: "wide" }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map(([text, kind]) => el("th", { class: kind }, text)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, i) => el("td", { class: heads[i][1] }, cell)))))));
}

// picture shows an image that needs the token to be fetched.
export async function picture(bytes, attributes) {
  const url = URL.createObjectURL(await bytes);
  return el("img", { src: url, onload: () => URL.revokeObjectURL(url), ...attributes });
}
