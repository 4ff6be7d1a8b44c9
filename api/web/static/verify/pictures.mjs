// A holder file in a picture: a badge baked into a PNG or an SVG (Open Badges 3.0 section 5.3).
// testamur/badges/baked.py. The credential stands where every reader of Open Badges looks for it, and what
// else the holder file says beside it.
import { bytesOf } from "./encodings.mjs";
import { Refusal } from "./errors.mjs";
import { isObject } from "./nodes.mjs";
import { MAX_DEPTH, MAX_DOCUMENT, MAX_VALUES, parseStrict } from "./strict_json.mjs";
import { SPACE, stripped } from "./texts.mjs";

const ANEW = "get the picture anew, or the holder file itself";
const MAX = 2 * MAX_DOCUMENT + 16 * MAX_VALUES;
const MAX_BESIDE = 1_024;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const [CREDENTIAL, HOLDER] = ["openbadgecredential", "testamur-holder"];

const refusal = (detail) => new Refusal("baked-badge", `${detail}; ${ANEW}`);

// The holder file, as a document, that a picture holds, or null if there is none in it. Throws `Refusal`. What
// the document says is for its reader to judge.
export const unbaked = (data) => {
  const found = PNG.every((byte, at) => data[at] === byte) ? inPng(data) : inSvg(textOf(data));
  if (!found.has(HOLDER)) return null;
  if (!found.has(CREDENTIAL)) throw refusal("the badge is gone from this picture");
  const beside = parseStrict(found.get(HOLDER), { maxBytes: MAX_BESIDE });
  if (!isObject(beside) || "credential" in beside) throw refusal("the picture does not say which credential it holds");
  beside.credential = parseStrict(found.get(CREDENTIAL), { maxBytes: MAX, maxDepth: MAX_DEPTH + 2 });
  return beside;
};

// --- PNG (W3C, third edition, sections 5.3 and 11.3.3.4) ---

const inPng = (data) => {
  const found = new Map();
  // A picture without one may be damaged elsewhere, which is no business of ours.
  if (!new TextDecoder("latin1").decode(data).includes(`${HOLDER}\0`)) return found;
  for (const { kind, content } of chunks(data)) {
    const keyword = kind === "iTXt" ? keywordOf(content) : "";
    if (![CREDENTIAL, HOLDER].includes(keyword)) continue;
    if (found.has(keyword)) throw refusal("there are two badges in this picture");
    if (content[keyword.length + 1] !== 0) throw refusal("the badge in this picture is compressed");
    // Language tag and translated keyword, each ended by NUL, mean nothing to Open Badges.
    let start = keyword.length + 3;
    for (let ended = 0; ended < 2; ended += 1) {
      const at = content.indexOf(0, start);
      if (at < 0) break;
      start = at + 1;
    }
    found.set(keyword, content.subarray(start));
  }
  return found;
};

const keywordOf = (content) => {
  const end = content.indexOf(0);
  return String.fromCharCode(...content.subarray(0, Math.min(end < 0 ? content.length : end, 80)));
};

// Each chunk to the last, IEND; what follows that is no picture.
function* chunks(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let [at, kind] = [PNG.length, ""];
  while (kind !== "IEND") {
    const size = at + 8 <= data.length ? view.getUint32(at) : Infinity;
    const end = at + 8 + size;
    if (end + 4 > data.length || view.getUint32(end) !== crc32(data.subarray(at + 4, end))) {
      throw refusal("this PNG picture is damaged or cut off");
    }
    kind = String.fromCharCode(...data.subarray(at + 4, at + 8));
    yield { kind, content: data.subarray(at + 8, end) };
    at = end + 4;
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const crc32 = (data) => {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
};

// --- SVG ---

const ELEMENTS = [[CREDENTIAL, "openbadges:credential"], [HOLDER, "testamur:holder"]];
const CDATA = new RegExp(`^[${SPACE}]*<!\\[CDATA\\[([^]*)\\]\\]>[${SPACE}]*$`);

const inSvg = (text) => {
  const found = new Map();
  if (!text.includes("<testamur:holder")) return found;
  for (const [keyword, element] of ELEMENTS) {
    const content = contentOf(text, element);
    if (content === null) continue;
    const [, quoted] = CDATA.exec(content) ?? [];
    if (quoted === undefined && content.includes("&")) throw refusal("a program has written this badge anew");
    found.set(keyword, bytesOf(stripped(quoted ?? content)));
  }
  return found;
};

// What stands in the one element of this name, or null if there is none.
const contentOf = (text, element) => {
  const at = text.indexOf(`<${element}`);
  if (at < 0) return null;
  // Counted first: to look for the end of each of a million openings would take hours.
  if (text.includes(`<${element}`, at + 1)) throw refusal("there are two badges in this picture");
  const [, content] = new RegExp(`^<${element}(?:[${SPACE}][^>]*)?>([^]*?)</${element}[${SPACE}]*>`).exec(text.slice(at)) ?? [];
  return content ?? null;
};

const textOf = (data) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new Refusal("baked-badge", "an SVG picture is text in UTF-8, and this is not");
  }
};
