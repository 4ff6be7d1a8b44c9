// A link that carries a holder file in its fragment, which browsers send to nobody: the form of
// testamur/badges/holder_link.py and docs/formats.md.
import { jcs } from "../verify/canonical_json.mjs";
import { base64, bytesOf, fromBase64url, joined } from "../verify/encodings.mjs";
import { Refusal } from "../verify/errors.mjs";

export const MAX_FRAGMENT = 65_536; // characters
const MAX_INFLATED = 1 << 20; // bytes
// Bytes of a link that a QR code shows.
export const MAX_IN_QR = 2_300;
const VERSION = "1.";

const refuse = (why) => {
  throw new Refusal("holder-link", why);
};

// Whether a text is such a link, as far as one sees.
export const isHolderLink = (text) => /^\s*\S*#1\.\S*\s*$/.test(text);

// The bytes of the holder file that a link, or its fragment with the #, carries. Throws `Refusal`
// (rule `holder-link`), which shows no part of the link: it is personal data.
export const fromLink = async (link) => {
  const fragment = link.trim().split("#").slice(1).join("#");
  if (fragment.length > MAX_FRAGMENT) refuse(`a link carries at most ${MAX_FRAGMENT} characters after #; use the holder file itself`);
  if (!fragment.startsWith(VERSION)) refuse(`what follows # must begin with ${VERSION}; copy the whole link anew`);
  return inflated(decoded(fragment.slice(VERSION.length)));
};

// What follows the # in the link to a holder file, given as the object in it.
export const toFragment = async (document) => {
  const stream = new Blob([bytesOf(jcs(document))]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const packed = await taken(stream, MAX_INFLATED);
  const fragment = VERSION + base64(packed).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  if (fragment.length > MAX_FRAGMENT) refuse("this credential is too long for a link; hand over the file itself");
  return fragment;
};

const decoded = (text) => {
  try {
    return fromBase64url(text);
  } catch {
    return refuse("what follows # is not base64url; copy the whole link anew");
  }
};

const inflated = async (packed) => {
  try {
    return await taken(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")), MAX_INFLATED);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return refuse("what follows # is damaged or cut off; copy the whole link anew, or use the holder file itself");
  }
};

const taken = async (stream, atMost) => {
  const [pieces, reader] = [[], stream.getReader()];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return joined(...pieces);
    size += value.length;
    if (size > atMost) {
      await reader.cancel();
      refuse(`a link carries a holder file of at most ${MAX_INFLATED} bytes`);
    }
    pieces.push(value);
  }
};
