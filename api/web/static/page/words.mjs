// The words that people read, in their language. English stands where it is used, as `_("…")`; the
// page brings the translations (api/web/languages.py), and what they lack stays English.
let table = {};
let spoken = "en";

// Speak a language from now on; `words` are its translations, by the English text.
export const speak = (language, words) => {
  table = words;
  spoken = language;
};

// A text in the language that is spoken, with `values` in the place of {name}.
export const _ = (text, values = {}) =>
  (table[text] ?? text).replaceAll(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));

// The pieces of such a text, for `append`: the values are nodes, and the rest is text.
export const pieces = (text, nodes) => text.split(/\{(\w+)\}/).map((piece, at) => (at % 2 ? nodes[piece] ?? `{${piece}}` : piece));

// --- Numbers, days, times ---

// English days as the pages of the server write them: 29 November 2026.
const locale = () => (spoken === "en" ? "en-GB" : spoken);

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

export const hours = (value) => new Intl.NumberFormat(locale(), { style: "unit", unit: "hour", unitDisplay: "long" }).format(value);

// A day such as 2026-11-20, in words; what is none stays as it is.
export const day = (text) => dated(text, { dateStyle: "long", timeZone: "UTC" });

// A time in RFC 3339, to the minute, in UTC as the log has it.
export const moment = (text) => {
  const said = dated(text, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
  return said === text ? text : `${said} UTC`;
};

const dated = (text, form) => {
  const found = new Date(text);
  return Number.isNaN(found.getTime()) ? text : new Intl.DateTimeFormat(locale(), form).format(found);
};
