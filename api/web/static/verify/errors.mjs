// How a check ends badly: examined and false, or not examined. The two are never the same. What is shown
// of a value is printable, cut, and holds no private key: testamur/errors.py and private_keys.py.
import { isFloat } from "./floats.mjs";

export class Refuted extends Error {}

export class Unavailable extends Error {}

// A rule of form that is broken; `rule` is its name, and `line` counts from 1 in a
// submission, as in Python's `Refusal`.
export class Refusal extends Refuted {
  constructor(rule, detail, value, line) {
    const where = line === undefined ? "" : `line ${line}: `;
    const found = value === undefined || value === null ? "" : ` (found ${shown(value)})`;
    const told = printable(detail, 600);
    super(`${where}${rule}: ${told}${found}`);
    Object.assign(this, { rule, detail: told });
  }
}

const MOST = 120;
const SEARCHED = 4096;
const KEY = "z(?:3u2|42t|3vL)";
const PRIVATE_KEYS = new RegExp(
  [
    `${KEY}[1-9A-HJ-NP-Za-km-z]{6,}`,
    `${KEY}(?:[ \\t]+[1-9A-HJ-NP-Za-km-z]{4}){2}.*`,
    "PRIVATE\\+KEY\\+\\S*",
    "PRIVATE KEY.*",
    "(?:MC4CAQAwBQYDK2VwBCIEI|MIGHAgEAMBMGByqGSM49)\\S*",
    '\\\\?"(?:d|k)\\\\?"\\s*:\\s*\\\\?"[A-Za-z0-9_=-]{6,}',
  ].join("|"),
  "gs",
);
// Letters and marks to a program, and nothing at all on a screen.
const BLANK = /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;
const UNSHOWN = /(?! )[\p{C}\p{Z}]/u;

// A text in at most `most` characters, all of which show.
export const printable = (text, most) => {
  const start = text.length > SEARCHED ? [...text.slice(0, 2 * SEARCHED)].slice(0, SEARCHED).join("") : text;
  const kept = [...start.replace(PRIVATE_KEYS, "(a private key, not shown)")].slice(0, most + 1);
  const seen = kept.map((char) => (UNSHOWN.test(char) || BLANK.test(char) ? escaped(char) : char));
  const letters = [...seen.join("")];
  return letters.length <= most ? letters.join("") : `${letters.slice(0, most - 1).join("")}…`;
};

// A text as it is, anything else as the JSON that it was read from.
export const shown = (value) => printable(typeof value === "string" ? value : written(value), MOST);

// What is to be shown of the value at `name`, a member or an index: a number as it was written.
export const asWritten = (holder, name) => {
  const value = holder[name];
  return typeof value === "number" ? spelled(value, isFloat(holder, name)) : value;
};

const SHORT = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const escaped = (char) => {
  const hex = char.codePointAt(0).toString(16);
  if (char in SHORT) return SHORT[char];
  if (hex.length <= 2) return `\\x${hex.padStart(2, "0")}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
};

// JSON with a space after commas and colons, in which a number that was written as 3.0 stays one.
const written = (value, holder, name) => {
  if (value === null) return holder === undefined ? "None" : "null";
  if (Array.isArray(value)) return `[${value.map((each, at) => written(each, value, at)).join(", ")}]`;
  if (typeof value === "object") {
    const members = Object.keys(value).map((each) => `${JSON.stringify(each)}: ${written(value[each], value, each)}`);
    return `{${members.join(", ")}}`;
  }
  if (typeof value === "number") return spelled(value, isFloat(holder, name));
  return JSON.stringify(value) ?? "nothing";
};

// A number as Python prints it: a float keeps its point, and has an exponent from 1e16 and below 1e-4.
export const spelled = (number, isWritten) => {
  if (Number.isInteger(number) && !isWritten) return String(number);
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    return number.toExponential().replace(/e([-+])([0-9])$/, "e$10$2");
  }
  const text = Object.is(number, -0) ? "-0" : String(number);
  return text.includes(".") ? text : `${text}.0`;
};
