// Whether a credential is a Blockcert, whose receipt a page does not examine: as
// testamur/badges/blockcert_versions.py and blockcert_receipts.py tell.

const ADDRESSES = /^https:\/\/(?:w3id\.org\/blockcerts\/|www\.blockcerts\.org\/schema\/)/;
const RECEIPTS = ["MerkleProof2017", "MerkleProof2019", "merkle-proof-2019"];

const many = (value) => (Array.isArray(value) ? value : [value]);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

const suiteOf = (proof) => {
  if (!isObject(proof)) return undefined;
  return proof.type === "DataIntegrityProof" ? proof.cryptosuite : proof.type;
};

const proofsOf = ({ proof = [] }) => many(proof);

// Whether there is a proof, other than the receipts of Blockcerts, which are a check each.
export const hasOwnProof = (credential) => proofsOf(credential).some((proof) => !RECEIPTS.includes(suiteOf(proof)));

// `logged` is the format that the issuance states, if it is known.
export const isBlockcert = (credential, logged) =>
  logged?.startsWith("Blockcerts/") === true ||
  many(credential.type).includes("BlockcertsCredential") ||
  many(credential["@context"]).some((each) => typeof each === "string" && ADDRESSES.test(each)) ||
  (isObject(credential.signature) && many(credential.signature.type).includes("MerkleProof2017")) ||
  proofsOf(credential).some((proof) => RECEIPTS.slice(1).includes(suiteOf(proof)));
