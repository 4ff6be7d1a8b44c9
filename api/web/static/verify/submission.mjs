// The entry that stands ahead of the events of a submission: the time, and the header as a compact
// JWS (RFC 7515). testamur/catalogue/submission.py; nothing about its signature is checked here.
import { jcs } from "./canonical_json.mjs";
import { bytesOf, fromBase64url } from "./encodings.mjs";
import { Refusal, Refuted } from "./errors.mjs";
import { MAX_ENTRY, MULTIKEY, did } from "./events.mjs";
import { integer, part, text, word } from "./forms.mjs";
import { ALGORITHMS, publicKey, verifySignature } from "./keys.mjs";
import { parseStrict } from "./strict_json.mjs";

export const MAX_EVENTS = 100_000;
const MAX_HEADER = 4096;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const protectedHeader = part({
  alg: word("ES256", "Ed25519", "EdDSA"),
  kid: text(new RegExp(`^did:key:${MULTIKEY}#${MULTIKEY}$`)),
  typ: word("testamur-submission+jws"),
});
const payloadForm = part({
  aud: text(/^[^]+$/, 255),
  events: integer(1, MAX_EVENTS),
  iat: integer(0, 253_402_300_799),
  iss: did,
  jti: text(UUID),
  root: text(/^[^]{43}$/),
});
const entryForm = part({ recordedAt: text(/^[^]+$/), submission: text(/^[^]*$/, MAX_HEADER) });

// {recordedAt (Unix ms), header: {alg, kid, key, aud, events, iat, iss, jti, root, signed, signature}}
export const parseEntry = (line) => {
  const found = canonical(bytesOf(line), entryForm, "submission entry");
  return { recordedAt: parseTime(found.recordedAt), header: parseHeader(found.submission) };
};

const parseHeader = (jws) => {
  const parts = jws.split(".");
  if (bytesOf(jws).length > MAX_HEADER) throw new Refusal("header-size", `at most ${MAX_HEADER} bytes`);
  if (parts.length !== 3) throw new Refusal("header-form", "a header is three base64url parts joined by two dots");
  const [first, second, signature] = parts.map(fromBase64url);
  const { alg, kid } = canonical(first, protectedHeader, "protected header");
  const payload = canonical(second, payloadForm, "payload");
  const root = fromBase64url(payload.root);
  if (signature.length !== 64) throw new Refusal("header-signature", "a signature has 64 bytes", `${signature.length} bytes`);
  const [organization, key] = kid.split("#");
  if (organization !== payload.iss) {
    throw new Refusal("key-of-another-organization", `kid must be a key of the issuer ${payload.iss}`, kid);
  }
  return { ...payload, alg, kid, key, root, signature, signed: `${parts[0]}.${parts[1]}` };
};

const canonical = (bytes, form, what) => {
  const value = parseStrict(bytes, { maxBytes: MAX_ENTRY });
  form(value, what);
  if (jcs(value) !== new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)) {
    throw new Refusal("canonical-json", `the ${what} is not RFC 8785 canonical JSON`);
  }
  return { ...value };
};

// Throws unless `key`, by default the one that the header names, signed it.
export const verifyHeader = async (header, key = publicKey(header.key)) => {
  if (ALGORITHMS[header.alg] !== key.curve) {
    throw new Refusal("key-algorithm", `${header.kid} is a ${key.curve} key`, header.alg, 1);
  }
  try {
    await verifySignature(key, header.signature, header.signed);
  } catch (error) {
    throw error instanceof Refuted ? new Refusal("signature", error.message, header.kid, 1) : error;
  }
};

const parseTime = (written) => {
  const time = new Date(written);
  // ECMAScript knows years beyond 9999, written with a sign; RFC 3339 does not.
  const isSigned = /^[-+]/.test(written);
  if (isSigned || Number.isNaN(time.getTime()) || time.getTime() < 0 || time.toISOString() !== written) {
    throw new Refusal("time", "not an RFC 3339 UTC time with milliseconds", written);
  }
  return time.getTime();
};

export const formatTime = (milliseconds) => new Date(milliseconds).toISOString();
