// The proofs in a credential, and of which suites they are: testamur/badges/data_integrity.py.
import { many } from "./blockcerts.mjs";
import { Refusal, asWritten } from "./errors.mjs";
import { isObject } from "./nodes.mjs";

// A proof set or chain in the wild has a handful; each costs a hash of the whole document.
export const MAX_PROOFS = 16;

// The proofs of a credential: none, the one object, or the array of objects. Throws `Refusal`.
export const proofsOf = (credential) => {
  const proofs = "proof" in credential ? many(credential.proof) : [];
  if (proofs.length > MAX_PROOFS) {
    throw new Refusal("proof-form", `a credential has at most ${MAX_PROOFS} proofs`, proofs.length);
  }
  const [holder, names] = Array.isArray(credential.proof) ? [proofs, proofs.keys()] : [credential, ["proof"]];
  for (const name of proofs.length > 0 ? names : []) {
    if (!isObject(holder[name])) throw new Refusal("proof-form", "a proof is an object", asWritten(holder, name));
  }
  return proofs;
};

// The `cryptosuite`, or the `type` of suites older than that. It is told in reports, and anybody who has
// a credential can add a proof.
export const suiteOf = (proof) => {
  const member = proof.type === "DataIntegrityProof" ? "cryptosuite" : "type";
  const name = proof[member];
  if (typeof name !== "string" || !/^[A-Za-z0-9:/#._-]{1,100}$/.test(name)) {
    throw new Refusal("proof-form", "a proof names its type and cryptosuite", asWritten(proof, member));
  }
  return name;
};
