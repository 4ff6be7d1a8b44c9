// Step 12: the credential's own proof, embedded in the credential, if it can be examined.
// testamur/verification/steps/proof.py.
import { checkNotAhead } from "./clock.mjs";
import { Refuted, Unavailable } from "./errors.mjs";
import { REFUTED, finding } from "./finding.mjs";
import { SIGNING } from "./key_table.mjs";
import { DID_KEY, publicKey } from "./keys.mjs";
import { momentAt } from "./moments.mjs";
import { Unresolved, examineProofs } from "./proofs.mjs";

// (12) The credential's own proof, of which there is one at least, is by a key of its issuer: one which signed
// for it where it issued the credential. Times are in Unix milliseconds.
export const proof = async (credential, seen, at, now) => {
  const [keys, vouched] = [signingKeys(seen), vouchedDids(seen)];
  let found;
  try {
    found = await examineProofs(credential, (method) => resolved(method, keys, vouched));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    const isOfVouched = error instanceof Unresolved && error.methods.some((method) => vouched.has(method.split("#")[0]));
    if (!isOfVouched) return untold(error.message);
    throw new Unavailable(`whether the proof is by a key of the issuer says a document that was not read: ${error.message}`);
  }
  const signers = [...new Set(found.proven.map(({ signer }) => signer))].sort();
  const own = found.proven.filter(({ signer }) => keys.has(signer));
  if (own.length > 0) {
    own.forEach((each) => checkTimes(each, at, now));
    return finding(`signed by ${asDids(signers.filter((signer) => keys.has(signer)))}`);
  }
  const by = `the proof is by ${asDids(signers)}`;
  // The issuer may have made the other one, and anybody can add a proof.
  if (found.unexamined.length > 0) return untold(`${by}, no signing key of the issuer at the issuance`);
  return finding(`${by}, which was no signing key of the issuer at the issuance`, { verdict: REFUTED, lacking: true });
};

const asDids = (keys) => keys.map((key) => `${DID_KEY}${key}`).join(", ");

// Our own chain of proof does not lean on it, so it is told, not counted.
const untold = (why) => finding("", { verdict: null, notes: [`the credential's own proof was not examined: ${why}`] });

// The Multikeys that could sign for the issuer where it issued the credential.
const signingKeys = ({ register, issuer, issued }) => {
  const { keys } = register.organizations.get(issuer) ?? {};
  const { position, recordedAt } = issued.signed;
  const could = [...(keys?.keys.values() ?? [])].filter(
    ({ key, rank }) => rank === SIGNING && keys.counts(key, position, recordedAt),
  );
  return new Set(could.map(({ key }) => key));
};

// The DIDs that the accreditor vouches for as the issuer's, and that have a document.
const vouchedDids = (seen) => {
  const ids = seen.words.get(seen.issuer)?.ids ?? [];
  return new Set(ids.filter((each) => each.startsWith("did:") && !each.startsWith(DID_KEY)));
};

// The key that a method of a vouched DID spells, if the issuer could sign with it; or null.
const resolved = (method, keys, vouched) => {
  const [did, ...rest] = method.split("#");
  const multikey = rest.join("#");
  return vouched.has(did) && keys.has(multikey) ? publicKey(multikey) : null;
};

const checkTimes = ({ signer, created, expires }, at, now) => {
  const by = `the proof by ${DID_KEY}${signer}`;
  if (expires !== null && expires.micros < momentAt(at).micros) throw new Refuted(`${by} expired at ${expires.text}`);
  if (created !== null) checkNotAhead(`${by} was made`, Number(created.micros / 1000n), now);
};
