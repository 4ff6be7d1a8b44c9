// The flags of an issuance: those that follow from the entries shown, and those that the register states.
// testamur/verification/flags.py and testamur/rules/flags.py. A flag follows from what stood before the
// issuance; the register gave its flags as it admitted it, by all that it held.
import { overdue } from "./afterwards.mjs";
import { inForce } from "./chain.mjs";
import { PROVEN, REGISTER } from "./conclusion.mjs";
import { uncovered } from "./scope.mjs";
import { closing, existing } from "./status.mjs";

// Those that an issuance may have, in their order, with what each means.
export const MEANINGS = {
  "no-accreditation-claimed": "the provider names no accreditation",
  "accreditation-not-in-force": "the accreditation is suspended, withdrawn, not begun or over on that day",
  "outside-accredited-scope": "the accreditation does not cover the definition, or the country that its accreditor states",
  "accreditor-not-recognised":
    "no recognition of the accreditor by a root authority, or by an authority that one of these recognised, is in force",
  "authority-closed": "every authority whose recognition of the accreditor is in force has closed",
  "accreditor-closed": "the accreditor has closed, and can withdraw nothing any more",
  "self-accreditation": "accreditor and provider are one organization",
  "outside-recognition": "the accreditation reaches beyond every recognition in force",
  "achievement-retired": "the achievement is awarded no more",
  "achievement-version-outdated": "a later version of the definition was published",
  backdated: "valid from more than 30 days before it was recorded",
  postdated: "valid from more than a day after it was recorded",
  "elements-missing": "the definition leaves out a mandatory element of 2022/C 243/02",
  "country-changed": "the organization states another country than before, in its own word",
  "self-recognition": "nobody but the accreditor itself, being an authority too, recognises it",
  "identifier-shared": "another organization stated one of these identifiers first",
  "key-shared": "another organization listed one of these keys first",
  "reaches-back": "it brings back what was ended, or voids grants to others",
  "review-overdue": "the accreditor was to review the accreditation before that day, and states no later one",
  "did-of-another": "one of `otherIds` is the DID or a key of another organization than the one it is about",
};
const FLAGS = Object.keys(MEANINGS);

// Evidence shows all that these follow from.
const SHOWN_WHOLE = new Set([
  ...["no-accreditation-claimed", "accreditation-not-in-force", "outside-accredited-scope", "accreditor-closed"],
  ...["self-accreditation", "achievement-retired", "backdated", "postdated", "elements-missing", "review-overdue"],
]);
// These follow from what is not there; the others that are derived, from the entries shown.
const OF_ABSENCE = ["accreditation-not-in-force", "review-overdue"];

// The codes that follow from the entries shown, as of the issuance: a set.
export const derived = (seen) =>
  new Set([...ofAccreditation(seen), ...ofAchievement(seen), ...ofDates(seen.issued), ...ofElements(seen.writtenDefinition())]);

// The flags as a report names them: [{code, basis, meaning}]. `stated` are the codes that the register states to
// this verifier, null if it was not asked; `absence` is the basis on which nothing is said to be missing.
export const reported = (found, stated, absence) =>
  FLAGS.filter((code) => found.has(code) || stated?.includes(code)).map((code) => {
    const proven = OF_ABSENCE.includes(code) ? absence : PROVEN;
    return { code, basis: found.has(code) ? proven : REGISTER, meaning: MEANINGS[code] };
  });

// Where the flags that follow from the entries shown are not those that were stated. A key that was declared
// compromised since may change what counts, and a register may state what is not so.
export const disagreements = (found, stated) => {
  if (stated === null) return [];
  return FLAGS.flatMap((code) => {
    if (stated.includes(code) && SHOWN_WHOLE.has(code) && !found.has(code)) {
      return [
        `the register states that the issuance was flagged ${code} as it was admitted; by what counts now that does not follow`,
      ];
    }
    if (!found.has(code) || stated.includes(code)) return [];
    return [
      `${code} follows from what counts now; the register does not state that the issuance was flagged so as it was admitted`,
    ];
  });
};

// What is stated that is no flag known here, in words.
export const unknownFlags = (stated) =>
  stated
    .filter((code) => !FLAGS.includes(code))
    .map((code) => `The registry states a flag that this version does not know: ${code}`);

const ofAccreditation = (seen) => {
  const { register, issued, position } = seen;
  const granted = seen.accreditation();
  const found = issued.event.accreditation === undefined ? ["no-accreditation-claimed"] : [];
  if (granted === null) return found;
  const { day } = issued.signed;
  if (!inForce(register, granted, { position, day, covered: null })) found.push("accreditation-not-in-force");
  const covered = seen.covered();
  if (covered !== null && uncovered(granted.event.scope, covered).length > 0) found.push("outside-accredited-scope");
  if (closing(register, register.organizations.get(granted.owner), position) !== undefined) found.push("accreditor-closed");
  if (granted.owner === seen.issuer) found.push("self-accreditation");
  if (overdue(seen.vouched(granted), day) !== undefined) found.push("review-overdue");
  return found;
};

const ofAchievement = ({ register, issued, position }) => {
  const achievement = register.achievements.get(issued.event.achievement);
  if (achievement === undefined) return [];
  const later = [...achievement.definitions].filter(([version]) => version > issued.event.achievementVersion);
  return [
    ...(isRetired(register, achievement, position) ? ["achievement-retired"] : []),
    ...(later.some(([, each]) => existing(register, each, position) !== null) ? ["achievement-version-outdated"] : []),
  ];
};

const isRetired = (register, achievement, before) => {
  const began = existing(register, achievement, before);
  const isItsEnd = ({ position, actor, signed }) =>
    position > began[0] && position < before && actor === achievement.owner && register.counts(signed);
  return began !== null && achievement.stream.some(isItsEnd);
};

const DAY = 24 * 3600 * 1000;

const ofDates = ({ signed, event }) => {
  const late = (Date.parse(signed.day) - Date.parse(event.validFrom)) / DAY;
  if (late > 30) return ["backdated"];
  return late < -1 ? ["postdated"] : [];
};

const MANDATORY = ["outcomes", "workload", "level", "assessment", "participation", "qualityAssurance"];

const ofElements = (definition) =>
  definition !== null && MANDATORY.some((member) => definition[member] === undefined) ? ["elements-missing"] : [];
