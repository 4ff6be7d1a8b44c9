// The link that carries a holder file in its fragment, which browsers send to nobody: the form of
// testamur/badges/holder_link.py. `readLink` of ../verify reads it.
import { jcs } from "../verify/canonical_json.mjs";
import { base64, bytesOf } from "../verify/encodings.mjs";
import { Refusal } from "../verify/errors.mjs";

const MAX_FRAGMENT = 65_536; // characters
const MAX_INFLATED = 1 << 20; // bytes
// Bytes of a link that a QR code shows.
export const MAX_IN_QR = 2_300;
const VERSION = "1.";

// Whether a text is such a link, as far as one sees.
export const isHolderLink = (text) => text.includes("#1.") && !/^[{<]|\s/.test(text.trim());

// What follows the # in the link to a holder file, given as the object in it. Throws `Refusal` (rule `holder-link`) for
// one that no link has room for.
export const toFragment = async (document) => {
  const data = bytesOf(jcs(document));
  const packed = await new Response(new Blob([data]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer();
  const fragment = VERSION + base64(new Uint8Array(packed)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  if (data.length > MAX_INFLATED || fragment.length > MAX_FRAGMENT) {
    throw new Refusal("holder-link", "this credential is too long for a link; hand over the holder file itself");
  }
  return fragment;
};
