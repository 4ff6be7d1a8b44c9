// Open Badges 3.0 credentials, read into a small badge: testamur/badges/openbadges.py. It takes what is
// published in the field, of both data models, and refuses by JSON path and value what is wrong in
// anything it reads. It checks no proof, and fetches no context.
import { awarded } from "./elements.mjs";
import { Refusal } from "./errors.mjs";
import { Node, isObject } from "./nodes.mjs";
import { checkTypes } from "./object_types.mjs";
import { MAX_PROOFS, suiteOf } from "./suites.mjs";

export const VC_1 = "https://www.w3.org/2018/credentials/v1";
export const VC_2 = "https://www.w3.org/ns/credentials/v2";
const OB_3 = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
const OB_CONTEXT = /^https:\/\/purl\.imsglobal\.org\/spec\/ob\/v3p0\/context(-3\.[0-9]+\.[0-9]+)?\.json$/;
const BADGE_TYPES = ["OpenBadgeCredential", "AchievementCredential"];

// What a parsed credential says: {id, format, dataModel, names, issuer: {id, names}, achievement, elements,
// suites, validFrom, validUntil (null without end), creditsAvailable, creditsEarned}. Throws `Refusal`.
export const readBadge = (credential) => {
  const root = new Node(credential);
  const dataModel = dataModelOf(root);
  checkCredentialType(root);
  checkContext(root);
  checkTypes(root);
  const issuer = readIssuer(root.need("issuer").one());
  const subject = root.need("credentialSubject").one();
  const achievement = achievementIn(subject.need("achievement").one());
  const creditsAvailable = creditsIn(subject.need("achievement").one(), "creditsAvailable");
  const creditsEarned = creditsIn(subject, "creditsEarned");
  const [validFrom, validUntil] = validityIn(root, dataModel);
  const awardedDate = root.get("awardedDate");
  const id = root.need("id").uri();
  const issued = (awardedDate === null ? validFrom : awardedDate.dateTime()).day;
  checkLearner(subject);
  return {
    ...{ id, format: "OpenBadgeCredential/3.0", dataModel, issuer, achievement, validFrom, validUntil },
    elements: { issued, ...awarded(achievement.alignments) },
    suites: suitesIn(root),
    ...{ creditsAvailable, creditsEarned },
    names: wordings(root, "name"),
  };
};

export const isOpenBadge = (root) => root.need("type").texts().some((each) => BADGE_TYPES.includes(each));

export const dataModelOf = (root) => {
  const [first] = root.need("@context").many();
  if (first?.value === VC_2) return "2.0";
  if (first?.value === VC_1) return "1.1";
  throw new Refusal("ob-context", `$.@context must begin with ${VC_2} or ${VC_1}`, first?.spelling() ?? first?.value);
};

const checkCredentialType = (root) => {
  const types = root.need("type").texts();
  if (types.includes("EndorsementCredential")) root.need("type").refuse("is an endorsement, not an award", "not-an-open-badge");
  if (!types.includes("VerifiableCredential") || !BADGE_TYPES.some((each) => types.includes(each))) {
    const wanted = "must hold VerifiableCredential and OpenBadgeCredential or AchievementCredential";
    root.need("type").refuse(wanted, "not-an-open-badge");
  }
};

const checkContext = (root) => {
  const contexts = root.need("@context");
  const isOne = ({ value }) => typeof value === "string" && OB_CONTEXT.test(value);
  if (!contexts.many().some(isOne)) contexts.refuse(`holds no Open Badges 3.0 context, such as ${OB_3}`, "ob-context");
};

// The issuer: an object, or a URI alone.
export const readIssuer = (node) => {
  if (typeof node.value === "string") return { id: node.uri(), names: [] };
  const address = node.get("address");
  const found = { id: node.need("id").uri(), names: wordings(node, "name") };
  if (address !== null) checkCountry(address.one());
  return found;
};

const checkCountry = (address) => {
  const code = optionalText(address, "addressCountryCode");
  if (code !== null && !/^[A-Za-z]{2}$/.test(code)) {
    address.need("addressCountryCode").refuse("must be an ISO 3166-1 alpha-2 code");
  }
  if (code === null) optionalText(address, "addressRegion");
};

const achievementIn = (node) => {
  const [criteria, alignments] = [node.get("criteria")?.one() ?? null, node.get("alignment")];
  return {
    id: node.need("id").uri(),
    names: node.need("name").wordings(),
    type: optionalText(node, "achievementType"),
    alignments: alignments === null ? [] : alignments.many().map(alignmentIn),
    hasNarrative: criteria !== null && wordings(criteria, "narrative").length > 0,
    criteriaUrl: criteria === null ? null : optionalText(criteria, "id"),
    fieldOfStudy: label(node, "fieldOfStudy"),
    languages: languagesIn(node),
    version: label(node, "version"),
  };
};

const alignmentIn = (node) => ({
  names: node.need("targetName").wordings().map(({ text }) => text),
  url: node.need("targetUrl").text(),
  code: label(node, "targetCode"),
  framework: optionalText(node, "targetFramework"),
  kind: optionalText(node, "targetType"),
});

const DATES = [["validFrom", "validUntil"], ["issuanceDate", "expirationDate"]];

// The first and the last moment, of which that without end is null.
export const validityIn = (root, dataModel) => {
  const [[first, last], [olderFirst, olderLast]] = dataModel === "2.0" ? DATES : [...DATES].reverse();
  const start = (root.get(first) ?? root.get(olderFirst) ?? root.need(first)).dateTime();
  const until = root.get(last) ?? root.get(olderLast);
  if (until === null) return [start, null];
  const end = until.dateTime();
  if (end.micros < start.micros) until.refuse(`must not be before ${start.text}`, "ob-validity");
  return [start, end];
};

// The suites of the proofs in a verifiable credential, in order.
export const suitesIn = (root) => {
  const proofs = root.get("proof")?.many() ?? [];
  if (proofs.length > MAX_PROOFS) throw new Refusal("ob-member", `$.proof holds more than ${MAX_PROOFS}`, proofs.length);
  for (const item of proofs) if (!isObject(item.value)) item.refuse("must be an object");
  return proofs.map(({ value }) => suiteOf(value));
};

const checkLearner = (subject) => {
  const identity = subject.get("id");
  if (identity !== null) {
    identity.text();
    return;
  }
  for (const identifier of subject.get("identifier")?.many() ?? []) identifier.need("identityHash").text();
};

const creditsIn = (node, name) => {
  const stated = node.get(name);
  if (stated === null) return null;
  const number = stated.number();
  if (number.billionths < 0n) stated.refuse("must not be negative");
  return number;
};

// --- Members that may be left out, or empty ---

const given = (node, name) => {
  const found = node.get(name);
  return found === null || found.value === "" ? null : found;
};

const languagesIn = (node) => given(node, "inLanguage")?.texts() ?? [];
export const wordings = (node, name) => given(node, name)?.wordings() ?? [];
const label = (node, name) => given(node, name)?.label() ?? null;
const optionalText = (node, name) => given(node, name)?.text() ?? null;
