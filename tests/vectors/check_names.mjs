// A second, independent implementation of what a name may hold, for formats/names.json:
//   node tests/vectors/check_names.mjs
import { readFileSync } from "node:fs";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const { unseen, marks, maxMarks, joiners, joined, did, names, refused } = read("formats/names.json");
const within = (ranges) => (code) => code !== undefined && ranges.some(([a, b]) => a <= code && code <= b);
const [isUnseen, isMark, isJoiner, isJoined] = [unseen, marks, joiners, joined].map(within);
const [isD, isI, isColon] = [did.d, did.i, did.colon].map(within);
const SPACE = 0x20;

// Whether d, i, d and a colon come first, each with its marks, and then something but a space.
const beginsDid = (codes) => {
  let at = 0;
  for (const isNext of [isD, isI, isD, isColon]) {
    while (at > 0 && isMark(codes[at])) at += 1;
    if (!isNext(codes[at])) return false;
    at += 1;
  }
  return codes[at] !== undefined && codes[at] !== SPACE;
};

// Letter by letter, where the product has one pattern.
const isName = (text) => {
  const codes = [...text].map((char) => char.codePointAt(0));
  if (codes.length < 1 || codes.length > 200 || codes.some(isUnseen)) return false;
  if (codes[0] === SPACE || codes.at(-1) === SPACE) return false;
  let pile = 0;
  for (const [at, code] of codes.entries()) {
    const before = codes[at - 1];
    if (code === SPACE && before === SPACE) return false;
    if (isJoiner(code) && !(isJoined(before) && isJoined(codes[at + 1]))) return false;
    pile = isMark(code) ? pile + 1 : 0;
    if (pile > maxMarks || (pile === 1 && (before === undefined || before === SPACE))) return false;
  }
  return !codes.some((_, at) => beginsDid(codes.slice(at)));
};

const wrong = [...names.filter((text) => !isName(text)), ...refused.filter(({ text }) => isName(text)).map(({ desc }) => desc)];
wrong.forEach((what) => console.error(`wrong: ${what}`));
console.log(`${names.length} names, ${refused.length} refused`);
process.exit(wrong.length === 0 && names.length > 5 && refused.length > 20 ? 0 : 1);
