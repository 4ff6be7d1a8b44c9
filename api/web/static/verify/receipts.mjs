// The receipts that Blockcerts carry: a page tells whether there is one, and examines none, since they are about
// a canonical form of RDF. testamur/verification/steps/blockcert.py.
import { SUITES_2019, SUITE_2017, versionOf } from "./blockcerts.mjs";
import { Refusal, Unavailable } from "./errors.mjs";
import { finding } from "./finding.mjs";
import { proofsOf, suiteOf } from "./suites.mjs";

export const NOT_MADE = ["blockcert", "blockchain"];
export const RECEIPTS = [SUITE_2017, ...SUITES_2019];

export const notMade = (name) => `the check ${name} is not made in a browser: the command \`testamur verify\` makes it`;

// `logged` is the format that the issuance states, if it is known. A credential that was logged as a Blockcert and
// has lost its receipt could not be checked, either.
export const receipt = (name, credential, logged) => {
  const isOne = logged?.startsWith("Blockcerts/") || versionOf(credential) !== null || carriesReceipt(credential);
  if (!isOne) return finding("", { verdict: null });
  throw new Unavailable(notMade(name));
};

const carriesReceipt = (credential) => {
  try {
    return proofsOf(credential).map(suiteOf).some((suite) => SUITES_2019.includes(suite));
  } catch (error) {
    if (error instanceof Refusal) return false; // of proofs that are none, as the check `proof` says
    throw error;
  }
};
