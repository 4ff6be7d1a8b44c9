// A second, independent implementation of the submission, for submission.json and submission/,
// and of the dry run, for formats/dry-run.json:
//   node tests/vectors/check_submission.mjs
// It knows the form, the root and the signature; whether an event is in the catalogue it does not.
import { createPublicKey, ECDH, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { jcs, sha256 } from "./jcs.mjs";

const refuse = (what) => {
  throw new Error(what);
};
const text = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

// --- RFC 6962 ---

const leaf = (bytes) => sha256(Buffer.of(0), bytes);
const root = (leaves) => {
  if (leaves.length === 1) return leaves[0];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), root(leaves.slice(0, k)), root(leaves.slice(k)));
};

// --- Keys ---

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const publicKey = (multikey) => {
  let number = 0n;
  for (const char of multikey.slice(1)) number = number * 58n + BigInt(BASE58.indexOf(char));
  const hex = number.toString(16);
  const raw = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
  const key = raw.subarray(2);
  const b64 = (bytes) => bytes.toString("base64url");
  if (raw[0] === 0xed) {
    const jwk = { kty: "OKP", crv: "Ed25519", x: b64(key) };
    return { algs: ["Ed25519", "EdDSA"], key: createPublicKey({ key: jwk, format: "jwk" }) };
  }
  const point = ECDH.convertKey(key, "prime256v1", undefined, undefined, "uncompressed");
  const jwk = { kty: "EC", crv: "P-256", x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)) };
  return { algs: ["ES256"], key: createPublicKey({ key: jwk, format: "jwk" }) };
};

// --- Submissions ---

const DID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/;
const KID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+#[A-Za-z0-9._-]+$/;
const JTI = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PROTECTED = { alg: /^(Ed25519|EdDSA|ES256)$/, kid: KID, typ: /^testamur-submission\+jws$/ };
const integer = (low, high) => ({ test: (x) => Number.isInteger(x) && x >= low && x <= high });
const PAYLOAD = {
  aud: /^[^]{1,255}$/,
  events: integer(1, 100_000),
  iat: integer(0, 253_402_300_799),
  iss: DID,
  jti: JTI,
  root: /^[A-Za-z0-9_-]{43}$/,
};

const DRY_RUN = { protected: { ...PROTECTED, typ: /^testamur-check\+jws$/ }, payload: { ...PAYLOAD } };
delete DRY_RUN.payload.jti;
const SUBMISSION = { protected: PROTECTED, payload: PAYLOAD };

const decode = (part) => {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : refuse("base64url");
};
const object = (bytes, members) => {
  const found = JSON.parse(text(bytes));
  if (jcs(found) !== text(bytes)) refuse("canonical");
  if (Object.keys(found).sort().join() !== Object.keys(members).join()) refuse("members");
  for (const [name, form] of Object.entries(members)) {
    if (typeof found[name] !== (form instanceof RegExp ? "string" : "number")) refuse(name);
    if (!form.test(found[name])) refuse(name);
  }
  return found;
};
const header = (jws, form = SUBMISSION) => {
  const parts = jws.split(".");
  if (parts.length !== 3 || jws.length > 4096) refuse("form");
  const [first, second, signature] = parts.map(decode);
  const found = { ...object(first, form.protected), ...object(second, form.payload), signature };
  decode(found.root);
  if (found.kid.length > 370 || found.kid.split("#")[0] !== found.iss) refuse("kid");
  if (signature.length !== 64) refuse("signature");
  return { ...found, signed: `${parts[0]}.${parts[1]}` };
};
const submission = (bytes, signer, form = SUBMISSION) => {
  if (bytes.at(-1) !== 10) refuse("cut off");
  const [first, ...lines] = text(bytes.subarray(0, -1)).split("\n");
  const { alg, events, root: stated, signed, signature } = header(first, form);
  if (lines.length !== events) refuse("events");
  lines.forEach((line) => jcs(JSON.parse(line)) === line || refuse("a line"));
  if (root(lines.map((line) => leaf(Buffer.from(line)))).toString("base64url") !== stated) refuse("root");
  const { algs, key } = publicKey(signer);
  const given = alg === "ES256" ? { key, dsaEncoding: "ieee-p1363" } : key;
  if (!algs.includes(alg)) refuse("alg");
  if (!verify(alg === "ES256" ? "sha256" : null, Buffer.from(signed), given, signature)) refuse("signed");
};
const entry = (bytes) => {
  const { recordedAt, submission: jws, ...more } = JSON.parse(text(bytes));
  if (Object.keys(more).length > 0 || jcs({ recordedAt, submission: jws }) !== text(bytes)) refuse("form");
  if (!/^\d{4}-/.test(recordedAt) || new Date(recordedAt).toISOString() !== recordedAt) refuse("time");
  if (recordedAt < "1970") refuse("time");
  header(jws);
};

// --- Running ---

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const bytes = (found, name) => Buffer.from(found[name] ?? found[`${name}Base64`], name in found ? "utf8" : "base64");
const holds = (check) => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

const golden = read("submission.json");
const wrong = golden.cases
  .filter((each) => !holds(() => submission(bytes(each, "submission"), each.signer)))
  .map(({ name }) => name);
let refused = 0;
const mustRefuse = (desc, check) => {
  refused += 1;
  if (holds(check)) wrong.push(desc);
};
for (const each of golden.refused) {
  mustRefuse(each.name, () => submission(bytes(each, "submission"), golden.cases[1].signer));
}
for (const name of readdirSync(new URL("submission/", import.meta.url))) {
  const { signer, refused: found } = read(`submission/${name}`);
  for (const each of found) {
    const check = name === "entry.json" ? () => entry(bytes(each, "entry")) : () => submission(bytes(each, "submission"), each.signer ?? signer);
    mustRefuse(`${name}: ${each.desc}`, check);
  }
}
const rehearsed = read("formats/dry-run.json");
for (const { dryRun, signer } of rehearsed.dryRuns) {
  if (!holds(() => submission(Buffer.from(dryRun), signer, DRY_RUN))) wrong.push("a dry run");
  mustRefuse("a dry run that is submitted", () => submission(Buffer.from(dryRun), signer));
}
for (const { desc, dryRun } of rehearsed.refused) {
  mustRefuse(`dry-run.json: ${desc}`, () => submission(Buffer.from(dryRun), rehearsed.signer, DRY_RUN));
}
wrong.forEach((name) => console.error(`wrong: ${name}`));
console.log(`${golden.cases.length} taken, ${refused} refused`);
process.exit(wrong.length === 0 && golden.cases.length > 0 && refused > 150 ? 0 : 1);
