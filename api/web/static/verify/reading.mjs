// What is in a file that somebody chose, by its content: see `verify.mjs` for the shapes.
import { bytesOf } from "./encodings.mjs";
import { Refusal, Refuted } from "./errors.mjs";
import { MAX_EVIDENCE, parseEvidence } from "./evidence.mjs";
import { BareCredential, inLink, readHolderFile } from "./holder.mjs";
import { isPolicy, policyIn } from "./policy.mjs";

const MAX_POLICY = 1 << 20;
const EVIDENCE = bytesOf('{"checkpoint":');
const JSON_OR_PICTURE = [0x5b, 0x7b, 0x89, 0xff];

// The file that `data` (bytes) is; what cannot be read is one of kind `unreadable`.
export const read = (data, name) => asFile(name, () => contentOf(data));

// The file that a link to a holder's page carries, in what follows its #.
export const readLink = (link) =>
  asFile("link", async () => ({ kind: "holder", holder: readHolderFile(await inLink(link)), baked: null }));

const asFile = async (name, contentOf) => {
  try {
    return { name, ...(await contentOf()) };
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    const { rule = "policy", message: why } = error;
    const isBare = error instanceof BareCredential;
    return isBare
      ? { name, kind: "credential", credential: error.credential, rule, why }
      : { name, kind: "unreadable", rule, why };
  }
};

const contentOf = async (data) => {
  if (data.length > MAX_EVIDENCE) {
    throw new Refusal("json-size", `a file that is read here is at most ${MAX_EVIDENCE} bytes`, `${data.length} bytes`);
  }
  // Evidence has one spelling, and may be larger than any other file.
  if (EVIDENCE.every((byte, at) => data[at] === byte)) return { kind: "evidence", evidence: parseEvidence(data) };
  const mayBePolicy = data.length <= MAX_POLICY && !JSON_OR_PICTURE.includes(data[0]);
  const text = mayBePolicy ? new TextDecoder("utf-8").decode(data) : "";
  if (isPolicy(text)) return { kind: "policy", policy: await policyIn(text), isOwnWord: false };
  try {
    return { kind: "holder", holder: readHolderFile(data), baked: pictureIn(data) };
  } catch (error) {
    // What else is wrong with evidence that an editor saved, its own reader says.
    if (error.format === "testamur/evidence/1") parseEvidence(data);
    throw error;
  }
};

// The kind of picture that a holder file was found in, or null: its first byte tells which of the three it is.
const pictureIn = (data) => {
  if (data[0] === 0x89) return "png";
  return data.find((byte) => byte > 32) === 0x3c ? "svg" : null;
};
