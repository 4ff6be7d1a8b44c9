// Strict reading of JSON that others wrote: I-JSON (RFC 7493), the texts that `parse_strict` in
// testamur/canonical.py takes and no others. `JSON.parse` keeps the last of two members silently.
import { Refusal } from "./errors.mjs";
import { note } from "./floats.mjs";

export const MAX_DOCUMENT = 4 * 1024 * 1024;
export const MAX_DEPTH = 64;
export const MAX_VALUES = 100_000;
const MAX_NUMBER = 1_100;
const MAX_INTEGER = BigInt(Number.MAX_SAFE_INTEGER);
// From here on ECMAScript prints an exponent, so the text no longer claims every digit.
const EXPONENT_FROM = 1e21;

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS = [["true", true], ["false", false], ["null", null]];

// The one JSON value that `data` (bytes) spells; objects have no prototype. Throws `Refusal`.
export const parseStrict = (data, { maxBytes = MAX_DOCUMENT, maxDepth = MAX_DEPTH, maxValues = MAX_VALUES } = {}) => {
  if (data.length > maxBytes) throw new Refusal("json-size", `a document is at most ${maxBytes} bytes`, `${data.length} bytes`);
  const reader = new Reader(utf8(data), maxDepth, maxValues);
  return reader.document();
};

const utf8 = (data) => {
  const start = data.subarray(0, 4);
  const wide = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  if (wide || start.includes(0)) throw new Refusal("json-encoding", "in UTF-16 or UTF-32; save it as UTF-8");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new Refusal("json-encoding", "not UTF-8; save it as UTF-8 without a byte order mark");
  }
  // RFC 8259 section 8.1: a reader that skips it hashes other bytes.
  if (text.startsWith("\ufeff")) throw new Refusal("json-encoding", "begins with a byte order mark; save it without");
  return text;
};

class Reader {
  constructor(text, maxDepth, maxValues) {
    Object.assign(this, { text, maxDepth, maxValues, at: 0, values: 0, isFloat: false });
  }

  document() {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail("more follows the document");
    return value;
  }

  // Of a number it is then known whether it was written as a whole one.
  value(depth) {
    this.isFloat = false;
    this.space();
    const char = this.text[this.at];
    if (char === '"') return this.string();
    if (char === "{" || char === "[") {
      if (depth === this.maxDepth) {
        throw new Refusal("json-depth", `nested deeper than ${this.maxDepth} objects and arrays`);
      }
      this.count();
      this.at += 1;
      const found = char === "{" ? this.object(depth) : this.array(depth);
      this.isFloat = false;
      return found;
    }
    for (const [word, value] of WORDS) if (this.took(word)) return value;
    return this.number();
  }

  object(depth) {
    const members = Object.create(null); // so that "__proto__" is a member like any other
    this.space();
    if (this.took("}")) return members;
    do {
      this.space();
      if (this.text[this.at] !== '"') this.fail("a key is a text");
      const key = this.string();
      if (key in members) throw new Refusal("json-duplicate-key", "an object has this key twice", key);
      this.space();
      if (!this.took(":")) this.fail("a colon follows a key");
      members[key] = this.value(depth + 1);
      if (this.isFloat) note(members, key);
      this.space();
    } while (this.comma());
    if (!this.took("}")) this.fail("an object ends in }");
    return members;
  }

  array(depth) {
    const items = [];
    this.space();
    if (this.took("]")) return items;
    do {
      items.push(this.value(depth + 1));
      if (this.isFloat) note(items, items.length - 1);
      this.space();
    } while (this.comma());
    if (!this.took("]")) this.fail("an array ends in ]");
    return items;
  }

  comma() {
    if (!this.took(",")) return false;
    this.count();
    return true;
  }

  string() {
    this.at += 1;
    const parts = [];
    for (;;) {
      parts.push(this.match(PLAIN)[0]);
      const char = this.text[this.at];
      this.at += 1;
      if (char === '"') break;
      if (char !== "\\") this.fail("a text ends in a quote, and holds no control character");
      parts.push(this.escape());
    }
    const text = parts.join("");
    if (/\p{Surrogate}/u.test(text)) throw new Refusal("json-surrogate", "half of a UTF-16 surrogate pair is no character");
    return text;
  }

  escape() {
    const char = this.text[this.at];
    this.at += 1;
    if (char !== "u") return ESCAPES[char] ?? this.fail("no such escape");
    const hex = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9A-Fa-f]{4}$/.test(hex)) this.fail("four hex digits follow \\u");
    this.at += 4;
    return String.fromCharCode(parseInt(hex, 16));
  }

  number() {
    const found = this.match(NUMBER);
    if (found === null) this.fail("not a value");
    const [text, fraction, exponent] = found;
    if (fraction === undefined && exponent === undefined) return integer(text);
    this.isFloat = true;
    return float(text);
  }

  space() {
    this.match(SPACE);
  }

  took(word) {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  count() {
    this.values += 1;
    if (this.values > this.maxValues) {
      throw new Refusal("json-values", `a document has at most ${this.maxValues} arrays, objects and commas between members`);
    }
  }

  fail(why) {
    throw new Refusal("json", `not JSON: ${why}, at character ${this.at}`);
  }
}

const integer = (text) => {
  const magnitude = BigInt(text.length > 17 ? 0 : text.replace("-", ""));
  if (text.length > 17 || magnitude > MAX_INTEGER) {
    throw new Refusal("json-number", "an integer beyond 2^53 loses digits in RFC 8785; write it as a string", text);
  }
  return text === "-0" ? 0 : Number(text);
};

const float = (text) => {
  if (text.length > MAX_NUMBER) throw new Refusal("json-number", `a number is at most ${MAX_NUMBER} characters long`, text);
  const number = Number(text);
  const size = Math.abs(number);
  if (size === Infinity) throw new Refusal("json-number", "larger than any IEEE 754 double", text);
  if (size > Number.MAX_SAFE_INTEGER && size < EXPONENT_FROM) {
    throw new Refusal("json-number", "beyond 2^53, and RFC 8785 would print it as an integer; write it as a string", text);
  }
  return number;
};
