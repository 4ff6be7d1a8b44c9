// What a file is that somebody gave in place of a credential, as far as its form tells:
// testamur/badges/other_files.py. The answer is in words, so that an error can say what to do.
import { many, versionOf } from "./blockcerts.mjs";
import { isObject } from "./nodes.mjs";

const JWT = /^[ \t-\r]*eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*|~)/;
const MARKUP = /^[ \t-\r]*<(!DOCTYPE|!--|\?xml|[a-z]+(:[a-z]+)?[ \t-\r/>])/i;
const SVG = /<svg[ \t-\r>/]/;
const PICTURES = [
  [/^\x89PNG\r\n\x1a\n/, "a PNG picture"],
  [/^\xff\xd8\xff/, "a JPEG picture"],
  [/^GIF8/, "a GIF picture"],
  [/^RIFF[^]{4}WEBP/, "a WebP picture"],
];
const OTHERS = [
  ["%PDF-", "a PDF document"],
  ["PK\x03\x04", "a ZIP archive or an office document"],
  ["\x1f\x8b", "a gzip archive"],
];
// The keywords of Open Badges 3.0 section 5.3 and of 2.0.
const BAKED_PNG = ["openbadgecredential\x00", "openbadges\x00"];
const BAKED_SVG = ["<openbadges:credential", "<openbadges:assertion"];
const FORMATS = {
  "testamur/evidence/1": "evidence, which goes beside a credential",
  "testamur/receipt/1": "a receipt of the register",
  "testamur/report/1": "the report of a verification",
};

// What a file is that is no JSON: {rule, what}, or null if it may be, or nobody knows.
export const recognised = (data) => {
  const text = asLatin(data, /^[ \t-\r]*[[{"]/.test(asLatin(data.subarray(0, 64), false)));
  if (JWT.test(text)) return { rule: "vc-jwt", what: "a credential in JWT form (VC-JWT, SD-JWT)" };
  if (MARKUP.test(text)) return markup(text);
  const [, picture] = PICTURES.find(([start]) => start.test(text)) ?? [];
  if (picture !== undefined) return pictureOf(picture, BAKED_PNG.some((keyword) => text.includes(keyword)));
  const [, other] = OTHERS.find(([start]) => text.startsWith(start)) ?? [];
  return other === undefined ? null : { rule: "other-file", what: other };
};

// A character for each byte; of what begins as JSON only the beginning is looked at.
const asLatin = (data, isJson) => {
  const bytes = isJson ? data.subarray(0, 64) : data;
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 8192) pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return pieces.join("");
};

const markup = (text) => {
  if (SVG.test(text)) return pictureOf("an SVG picture", BAKED_SVG.some((element) => text.includes(element)));
  return { rule: "other-file", what: "a web page or another XML document" };
};

const pictureOf = (what, isBaked) =>
  isBaked
    ? { rule: "baked-badge", what: `${what} with a badge in it` }
    : { rule: "picture", what: `${what}, in which there is no badge` };

// What a JSON document is that is no credential, with its `format` if it is of ours; null if it may be one.
export const recognisedJson = (document) => {
  if (Array.isArray(document)) return { rule: "not-an-object", what: `an array of ${document.length}` };
  if (!isObject(document)) return null;
  const named = many("type" in document ? document.type : document["@type"]);
  if (named.includes("VerifiablePresentation") || "verifiableCredential" in document) {
    return { rule: "presentation", what: "a presentation" };
  }
  if (named.includes("EnvelopedVerifiableCredential")) {
    return { rule: "vc-jwt", what: "an envelope around a credential in JWT form" };
  }
  if (named.includes("Assertion") && versionOf(document) === null) {
    return { rule: "open-badge-2", what: "an Open Badge of version 2 or older" };
  }
  const { format } = document;
  const isKnown = typeof format === "string" && Object.hasOwn(FORMATS, format);
  return isKnown ? { rule: "other-file", what: FORMATS[format], format } : null;
};
