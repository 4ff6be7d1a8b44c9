// What findings come to: the report, on what each line of it rests, and the answer with its reason.
// testamur/verification/conclusion.py, basis.py and answer.py; the shape is told in `verify.mjs`.
import { hex } from "./encodings.mjs";
import { printable } from "./errors.mjs";
import { CHECKS, HOLDS, REFUTED, RESTS_ON, UNCHECKED } from "./finding.mjs";
import { formatTime } from "./submission.mjs";

export const PROVEN = "proven";
const ATTESTED = "attested";
export const REGISTER = "stated by the register";
const BEARER = "the bearer's word";

// What a check says did not happen, of which an excerpt proves nothing.
const ABSENT = {
  signature: "no key under it was cut off before",
  status: "nothing ended it since",
  accreditation: "nothing suspended or withdrew it before",
  recognition: "nothing withdrew it before",
};

const FALSE = {
  commitment: "this is not the credential that was logged, or not its blind",
  submission: "an entry shown is not what its provider signed",
  inclusion: "an entry shown is not in the log at its place",
  checkpoint: "the policy does not believe the checkpoint",
  proof: "the credential's own proof does not hold",
  blockcert: "the receipt in the Blockcert does not hold",
};

const OFFLINE = "everything in the file holds; whether it was revoked since could not be told offline";
const FURTHER =
  "further flags could not be checked: they follow from entries that evidence leaves out, and the register states " +
  "them";
// A report is read by people, and its parts come from strangers.
const DETAIL = 1000;
const NOTES = 100;

// `proven` are the findings before those that only the bearer says are put in doubt. `tree` may be null; times
// are in Unix milliseconds, or null. `flags` are of `flags.mjs`.
export const conclude = (credential, tree, proven, told) => {
  const { evidenceFrom, now, at, loggedAt, recordedAt, witnessedAt, flags, isFurther, notes } = told;
  const [asOf, size] = tree === null ? [0, 0] : [Math.min(tree.stated, tree.checkpoint.size), tree.checkpoint.size];
  const absence = absenceOf(evidenceFrom);
  const made = Object.fromEntries(CHECKS.map((name) => [name, completed(name, proven[name], absence)]));
  const found = CHECKS.map((name) => proven[name]);
  const declared = found.flatMap((each) => each.declared);
  return {
    format: "testamur/report/1",
    verdict: answer(made),
    why: shortened(why(reason(made, proven, absence, asOf, size), declared, at)),
    evidenceFrom,
    credential,
    log: tree === null ? "" : tree.checkpoint.origin,
    size,
    asOf,
    root: tree === null ? "" : hex(tree.checkpoint.root),
    checkedAt: formatTime(now),
    loggedAt: timeOf(loggedAt),
    recordedAt: timeOf(recordedAt),
    witnessedAt: timeOf(witnessedAt),
    subject: Object.assign({}, ...CHECKS.map((name) => made[name].subject)),
    checks: checksOf(made, absence),
    flags,
    issuerOnly: cut(told.issuerOnly),
    unexamined: cut(told.unexamined),
    notes: cut([...new Set([...notes, ...found.flatMap((each) => each.notes), ...declared, ...(isFurther ? [FURTHER] : [])])]),
    facts: told.facts,
  };
};

// The report where no credential was examined.
export const unread = (reason, now) => ({
  format: "testamur/report/1",
  verdict: "could-not-tell",
  why: shortened(reason),
  ...{ evidenceFrom: "file", credential: "", log: "", size: 0, asOf: 0, root: "", checkedAt: formatTime(now) },
  ...{ loggedAt: null, recordedAt: null, witnessedAt: null, subject: {}, checks: [], flags: [] },
  ...{ issuerOnly: [], unexamined: [], notes: [], facts: null },
});

const shortened = (text) => printable(text, DETAIL);

const timeOf = (milliseconds) => (milliseconds === null ? null : formatTime(milliseconds));

const cut = (notes) => {
  const left = notes.length - NOTES;
  return [...notes.slice(0, NOTES).map(shortened), ...(left > 0 ? [`and ${left} more`] : [])];
};

const checksOf = (made, absence) =>
  CHECKS.filter((name) => made[name].verdict !== null).map((name) => {
    const { verdict, detail } = made[name];
    return { name, verdict, basis: basisOf(name, made[name], absence), detail: shortened(detail) };
  });

// --- On what a line rests ---

// The basis on which something is said not to have happened.
export const absenceOf = (evidenceFrom) => {
  if (evidenceFrom === "file") return BEARER;
  // Any other word would make the bearer's word the register's.
  if (evidenceFrom !== "register") throw new TypeError(`evidence is from a file or the register, not ${evidenceFrom}`);
  return REGISTER;
};

// What only the bearer says could not be checked.
const completed = (name, found, absence) => {
  if (found.lacking && found.verdict === REFUTED && absence === BEARER) {
    return untold(`${found.detail}; the file may leave out what would mend it`, found);
  }
  if (!(name in ABSENT) || found.verdict !== HOLDS) return found;
  const detail = `${found.detail}; that ${ABSENT[name]} is ${absence}, not proven`;
  return absence === REGISTER ? { ...found, detail } : untold(detail, found);
};

const untold = (detail, found) => {
  const { status } = found.subject;
  // Who reads this one word must not take the bearer's for the register's.
  const subject = status === undefined ? found.subject : { ...found.subject, status: `${status} by ${BEARER}` };
  return { ...found, detail, verdict: UNCHECKED, subject };
};

const basisOf = (name, found, absence) => {
  if (found.verdict === REFUTED && !found.lacking && name !== "recognition") return PROVEN;
  if (name in ABSENT || found.lacking) return absence;
  return found.attested ? ATTESTED : PROVEN;
};

// --- The answer ---

const answer = (made) => {
  const verdicts = CHECKS.map((name) => made[name].verdict);
  if (verdicts.includes(REFUTED)) return "not-valid";
  return verdicts.includes(UNCHECKED) ? "could-not-tell" : "valid";
};

// A reader must not take an answer as of another time for one of today.
const why = (said, declared, at) => {
  const dated = at === null ? [] : [`its dates are judged as of ${formatTime(at).replace(/\.000Z$|Z$/, "+00:00")}, not of now`];
  return [...new Set([said, ...dated, ...declared])].join("; ");
};

const reason = (made, proven, absence, asOf, size) => {
  const refuted = CHECKS.filter((name) => made[name].verdict === REFUTED);
  if (refuted.length > 0) {
    const said = first(refuted, made, "refuted too");
    return refuted[0] in FALSE ? `${FALSE[refuted[0]]}: ${said}` : said;
  }
  const unchecked = CHECKS.filter(
    (name) =>
      made[name].verdict === UNCHECKED &&
      proven[name].verdict !== HOLDS &&
      RESTS_ON[name].every((premise) => proven[premise].verdict === HOLDS),
  );
  if (unchecked.length > 0) return first(unchecked, made, "not checked either");
  if (absence === BEARER) return OFFLINE;
  const later = asOf === size ? "" : `; the evidence leaves out the ${size - asOf} entries after it`;
  return `every check holds as of size ${asOf}${later}; that nothing was left out is ${absence}`;
};

const first = ([name, ...more], made, others) =>
  `${made[name].detail}${more.length > 0 ? `; ${others}: ${more.join(", ")}` : ""}`;
