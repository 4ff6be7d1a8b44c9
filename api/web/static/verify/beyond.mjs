// What a badge says beyond the log, which its issuer alone says, and what it carries that nobody looked
// at: paths, since values are personal. testamur/badges/restated.py (`added`) and unexamined.py.
import { many } from "./blockcerts.mjs";
import { alignmentsOf } from "./elements.mjs";
import { isObject } from "./nodes.mjs";
import { UUID7_URN, VERSION, isCalled, isSameText, translations } from "./restated.mjs";
import { cut } from "./texts.mjs";

// --- Said by the issuer alone ---

const ROOT = ["@context", "id", "type", "issuer", "credentialSubject", "proof"];
const DATES = [["validFrom", "issuanceDate"], ["validUntil", "expirationDate"]];
const TYPES = ["VerifiableCredential", "OpenBadgeCredential", "AchievementCredential"];
const ALIGNMENT = ["type", "targetName", "targetUrl", "targetCode", "targetFramework", "targetType"];
const ACHIEVEMENT = ["id", "type", "name", "achievementType", "version", "alignment", "criteria"];
ACHIEVEMENT.push("creditsAvailable", "inLanguage", "fieldOfStudy");

const one = (value) => {
  const found = Array.isArray(value) && value.length > 0 ? value[0] : value;
  return isObject(found) ? found : {};
};

// `names` are those that the issuer is known by.
export const added = (credential, badge, event, definition, names) => {
  const subject = one(credential.credentialSubject);
  const achievement = one(subject.achievement);
  const places = [
    ["", credential, [...ROOT, ...datesRead(credential, badge)]],
    ["issuer.", one(credential.issuer), ["id", "type"]],
    ["credentialSubject.", subject, ["type", "achievement"]],
    ["achievement.", achievement, ACHIEVEMENT],
    ["achievement.criteria.", one(achievement.criteria), ["id", "type"]],
  ];
  const agreed = agreedOn(badge, definition, names);
  const byIssuer = places.flatMap(([place, members, known]) =>
    Object.keys(members)
      .filter((name) => !known.includes(name) && members[name] !== null && !isMeant(name))
      .map((name) => `${place}${name}`)
      .filter((path) => !agreed.includes(path)),
  );
  byIssuer.push(...unlogged(badge, event, definition));
  for (const [path, members, known] of [
    ["type", credential, TYPES],
    ["credentialSubject.type", subject, ["AchievementSubject"]],
    ["achievement.type", achievement, ["Achievement"]],
  ]) {
    const found = new Set(many(members.type).filter((each) => typeof each === "string" && !known.includes(each)));
    byIssuer.push(...inOrder(found).map((each) => `${path} ${cut(each, 80)}`));
  }
  for (const each of many(achievement.alignment)) {
    const more = Object.keys(one(each)).filter((name) => !ALIGNMENT.includes(name));
    byIssuer.push(...more.map((name) => `achievement.alignment.${name}`));
  }
  return [...new Set(byIssuer)];
};

// By code point, where the order of UTF-16 units is another.
const inOrder = (texts) =>
  [...texts].sort((a, b) => {
    if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : 1;
    const [x, y] = [Array.from(a, (char) => char.codePointAt(0)), Array.from(b, (char) => char.codePointAt(0))];
    const at = x.findIndex((point, place) => point !== y[place]);
    return at < 0 ? x.length - y.length : x[at] - (y[at] ?? -1);
  });

// The names of the dates that were read, and so were compared.
const datesRead = (credential, { dataModel }) =>
  DATES.map((pair) => (dataModel === "2.0" ? pair : [...pair].reverse())).map(([first, second]) =>
    (credential[first] ?? null) === null ? second : first,
  );

