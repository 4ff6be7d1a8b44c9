// W3C Data Integrity proofs of suite eddsa-jcs-2022 on credentials, by did:key keys:
// testamur/badges/data_integrity.py. A proof that passes was made over this very document by the holder of
// the key; whose key that is, its caller asks.
import { many } from "./blockcerts.mjs";
import { jcs } from "./canonical_json.mjs";
import { bytesOf, fromBase58, joined } from "./encodings.mjs";
import { Refuted, Unavailable, asWritten, shown } from "./errors.mjs";
import { sha256 } from "./hashes.mjs";
import { DID_KEY, didKey, verifySignature } from "./keys.mjs";
import { momentOf } from "./moments.mjs";
import { proofsOf, suiteOf } from "./suites.mjs";

const SUITE = "eddsa-jcs-2022";

// No proof could be examined, and of some the verification method is not one known here: `methods`.
export class Unresolved extends Unavailable {
  constructor(reason, methods) {
    super(reason);
    this.methods = methods;
  }
}

// Every proof of a credential: {proven: [{signer (a Multikey), created, expires}], unexamined: [why]}, the
// times as of `moments.mjs`, or null. `resolve` returns the key of a verification method that is no did:key, or
// null. Throws `Refuted` when one that can be examined is false, and `Unavailable` when none can.
export const examineProofs = async (credential, resolve) => {
  const [proven, unexamined, methods] = [[], [], []];
  const proofs = proofsOf(credential);
  if (proofs.length === 0) throw new Refuted("the credential has no proof");
  const forms = new Forms(credential, proofs);
  for (const proof of proofs) {
    try {
      proven.push(await examined(forms, proof, resolve));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      unexamined.push(error.message);
      methods.push(...(error.methods ?? []));
    }
  }
  if (proven.length > 0) return { proven, unexamined };
  throw methods.length > 0 ? new Unresolved(unexamined.join("; "), methods) : new Unavailable(unexamined.join("; "));
};

// The canonical forms of a credential's members and of its proofs, each made at most once: proofs are made
// over nearly the same document, and may build on one another.
class Forms {
  constructor(credential, proofs) {
    Object.assign(this, { credential, proofs, known: new Map() });
  }

  get members() {
    const { proof: _, ...members } = this.credential;
    return this.of(this.credential, members);
  }

  // The forms of an object's members; `members` are those of it that are meant.
  of(object, members = object) {
    if (!this.known.has(object)) {
      this.known.set(object, Object.fromEntries(Object.entries(members).map(([name, value]) => [name, jcs(value)])));
    }
    return this.known.get(object);
  }
}

const object = (forms) =>
  `{${Object.keys(forms).sort().map((name) => `${JSON.stringify(name)}:${forms[name]}`).join(",")}}`;
const array = (forms) => `[${forms.join(",")}]`;

const examined = async (forms, proof, resolve) => {
  // First whether we can examine it: an unknown suite may have rules of its own for all that follows.
  if (suiteOf(proof) !== SUITE) throw new Unavailable(`proofs of suite ${shown(suiteOf(proof))} cannot be examined`);
  const key = keyOf(proof, resolve);
  if (proof.proofPurpose !== "assertionMethod") {
    throw new Refuted(`the purpose of the proof is ${shownOf(proof, "proofPurpose")}, not assertionMethod`);
  }
  const signature = signatureOf(proof);
  const { proofValue: _, ...options } = forms.of(proof);
  const document = object(securedDocument(forms, proof));
  // Section 3.3.4: what is signed are two hashes.
  const message = joined(await sha256(bytesOf(object(options))), await sha256(bytesOf(document)));
  await verifySignature(key, signature, message);
  return { signer: key.multikey, created: timeOf(proof, "created"), expires: timeOf(proof, "expires") };
};

// What the proof was made over: other proofs gone, those it chains on put back.
const securedDocument = (forms, proof) => {
  const document = { ...forms.members };
  if ("previousProof" in proof) {
    document.proof = array(previous(forms, proof).map((each) => object(forms.of(each))));
  }
  if ("@context" in proof) {
    // Section 3.3.2 steps 4.1 and 4.2: contexts may be added after signing, not changed.
    const signed = many(proof["@context"]).map(jcs);
    const own = many(forms.credential["@context"] ?? null).map(jcs);
    if (signed.some((each, at) => own[at] !== each)) {
      throw new Refuted("the document's @context does not begin with the proof's @context");
    }
    document["@context"] = forms.of(proof)["@context"];
  }
  return document;
};

// The proofs that a chained proof builds on (Data Integrity section 4.5).
const previous = ({ proofs }, proof) => {
  const { previousProof: named } = proof;
  const names = many(named);
  if (names.length > proofs.length) {
    // Else a proof of some size, named again and again, would be signed over as often.
    throw new Refuted(`previousProof names ${names.length} proofs, and there are ${proofs.length}`);
  }
  return names.map((name, at) => {
    const told = Array.isArray(named) ? shownOf(named, at) : shownOf(proof, "previousProof");
    const matching = proofs.filter(({ id }) => typeof name === "string" && id === name);
    if (matching.length !== 1) throw new Refuted(`previousProof ${told} names ${matching.length} proofs, not one`);
    return matching[0];
  });
};

const shownOf = (holder, name) => shown(asWritten(holder, name) ?? null);

const keyOf = (proof, resolve) => {
  const { verificationMethod: method } = proof;
  if (typeof method !== "string") {
    throw new Refuted(`verificationMethod is ${shownOf(proof, "verificationMethod")}, not a DID URL`);
  }
  const at = method.indexOf("#");
  const [did, fragment] = at < 0 ? [method, ""] : [method.slice(0, at), method.slice(at + 1)];
  let key = null;
  if (did.startsWith(DID_KEY)) {
    key = didKey(did);
    if (fragment !== key.multikey) throw new Refuted(`verificationMethod ${shown(method)} names no key of its DID`);
  } else {
    key = resolve(method);
    if (key === null) throw new Unresolved(`verification method ${shown(method)} is not a did:key`, [method]);
  }
  if (key.curve !== "Ed25519") throw new Refuted(`${SUITE} needs an Ed25519 key, and ${shown(method)} is ${key.curve}`);
  return key;
};

const signatureOf = (proof) => {
  const { proofValue: value } = proof;
  if (typeof value !== "string" || !value.startsWith("z")) {
    throw new Refuted(`proofValue ${shownOf(proof, "proofValue")} is not base58btc Multibase, \`z\` first`);
  }
  const signature = fromBase58(value.slice(1));
  if (signature.length !== 64) {
    throw new Refuted(`proofValue holds ${signature.length} bytes, an Ed25519 signature has 64`);
  }
  return signature;
};

const timeOf = (proof, member) => {
  if (!(member in proof)) return null;
  const text = proof[member];
  const found = typeof text === "string" && !/\.[0-9]{10}/.test(text) ? momentOf(text) : null;
  if (found === null) throw new Refuted(`the proof's ${member} is ${shownOf(proof, member)}, not an XML dateTimeStamp`);
  return found;
};
