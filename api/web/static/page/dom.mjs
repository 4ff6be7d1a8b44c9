// Elements, made one by one: the policy of a page lets no script make HTML of text.

// An element: `attributes` whose value is null, undefined or false are left out, functions are listeners by the
// name of their event, and `children` are nodes and texts, or lists of them; null and false are left out.
export const el = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

const SVG = "http://www.w3.org/2000/svg";
export const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);

const filled = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// A text by others: it may run from the right, and does not turn what stands beside it.
export const own = (text) => el("bdi", {}, text);

// A sentence of the verifier, which is the same in every language of the page: English.
export const english = (text) => el("span", { lang: "en" }, text);

export const code = (text) => el("code", {}, text);

// A list of facts: rows are [term, ...descriptions], and one that is null or has no description is left out.
export const facts = (rows) =>
  el("dl", { class: "facts" }, rows.filter((row) => row?.slice(1).flat(Infinity).some((part) => part)).map(([term, ...told]) => [el("dt", {}, term), el("dd", {}, ...told)]));

// A link that saves bytes or text as a file, which the browser makes itself.
export const download = (words, name, content, type) => {
  const link = el("a", { class: "button", download: name, href: "#" }, words);
  link.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([content()], { type }));
    link.href = address;
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  });
  return link;
};
