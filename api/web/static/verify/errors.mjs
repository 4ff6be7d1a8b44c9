// How a check ends badly: examined and false, or not examined. The two are never the same.

export class Refuted extends Error {}

export class Unavailable extends Error {}

// A rule of form that is broken; `rule` is its name, and `line` counts from 1 in a
// submission, as in Python's `Refusal`.
export class Refusal extends Refuted {
  constructor(rule, detail, value, line) {
    const where = line === undefined ? "" : `line ${line}: `;
    super(`${where}${rule}: ${printable(detail, 600)}${value === undefined ? "" : ` (found ${shown(value)})`}`);
    this.rule = rule;
  }
}

const MOST = 120;

export const printable = (text, most) => {
  const seen = [...text].map((char) => (/[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? escaped(char) : char));
  return seen.length <= most ? seen.join("") : `${seen.slice(0, most - 1).join("")}…`;
};

// Objects that were read have no prototype, hence no form as text of their own.
export const shown = (value) => printable(typeof value === "string" ? value : JSON.stringify(value) ?? "nothing", MOST);

const escaped = (char) => `\\u{${char.codePointAt(0).toString(16)}}`;
