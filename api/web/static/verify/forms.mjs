// Forms that JSON values must have: each takes a value and where it stands, and throws `Refusal`.
// Closed and bounded, as the types of testamur/catalogue/members.py are.
import { bytesOf, fromBase64 } from "./encodings.mjs";
import { jcs } from "./canonical_json.mjs";
import { Refusal } from "./errors.mjs";

export const misfit = (what, at, value) => {
  throw new Refusal("event-schema", `expected ${what} at ${at}`, value);
};

const isText = (value) => typeof value === "string";

export const text = (pattern, most = 0xffff) => (value, at) => {
  // Python counts code points, not UTF-16 units.
  const fits = isText(value) && pattern.test(value) && (value.length <= most || [...value].length <= most);
  if (!fits) misfit("a text of another form", at, value);
};

export const word = (...words) => (value, at) => words.includes(value) || misfit(words.join(", "), at, value);

export const integer = (low, high) => (value, at) =>
  (Number.isInteger(value) && value >= low && value <= high) || misfit(`a number from ${low} to ${high}`, at, value);

export const bytes = (size) => (value, at) => {
  if (!isText(value) || fromBase64(value).length !== size) misfit(`base64 of ${size} bytes`, at, value);
};

export const day = (value, at) => {
  const isDay = isText(value) && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) && value >= "0001";
  const moment = isDay ? new Date(`${value}T00:00:00Z`) : new Date(NaN);
  if (Number.isNaN(moment.getTime()) || moment.toISOString().slice(0, 10) !== value) misfit("a day", at, value);
};

// A list in which the order means something.
export const list = (form, least, most) => (value, at) => {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    misfit(`a list of ${least} to ${most}`, at, value);
  }
  value.forEach((each, place) => form(each, `${at}[${place}]`));
};

const isBelow = (one, other) => {
  const at = one.findIndex((byte, place) => byte !== other[place]);
  return at < 0 ? one.length < other.length : other[at] !== undefined && one[at] < other[at];
};

// A list that is a set: sorted by the bytes of its members' canonical JSON, and nothing twice.
export const set = (form, most, least = 1) => (value, at) => {
  list(form, least, most)(value, at);
  const written = value.map((each) => bytesOf(jcs(each)));
  written.slice(1).forEach((each, place) => {
    if (!isBelow(written[place], each)) throw new Refusal("set-order", `${at} is a set: sorted, and nothing twice`);
  });
};

// An object with these members; the optional ones may be left out, and are never null.
export const part = (members, optional = {}, also = () => {}) => (value, at) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) misfit("an object", at, value);
  for (const name of Object.keys(value)) {
    const form = Object.hasOwn(members, name) ? members[name] : Object.hasOwn(optional, name) && optional[name];
    if (!form) throw new Refusal("event-schema", `${at} has no member of this name`, name);
    form(value[name], `${at}.${name}`);
  }
  for (const name of Object.keys(members)) {
    if (!(name in value)) throw new Refusal("event-schema", `${at} lacks the member`, name);
  }
  also(value, at);
};
