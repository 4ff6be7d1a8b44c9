// Whether a credential is a Blockcert, and of which version: testamur/badges/blockcert_versions.py.
import { isObject } from "./nodes.mjs";

export const BLOCKCERTS_2 = "Blockcerts/2";
export const BLOCKCERTS_3 = "Blockcerts/3";

const W3ID = "https://w3id.org/blockcerts/";
const HERE = ["https://w3id.org/blockcerts/schema/", "https://www.blockcerts.org/schema/"];
const contexts = (versions) => versions.flatMap((version) => HERE.map((place) => `${place}${version}/context.json`));
const CONTEXTS_2 = new Set([...contexts(["2.0-alpha", "2.0", "2.1"]), `${W3ID}v2`, `${W3ID}v2.1`]);
const CONTEXTS_3 = new Set([
  ...contexts(["3.0", "3.1", "3.2"]),
  ...["v3.0", "v3.1", "v3.2", "v3"].map((version) => `${W3ID}${version}`),
]);

export const SUITE_2017 = "MerkleProof2017";
export const SUITES_2019 = ["MerkleProof2019", "merkle-proof-2019"];

export const many = (value) => (Array.isArray(value) ? value : [value]);

// The version, with or without a receipt, or null if it is none.
export const versionOf = (credential) => {
  const named = many(credential["@context"]).filter((each) => typeof each === "string");
  if (many(credential.type).includes("BlockcertsCredential")) return BLOCKCERTS_3;
  if (named.some((each) => CONTEXTS_3.has(each))) return BLOCKCERTS_3;
  const types = isObject(credential.signature) ? many(credential.signature.type) : [];
  return named.some((each) => CONTEXTS_2.has(each)) || types.includes(SUITE_2017) ? BLOCKCERTS_2 : null;
};
