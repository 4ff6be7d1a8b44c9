// What a credential says: a Blockcert, or an Open Badge. testamur/badges/blockcerts.py. A Blockcert of
// version 2 is an Open Badge of version 2; one of version 3 is a verifiable credential that states what
// was awarded in a `claim`, in its own name, or not at all.
import { dataModelOf, isOpenBadge, readBadge, readIssuer, suitesIn, validityIn, wordings } from "./badge.mjs";
import { BLOCKCERTS_2, BLOCKCERTS_3, SUITE_2017, versionOf } from "./blockcerts.mjs";
import { Node } from "./nodes.mjs";

const NOTHING = { type: null, alignments: [], fieldOfStudy: null, languages: [], version: null };
const ELEMENTS = { assessment: [], participation: [], supervision: null };

// As `readBadge`; throws `Refusal`.
export const readCredential = (credential) => {
  const version = versionOf(credential);
  if (version === null) return readBadge(credential);
  const root = new Node(credential);
  if (version === BLOCKCERTS_2) return version2(root);
  return isOpenBadge(root) ? { ...readBadge(credential), format: BLOCKCERTS_3 } : version3(root);
};

const version2 = (root) => {
  if (!root.need("type").texts().includes("Assertion")) root.need("type").refuse("must hold Assertion", "not-an-open-badge");
  const badge = root.need("badge").one();
  const issuer = readIssuer(badge.need("issuer").one());
  const criteriaUrl = criteriaIn(badge);
  const achievement = { ...NOTHING, id: badge.need("id").uri(), names: badge.need("name").wordings(), criteriaUrl };
  const [validFrom, until] = [root.need("issuedOn").dateTime(), root.get("expires")];
  const validUntil = until === null ? null : until.dateTime();
  if (validUntil !== null && validUntil.micros < validFrom.micros) {
    until.refuse(`must not be before ${validFrom.text}`, "ob-validity");
  }
  const id = root.need("id").uri();
  return {
    ...{ id, format: BLOCKCERTS_2, dataModel: "Open Badges 2.0", issuer, achievement, validFrom, validUntil },
    elements: { issued: validFrom.day, ...ELEMENTS },
    suites: root.get("signature") === null ? [] : [SUITE_2017],
    ...{ names: [], creditsAvailable: null, creditsEarned: null },
  };
};

const version3 = (root) => {
  const dataModel = dataModelOf(root);
  if (!root.need("type").texts().includes("VerifiableCredential")) {
    root.need("type").refuse("must hold VerifiableCredential", "not-an-open-badge");
  }
  const issuer = readIssuer(root.need("issuer").one());
  const subject = root.need("credentialSubject").one();
  const achievement = awardedIn(root, subject);
  const [validFrom, validUntil] = validityIn(root, dataModel);
  subject.get("id")?.text();
  const id = root.need("id").uri();
  return {
    ...{ id, format: BLOCKCERTS_3, dataModel, issuer, achievement, validFrom, validUntil },
    elements: { issued: validFrom.day, ...ELEMENTS },
    names: wordings(root, "name"),
    suites: suitesIn(root),
    ...{ creditsAvailable: null, creditsEarned: null },
  };
};

// The claim, or what the credential calls itself.
const awardedIn = (root, subject) => {
  const claim = subject.get("claim")?.one() ?? null;
  if (claim === null) return { ...NOTHING, id: null, names: wordings(root, "name"), criteriaUrl: null };
  const identity = claim.get("id");
  const criteriaUrl = criteriaIn(claim);
  const id = identity === null ? null : identity.text();
  const names = wordings(claim, "name");
  return { ...NOTHING, id, names: names.length > 0 ? names : wordings(root, "name"), criteriaUrl };
};

// Where the criteria are, or null; one text may stand for the criteria in words.
const criteriaIn = (node) => {
  const criteria = node.get("criteria");
  if (criteria === null || criteria.value === "") return null;
  const inner = criteria.one();
  if (typeof inner.value === "string") {
    inner.text();
    return null;
  }
  const [narrative, address] = [inner.get("narrative"), inner.get("id")];
  narrative?.text();
  return address === null ? null : address.text();
};
