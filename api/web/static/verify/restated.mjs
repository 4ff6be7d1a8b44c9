// What a badge says again of what was logged for it: testamur/badges/restated.py. What both state must
// agree. A definition and an issuance are events' members as they are written.
import { BLOCKCERTS_2, BLOCKCERTS_3 } from "./blockcerts.mjs";
import { readClaims } from "./elements.mjs";
import { casefolded, cut, sizeOf, wordsOf } from "./texts.mjs";

// Far beyond what the log takes for a name, however it is normalised.
const LONGEST = 4000;
export const UUID7_URN = /^urn:uuid:([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/i;
// Of a tag in small letters (RFC 5646 section 2.1): the language, and its script.
const TAG = /^([a-z]{2,3})(-[a-z]{4})?(?:-[a-z0-9-]+)?$/;
const NO_LANGUAGE = ["mis", "mul", "und", "zxx"];
export const VERSION = /^[vV]?0*([0-9]{1,9})(\.0+)?$/;

// --- Texts that read the same ---

// Whether two texts do: case, width and spaces aside.
export const isSameText = (one, other) => {
  if (Math.max(sizeOf(one), sizeOf(other)) > LONGEST) return one === other;
  return folded(one) === folded(other);
};

export const isCalled = (text, names) => names.some((each) => isSameText(text, each));

const folded = (text) => wordsOf(casefolded(text.normalize("NFKC"))).join(" ");

// The names that are not the logged one, each with its language.
export const translations = (names, logged) => names.filter(({ text }) => !isSameText(text, logged));

// --- Where a badge contradicts the issuance, or the definition that it names ---

// Each in words.
export const differences = (badge, event, definition) =>
  [
    ...ids(badge, event),
    ...plain(badge, event, definition),
    ...credits(badge, definition.workload),
    ...aligned(badge, event, definition),
  ].map(([what, said, logged]) => `${what} ${cut(said, LONGEST + 1)} in the credential, ${logged} on the log`);

// Other names, such as addresses, are the issuer's own; an id of this form is one on the log. A Blockcert
// had its id before it came to the log.
const ids = (badge, event) => {
  const own = [BLOCKCERTS_2, BLOCKCERTS_3].includes(badge.format) ? null : badge.id;
  const pairs = [["id", own, event.credential], ["achievement.id", badge.achievement.id, event.achievement]];
  return pairs
    .map(([what, uri, logged]) => [what, UUID7_URN.exec(uri ?? "")?.[1], logged])
    .filter(([, found, logged]) => found !== undefined && found.toLowerCase() !== logged);
};

const plain = ({ achievement }, event, definition) => {
  const found = misnamed(achievement.names, definition.name).map((name) => [
    "achievement.name",
    quoted(name),
    quoted(definition.name),
  ]);
  const { type, languages, criteriaUrl, fieldOfStudy } = achievement;
  if (type !== null && !isSameText(type, definition.achievementType)) {
    found.push(["achievementType", type, definition.achievementType]);
  }
  const version = VERSION.exec(achievement.version ?? "");
  if (version !== null && Number(version[1]) !== event.achievementVersion) {
    found.push(["version", version[0], String(event.achievementVersion)]);
  }
  const { languages: logged, criteria, field } = definition;
  for (const language of logged === undefined ? [] : languages) {
    if (!isSpoken(language, logged)) found.push(["inLanguage", language, logged.join(", ")]);
  }
  if (criteria !== undefined && criteriaUrl !== null && criteriaUrl !== criteria.url) {
    found.push(["criteria", criteriaUrl, criteria.url]);
  }
  if (/^[0-9]{2,4}$/.test(fieldOfStudy ?? "") && field !== undefined && field !== fieldOfStudy) {
    found.push(["fieldOfStudy", fieldOfStudy, field]);
  }
  return found;
};

// The names that contradict the logged one. A translation is in a language that the badge names, and in
// which it does not state the logged name; there is none unless it states that, too.
const misnamed = (names, logged) => {
  const same = names.filter(({ text }) => isSameText(text, logged)).map(languageOf);
  const isTranslated = (name) => same.length > 0 && languageOf(name) !== null && !same.includes(languageOf(name));
  return names.filter((name) => !isTranslated(name) && !isSameText(name.text, logged)).map(({ text }) => text);
};

// Language and script of a text, without region; null if its tag names none.
const languageOf = ({ language }) => {
  const found = TAG.exec(language ?? "");
  return found === null || NO_LANGUAGE.includes(found[1]) ? null : `${found[1]}${found[2] ?? ""}`;
};

const quoted = (text) => `'${text}'`;

const isSpoken = (language, logged) => {
  const said = casefolded(language);
  return logged.map(casefolded).some((each) => said === each || said.startsWith(`${each}-`));
};

const BILLIONTHS = 1_000_000_000n;

const credits = ({ achievement, creditsAvailable, creditsEarned }, workload) => {
  if (workload === undefined) return [];
  const isEcts = workload.unit === "tenthOfEcts";
  const number = (BigInt(workload.amount) * BILLIONTHS) / (isEcts ? 10n : 1n);
  const amount = isEcts ? workload.amount / 10 : workload.amount;
  const logged = `${amount} ${isEcts ? "ECTS" : "hours"}`;
  const found = [];
  if (creditsAvailable !== null && creditsAvailable.billionths !== number) {
    found.push(["creditsAvailable", creditsAvailable.text, logged]);
  }
  // A learner may have earned fewer.
  if (creditsEarned !== null && creditsEarned.billionths > number) found.push(["creditsEarned", creditsEarned.text, logged]);
  const units = new Set(achievement.alignments.flatMap((each) => readClaims(each).units));
  for (const unit of ["hour", "tenthOfEcts"]) {
    if (units.has(unit) && unit !== workload.unit) found.push(["credits in", unit === "hour" ? "hours" : "ECTS", logged]);
  }
  return found;
};

const aligned = ({ achievement, elements }, event, definition) => {
  const outcomes = new Map();
  for (const { name, url } of definition.outcomes ?? []) {
    outcomes.set(folded(name), [...(outcomes.get(folded(name)) ?? []), url]);
  }
  const found = [];
  for (const alignment of achievement.alignments) {
    const claims = readClaims(alignment);
    found.push(...coded(claims, definition));
    if (claims.isOutcome && outcomes.size > 0) {
      const named = alignment.names.flatMap((each) => outcomes.get(folded(cut(each, LONGEST))) ?? []);
      const isOne = named.includes(undefined) || named.includes(alignment.url);
      if (!isOne) found.push(["outcome", quoted(alignment.names[0]), `${outcomes.size} others`]);
    }
    const [, id] = UUID7_URN.exec(alignment.url) ?? [];
    if (claims.qualityAssurance.length > 0 && id !== undefined && id.toLowerCase() !== event.accreditation) {
      found.push(["accreditation", id, event.accreditation ?? "none"]);
    }
  }
  for (const [what, one, awarded] of [
    ["assessment", event.assessment, elements.assessment],
    ["participation", event.participation, elements.participation],
    ["supervision", event.supervision, some(elements.supervision)],
  ]) {
    if (one !== undefined && awarded.length > 0 && !awarded.includes(one)) found.push([what, awarded.join(", "), one]);
  }
  return found;
};

// Where one alignment names another level or code than the definition.
const coded = (claims, definition) => {
  const { level } = definition;
  const found = claims.levels
    .filter(({ framework, value }) => level !== undefined && (level.framework !== framework || level.value !== value))
    .map((each) => ["level", inWords(each), inWords(level)]);
  for (const [what, said, logged] of [
    ["assessment", claims.assessment, definition.assessment ?? []],
    ["participation", claims.participation, definition.participation ?? []],
    ["quality assurance", claims.qualityAssurance, definition.qualityAssurance ?? []],
    ["supervision", claims.supervision, some(definition.supervision)],
    ["field", claims.fields, some(definition.field)],
  ]) {
    for (const word of said) if (logged.length > 0 && !logged.includes(word)) found.push([what, word, logged.join(", ")]);
  }
  return found;
};

const some = (word) => (word === undefined || word === null ? [] : [word]);

const inWords = ({ framework, value }) => `${framework} ${value}`;

// --- The proofs ---

// How the badge's own proofs differ from what the issuance states of them, in words; null if they do not. A
// proof is no part of what was committed to, so it may be added later.
export const suiteDifference = (badge, { suite }) => {
  const carried = [...new Set(badge.suites)].join(", ");
  if (suite === undefined || badge.suites.includes(suite) || (suite === "none" && carried === "")) return null;
  const stated = suite === "none" ? "no proof" : `a proof of suite ${suite}`;
  const found = carried === "" ? "carries none" : `carries one of suite ${carried}`;
  return `the issuance states ${stated} in the credential itself, and the credential ${found}`;
};
