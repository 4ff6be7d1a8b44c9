// Texts compared as Python compares them: its white space, its case folding and its title case, which
// ECMAScript has in other forms.

// Within a character class.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ONE = new RegExp(`[${SPACE}]`);
const BETWEEN = new RegExp(`[${SPACE}]+`);

// By character: a pattern that ends in $ would go over each run of spaces as often as the run is long.
export const stripped = (text) => {
  let [start, end] = [0, text.length];
  while (start < end && ONE.test(text[start])) start += 1;
  while (end > start && ONE.test(text[end - 1])) end -= 1;
  return text.slice(start, end);
};

export const wordsOf = (text) => {
  const bare = stripped(text);
  return bare === "" ? [] : bare.split(BETWEEN);
};

// How many code points, as Python counts.
export const sizeOf = (text) => {
  let size = text.length;
  for (const pair of text.match(/[\ud800-\udbff][\udc00-\udfff]/g) ?? []) size -= pair.length - 1;
  return size;
};

// The first `most` code points.
export const cut = (text, most) => (text.length <= most ? text : [...text.slice(0, 2 * most)].slice(0, most).join(""));

// Full case folding (Unicode, CaseFolding.txt): what differs from small letters of capitals.
const CHEROKEE = /[\u13a0-\u13fd\uab70-\uabbf]/;
const foldedChar = (char) => {
  if (char === "\u0131") return char;
  if (char === "\u1e9e") return "ss";
  if (CHEROKEE.test(char)) return char.toUpperCase();
  return [...char.toUpperCase()].map((each) => each.toLowerCase()).join("");
};
const isAscii = (text) => /^[\x00-\x7f]*$/.test(text);
export const casefolded = (text) => (isAscii(text) ? text.toLowerCase() : [...text].map(foldedChar).join(""));

// Letters with a title case of their own, and those that have none.
const DIGRAPHS = { "\u01c4": "\u01c5", "\u01c7": "\u01c8", "\u01ca": "\u01cb", "\u01f1": "\u01f2" };
const GEORGIAN = /[\u10d0-\u10ff]/;
const titled = (char) => {
  if (GEORGIAN.test(char)) return char;
  const upper = char.toUpperCase();
  if (upper in DIGRAPHS) return DIGRAPHS[upper];
  if (char === "\u0149") return upper;
  const [first, ...rest] = upper;
  // The iota that stands beside a Greek capital stands beneath a small letter, and in title case.
  return [first, ...rest.map((each) => (each === "\u0399" ? "\u0345" : each.toLowerCase()))].join("").normalize("NFC");
};

// Each word with its first letter in title case, as Python's `str.title`.
export const inTitleCase = (text) => {
  let isInWord = false;
  const small = [...text.toLowerCase()];
  // Where small letters are more than their capitals, each is taken alone.
  const chars = [...text].map((char, at, all) => [char, all.length === small.length ? small[at] : char.toLowerCase()]);
  return chars
    .map(([char, lower]) => {
      const found = isInWord ? lower : titled(char);
      isInWord = /\p{Cased}/u.test(char);
      return found;
    })
    .join("");
};
