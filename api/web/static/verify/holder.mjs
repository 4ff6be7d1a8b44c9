// The holder file: what a learner has, the credential with its id on the log and the blind that links the
// two, as a file, in a picture, or in a link. testamur/badges/commitment.py and holder_link.py.
import { versionOf } from "./blockcerts.mjs";
import { fromBase64, fromBase64url } from "./encodings.mjs";
import { Refusal, Refuted } from "./errors.mjs";
import { origin, uuid7 } from "./events.mjs";
import { bytes, part, word } from "./forms.mjs";
import { isObject } from "./nodes.mjs";
import { recognised, recognisedJson } from "./other_files.mjs";
import { unbaked } from "./pictures.mjs";
import { MAX_DEPTH, MAX_DOCUMENT, MAX_VALUES, parseStrict } from "./strict_json.mjs";

export const MAX_HOLDER_FILE = 2 * MAX_DOCUMENT + 16 * MAX_VALUES;
const WANTED = "give the holder file that the provider made for the learner: only the blind in it tells what was logged";
const TYPE = "testamur/holder/1";

const object = (value, at) => {
  if (!isObject(value)) throw new Refusal("holder-file", `${at} is an object`);
};
const form = part({
  blind: bytes(32),
  credential: object,
  id: uuid7,
  log: (value, at) => value === null || origin(value, at),
  type: word(TYPE),
});

// A credential without its blind; `credential` is it.
export class BareCredential extends Refusal {
  constructor(credential) {
    const what = versionOf(credential) === null ? "a credential" : "a Blockcert";
    super("blind-missing", `this is ${what} without its blind; ${WANTED}`, credential.id);
    this.credential = credential;
  }
}

// The holder file that `data` (bytes) spells, however it is laid out, or holds as a picture; its blind as
// bytes. Throws `Refusal`, `BareCredential` for a bare credential.
export const readHolderFile = (data) => {
  const found = documentIn(data);
  if (isObject(found) && !("blind" in found)) {
    if (versionOf(found) !== null || "credentialSubject" in found) throw new BareCredential(found);
  }
  try {
    form(found, "$");
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    const isOne = isObject(found) && String(found.type).startsWith("testamur/holder/");
    if (!isOne) throw new Refusal("holder-file", `this is no holder file; ${WANTED}`);
    // A blind is a secret, whatever its form: no value is shown.
    throw new Refusal("holder-file", "a member of this holder file is missing, unknown or of another form");
  }
  return { ...found, blind: fromBase64(found.blind) };
};

const documentIn = (data) => {
  let other = recognised(data);
  let found = null;
  if (other === null) {
    if (data.every(isBlank)) throw new Refusal("holder-file", `the file is empty; ${WANTED}`);
    found = parseStrict(data, { maxBytes: MAX_HOLDER_FILE, maxDepth: MAX_DEPTH + 3 });
    other = recognisedJson(found);
  } else if (other.rule === "baked-badge") {
    found = unbaked(data);
    other = found === null ? other : null;
  }
  if (other !== null) throw Object.assign(new Refusal(other.rule, `this is ${other.what}; ${WANTED}`), { format: other.format });
  return found;
};

const isBlank = (byte) => byte === 32 || (byte >= 9 && byte <= 13);

// --- The link: https://register.example/holder#1.<base64url of the raw DEFLATE of the file> ---

const MAX_FRAGMENT = 65_536;
const MAX_INFLATED = 1 << 20;
const VERSION = "1.";
const ANEW = "copy the whole link anew, or use the holder file itself";

const refusal = (detail) => new Refusal("holder-link", detail);

// The bytes of the holder file that a link carries. No part of a link is shown, since it is personal data.
export const inLink = async (link) => {
  const at = link.indexOf("#");
  const fragment = link.slice(at + 1).trim();
  if (at < 0) throw refusal(`nothing follows a # in this link; ${ANEW}`);
  if (fragment.length > MAX_FRAGMENT) {
    throw refusal(`a link carries at most ${MAX_FRAGMENT} characters after #; use the holder file itself`);
  }
  if (!fragment.startsWith(VERSION)) throw refusal(`what follows # must begin with ${VERSION}; ${ANEW}`);
  let packed;
  try {
    packed = fromBase64url(fragment.slice(VERSION.length));
  } catch {
    throw refusal(`what follows # is not base64url; ${ANEW}`);
  }
  return inflated(packed);
};

const inflated = async (packed) => {
  const pieces = [];
  let size = 0;
  try {
    for await (const piece of piecesOf(packed)) {
      size += piece.length;
      pieces.push(piece);
      if (size > MAX_INFLATED) break;
    }
  } catch {
    throw refusal(`what follows # is damaged, cut off, or goes on after its end; ${ANEW}`);
  }
  if (size > MAX_INFLATED) throw refusal(`a link carries a holder file of at most ${MAX_INFLATED} bytes`);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
};

async function* piecesOf(packed) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
