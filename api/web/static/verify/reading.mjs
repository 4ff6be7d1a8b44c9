// What is in a file that somebody chose, by its content: see `verify.mjs` for the shapes.
import { bytesOf } from "./encodings.mjs";
import { Refuted } from "./errors.mjs";
import { parseEvidence, readHolderFile } from "./evidence.mjs";
import { isPolicy, policyIn } from "./policy.mjs";

const MAX_POLICY = 1 << 20;
const EVIDENCE = bytesOf('{"checkpoint":');

// The file that `data` (bytes) is; what cannot be read is one of kind `unreadable`.
export const read = async (data, name) => {
  try {
    return { name, ...(await contentOf(data)) };
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    const { rule, message: why, credential } = error;
    if (credential !== undefined) return { name, kind: "credential", credential, rule, why };
    return { name, kind: "unreadable", rule: rule ?? "policy", why };
  }
};

const contentOf = async (data) => {
  // Evidence has one spelling, and may be larger than any other file.
  if (EVIDENCE.every((byte, at) => data[at] === byte)) return { kind: "evidence", evidence: parseEvidence(data) };
  const text = data.length <= MAX_POLICY ? new TextDecoder("utf-8").decode(data) : "";
  if (isPolicy(text)) return { kind: "policy", policy: await policyIn(text), isOwnWord: false };
  return { kind: "holder", holder: readHolderFile(data) };
};
