// A holder file in a picture, as testamur/badges/baked.py puts it there: the credential where every reader of Open
// Badges looks for it, and what else the file says beside it.
import { jcs } from "../verify/canonical_json.mjs";
import { bytesOf, joined } from "../verify/encodings.mjs";

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const MARKUP = { "&": "\\u0026", "<": "\\u003c", ">": "\\u003e" };

// `document` is the object in a holder file; the picture has no badge in it yet.
export const intoPng = (picture, document) => {
  const { credential, ...beside } = document;
  const at = startOf(picture, "IDAT");
  const chunks = [textChunk("openbadgecredential", jcs(credential)), textChunk("testamur-holder", jcs(beside))];
  return joined(picture.subarray(0, at), ...chunks, picture.subarray(at));
};

export const intoSvg = (picture, document) => {
  const { credential, ...beside } = document;
  const opening = /<svg(?:\s(?:[^>"']|"[^"]*"|'[^']*')*)?>/.exec(picture);
  if (opening === null) throw new TypeError("a badge goes into an SVG picture");
  const at = opening.index + opening[0].length;
  return (
    picture.slice(0, at) +
    `<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">${asXml(jcs(credential))}</openbadges:credential>` +
    `<testamur:holder xmlns:testamur="urn:testamur:holder:1">${asXml(jcs(beside))}</testamur:holder>` +
    picture.slice(at)
  );
};

// In JSON these stand in texts alone, where they may be written so.
const asXml = (json) => json.replace(/[&<>]/g, (mark) => MARKUP[mark]);

// Where the first chunk of a type begins.
const startOf = (picture, type) => {
  if (!PNG.every((byte, at) => picture[at] === byte)) throw new TypeError("a badge goes into a PNG picture");
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  for (let at = PNG.length; at + 12 <= picture.length; at += 12 + view.getUint32(at)) {
    if (String.fromCharCode(...picture.subarray(at + 4, at + 8)) === type) return at;
  }
  throw new TypeError(`this PNG picture has no chunk ${type}`);
};

// Not compressed, which Open Badges forbids.
const textChunk = (keyword, text) => chunk("iTXt", joined(bytesOf(keyword), new Uint8Array(5), bytesOf(text)));

const chunk = (type, data) => {
  const named = joined(bytesOf(type), data);
  return joined(uint32(data.length), named, uint32(crc32(named)));
};

const uint32 = (number) => {
  const found = new Uint8Array(4);
  new DataView(found.buffer).setUint32(0, number);
  return found;
};

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let found = byte;
  for (let bit = 0; bit < 8; bit += 1) found = found & 1 ? (found >>> 1) ^ 0xedb88320 : found >>> 1;
  return found;
});

const crc32 = (bytes) => ~bytes.reduce((found, byte) => TABLE[(found ^ byte) & 255] ^ (found >>> 8), -1) >>> 0;