// The paths outside `ACHIEVEMENT` that say again what is on the log.
const agreedOn = (badge, definition, names) => {
  const { issuer, elements, validFrom, creditsEarned } = badge;
  return [
    ...(badge.names.every(({ text }) => isSameText(text, definition.name)) ? ["name"] : []),
    ...(issuer.names.every(({ text }) => isCalled(text, names)) ? ["issuer.name"] : []),
    ...(elements.issued === validFrom.day ? ["awardedDate"] : []),
    ...(creditsEarned !== null && definition.workload !== undefined ? ["credentialSubject.creditsEarned"] : []),
  ];
};

// What the badge states in members that the log could state, and does not.
const unlogged = ({ achievement, creditsAvailable }, event, definition) => {
  const { id, names, version, languages, criteriaUrl, fieldOfStudy, alignments } = achievement;
  const found = [];
  if (id !== null && id !== "" && !UUID7_URN.test(id) && id !== definition.url) found.push("achievement.id");
  found.push(...translations(names, definition.name).map(({ language }) => `achievement.name in ${language ?? "None"}`));
  if (version !== null && !VERSION.test(version)) found.push("achievement.version");
  if (creditsAvailable !== null && definition.workload === undefined) found.push("achievement.creditsAvailable");
  if (languages.length > 0 && definition.languages === undefined) found.push("achievement.inLanguage");
  if (criteriaUrl !== null && definition.criteria === undefined) found.push("achievement.criteria.id");
  if (fieldOfStudy !== null && fieldOfStudy !== definition.field) found.push("achievement.fieldOfStudy");
  const url = event.accreditation === undefined ? null : `urn:uuid:${event.accreditation}`;
  const written = [...alignmentsOf(definition, url), ...alignmentsOf(definition)];
  const known = new Set(written.map((pair) => JSON.stringify(pair)));
  for (const alignment of alignments) {
    const unknown = alignment.names.filter((name) => !known.has(JSON.stringify([name, alignment.url])));
    found.push(...unknown.map((name) => `achievement.alignment ${cut(name, 80)}`));
  }
  return found;
};

// --- Not examined ---

// By member, what it holds, in words: where something could be looked up, or what somebody else signed.
export const MEANINGS = {
  confidenceMethod: "how its holder can show that it is theirs",
  credentialSchema: "a schema that it is to follow",
  credentialStatus: "a status list of the issuer's own, which may say that it was revoked",
  endorsement: "what others say of it, signed by themselves",
  endorsementJwt: "what others say of it, signed by themselves",
  evidence: "what the award rests on",
  refreshService: "where a newer one may be had",
  relatedResource: "files that belong to it",
  renderMethod: "how it is to be shown",
  termsOfUse: "terms of its use",
};
const isMeant = (name) => Object.hasOwn(MEANINGS, name);
const SUBJECT = "credentialSubject.achievement.";

// The paths of such members, wherever they are, each once.
export const unexamined = (credential) => {
  const contexts = credential["@context"];
  const further = Array.isArray(contexts) && contexts.length > 2 ? ["@context beyond those of the two standards"] : [];
  return [...new Set([...membersOf(credential), ...further])];
};

const isContainer = (value) => value !== null && typeof value === "object";

const membersOf = (credential) => {
  const found = [];
  const waiting = [["", credential]];
  for (const [place, value] of waiting) { // grows as we go
    if (Array.isArray(value)) {
      for (const item of value) if (isContainer(item)) waiting.push([place, item]);
      continue;
    }
    for (const name of Object.keys(value)) {
      const inner = value[name];
      if (isMeant(name) && inner !== null) {
        const path = `${place}${name}`;
        found.push(path.includes(SUBJECT) && path.startsWith("credentialSubject.") ? path.slice(18) : path);
      } else if (!["proof", "@context"].includes(name) && !isMeant(name) && isContainer(inner)) {
        // A long name over many values would be a small file, and gigabytes of paths.
        waiting.push([tail(`${place}${cut(name, 80)}.`), inner]);
      }
    }
  }
  return found;
};

const tail = (path) => (path.length <= 400 ? path : [...path].slice(-400).join(""));
