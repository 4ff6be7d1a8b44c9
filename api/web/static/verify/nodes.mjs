// Places in a JSON-LD document, read as text, number, date or URI, or refused by path and value:
// testamur/badges/nodes.py. One object may stand for an array of one.
import { decimal } from "./decimals.mjs";
import { Refusal, spelled } from "./errors.mjs";
import { isFloat } from "./floats.mjs";
import { isWithinCalendar, momentOf } from "./moments.mjs";
import { stripped } from "./texts.mjs";

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>"{}|\\^`]+$/;
const NUMBER = /^-?[0-9]{1,12}(\.[0-9]{1,9})?$/;
const MAX_WORDINGS = 50;

export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isText = (value) => typeof value === "string" && stripped(value) !== "";

export class Node {
  constructor(value, above = null, name = null) {
    Object.assign(this, { value, above, name });
  }

  // The JSON path that leads here.
  get path() {
    if (this.above === null) return "$";
    return `${this.above.path}${typeof this.name === "number" ? `[${this.name}]` : `.${this.name}`}`;
  }

  refuse(detail, rule = "ob-member") {
    throw new Refusal(rule, `${this.path} ${detail}`, this.spelling() ?? this.value);
  }

  // The member of this name, or null if there is none: JSON-LD takes null for absence (1.1 section 4.1).
  get(name) {
    if (!isObject(this.value)) this.refuse("must be an object");
    const value = Object.hasOwn(this.value, name) ? this.value[name] : null;
    return value === null ? null : new Node(value, this, name);
  }

  need(name) {
    const found = this.get(name);
    if (found === null) throw new Refusal("ob-member", `${this.path}.${name} is missing`);
    return found;
  }

  // The items of an array, or the one value that stands for it.
  many() {
    return Array.isArray(this.value) ? this.value.map((item, at) => new Node(item, this, at)) : [this];
  }

  // Those of `many` that are objects.
  objects() {
    return this.many().filter(({ value }) => isObject(value));
  }

  one() {
    const items = this.many();
    if (items.length !== 1) this.refuse(`must be one, found ${items.length}: one credential is one award`);
    return items[0];
  }

  // A text with its language in small letters, or null: {text, language}.
  wording() {
    let [text, language] = [this.value, null];
    if (isObject(this.value) && Object.hasOwn(this.value, "@value")) {
      if (!Object.keys(this.value).every((name) => ["@value", "@language", "@direction"].includes(name))) {
        this.refuse("must hold @value, @language and @direction alone");
      }
      [text, language] = [this.value["@value"], this.value["@language"] ?? null];
    }
    if (!isText(text)) this.refuse('must be text that is not empty, or {"@value": text, "@language": tag}');
    if (language !== null && typeof language !== "string") this.refuse("must name its @language in text");
    return { text, language: language === null ? null : language.toLowerCase() };
  }

  // Each text here, once: one, or an array of them, in one or several languages.
  wordings() {
    const items = this.many();
    if (items.length < 1 || items.length > MAX_WORDINGS) {
      this.refuse(`must be 1 to ${MAX_WORDINGS} texts, found ${items.length}`);
    }
    const found = items.map((item) => item.wording());
    const isSame = (one, other) => one.text === other.text && one.language === other.language;
    return found.filter((each, at) => found.findIndex((other) => isSame(each, other)) === at);
  }

  // The one text here, whatever its language.
  text() {
    return (Array.isArray(this.value) ? this.one() : this).wording().text;
  }

  texts() {
    return this.many().map((item) => item.text());
  }

  // A number as the text that it is written in, or undefined for what is none.
  spelling() {
    if (typeof this.value !== "number") return undefined;
    return spelled(this.value, this.above !== null && isFloat(this.above.value, this.name));
  }

  // A text, or a number as the text that it is written in.
  label() {
    const plain = this.spelling();
    return plain !== undefined && NUMBER.test(plain) ? plain : this.text();
  }

  uri() {
    if (!URI.test(this.plain())) this.refuse("must be a URI");
    return this.value;
  }

  // A number of JSON, or the same as text, which some issuers write: `decimals.mjs`.
  number() {
    const text = typeof this.value === "string" ? this.value : this.spelling();
    if (text === undefined || !NUMBER.test(text)) this.refuse("must be a number");
    return decimal(text);
  }

  // A moment in the zone that it is written in.
  dateTime() {
    const found = momentOf(this.plain());
    if (found === null || !isWithinCalendar(found)) {
      this.refuse("must be a date and time with a zone: 2026-11-21T00:00:00Z", "ob-date");
    }
    return found;
  }

  plain() {
    if (!isText(this.value)) this.refuse("must be text that is not empty");
    return this.value;
  }
}
