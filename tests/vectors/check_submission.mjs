// A second, independent implementation of the submission, for submission.json and submission/,
// and of the dry run, for formats/dry-run.json:
//   node tests/vectors/check_submission.mjs
// It knows the form, the root and the signature; whether an event is in the catalogue it does not.
import { readdirSync, readFileSync } from "node:fs";
import { jcs, sha256 } from "./jcs.mjs";
import { publicKey, signed as signedBy } from "./keys.mjs";

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

// --- Submissions ---

const DID = /^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$/;
const KID = /^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}#z[1-9A-HJ-NP-Za-km-z]{40,64}$/;
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
  if (found.kid.split("#")[0] !== found.iss) refuse("kid");
  if (signature.length !== 64) refuse("signature");
  return { ...found, signed: `${parts[0]}.${parts[1]}` };
};
const submission = (bytes, form = SUBMISSION) => {
  if (bytes.at(-1) !== 10) refuse("cut off");
  const [first, ...lines] = text(bytes.subarray(0, -1)).split("\n");
  const { alg, kid, events, root: stated, signed, signature } = header(first, form);
  if (lines.length !== events) refuse("events");
  lines.forEach((line) => jcs(JSON.parse(line)) === line || refuse("a line"));
  if (root(lines.map((line) => leaf(Buffer.from(line)))).toString("base64url") !== stated) refuse("root");
  const key = publicKey(kid.split("#")[1]);
  if (!key.algs.includes(alg) || !signedBy(key, signed, signature)) refuse("signed");
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
  .filter((each) => !holds(() => submission(bytes(each, "submission"))))
  .map(({ name }) => name);
let refused = 0;
const mustRefuse = (desc, check) => {
  refused += 1;
  if (holds(check)) wrong.push(desc);
};
for (const each of golden.refused) {
  mustRefuse(each.name, () => submission(bytes(each, "submission")));
}
for (const name of readdirSync(new URL("submission/", import.meta.url))) {
  const { refused: found } = read(`submission/${name}`);
  for (const each of found) {
    const check = name === "entry.json" ? () => entry(bytes(each, "entry")) : () => submission(bytes(each, "submission"));
    mustRefuse(`${name}: ${each.desc}`, check);
  }
}
const rehearsed = read("formats/dry-run.json");
for (const dryRun of rehearsed.dryRuns) {
  if (!holds(() => submission(Buffer.from(dryRun), DRY_RUN))) wrong.push("a dry run");
  mustRefuse("a dry run that is submitted", () => submission(Buffer.from(dryRun)));
}
for (const { desc, dryRun } of rehearsed.refused) {
  mustRefuse(`dry-run.json: ${desc}`, () => submission(Buffer.from(dryRun), DRY_RUN));
}
wrong.forEach((name) => console.error(`wrong: ${name}`));
console.log(`${golden.cases.length} taken, ${refused} refused`);
process.exit(wrong.length === 0 && golden.cases.length > 0 && refused > 150 ? 0 : 1);
