// The checks, which rests on which, and what findings come to: testamur/verification/checks.py,
// finding.py, basis.py and answer.py.
import { Refuted, Unavailable, printable } from "./errors.mjs";

export const HOLDS = "holds";
export const REFUTED = "refuted";
export const UNCHECKED = "could not check";

const PROVEN = "proven";
const ATTESTED = "attested";
const REGISTER = "stated by the register";
const BEARER = "the bearer's word";

// In the order of a report; each with those that it rests on directly.
const RESTS_ON = {
  commitment: ["submission", "inclusion"],
  submission: [],
  signature: ["submission", "inclusion"],
  inclusion: ["checkpoint"],
  checkpoint: [],
  status: ["signature"],
  accreditation: ["signature"],
  recognition: ["accreditation"],
  achievement: ["commitment", "signature"],
  issuer: ["commitment", "signature"],
  validity: ["commitment", "signature"],
  proof: ["signature"],
  learner: ["commitment", "signature"],
  blockcert: [],
  blockchain: ["blockcert"],
};
export const CHECKS = Object.keys(RESTS_ON);

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

// --- Findings ---

// What one step found. `lacking`: refuted by what is not there, such as the end of a suspension. A
// finding without a verdict had nothing to look at, and is left out.
export const finding = (detail, { verdict = HOLDS, attested = false, lacking = false, subject = {} } = {}) =>
  ({ detail, verdict, attested, lacking, subject });

// What `read` returns, or the fault that it throws, to be kept for every step that needs it.
export const attempt = async (read) => {
  try {
    return await read();
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
};

export const isFault = (found) => found instanceof Refuted || found instanceof Unavailable;

// What was found; else throws its fault, or `Unavailable` where another step tells of the fault.
export const need = (found, why) => {
  if (!isFault(found)) return found;
  throw why === undefined ? found : new Unavailable(why);
};

export const judge = async (step) => {
  const found = await attempt(step);
  if (!isFault(found)) return found;
  return finding(found.message, { verdict: found instanceof Refuted ? REFUTED : UNCHECKED });
};

// The findings, where no conclusion is stronger than its premises.
export const rested = (findings) => {
  const judged = {};
  const standing = (name) => {
    if (!(name in judged)) {
      judged[name] = findings[name];
      for (const premise of RESTS_ON[name]) {
        const under = standing(premise);
        if (judged[name].verdict !== null && under.verdict !== HOLDS) judged[name] = without(premise, under.verdict);
      }
    }
    return judged[name];
  };
  return Object.fromEntries(CHECKS.map((name) => [name, standing(name)]));
};

const without = (premise, verdict) => {
  const isSo = verdict === REFUTED ? "is refuted" : "could not be checked";
  return finding(`it rests on ${premise}, which ${isSo}`, { verdict: UNCHECKED });
};

// --- The report ---

// {verdict, why, subject, checks: [{name, verdict, basis, detail}]}. `evidenceFrom` is "file" for
// evidence that was handed over, and "register" for what the page fetched from its own origin.
export const reportOf = (proven, { evidenceFrom, asOf, size }) => {
  const absence = absenceOf(evidenceFrom);
  const made = Object.fromEntries(CHECKS.map((name) => [name, completed(name, proven[name], absence)]));
  const shown = CHECKS.filter((name) => made[name].verdict !== null);
  return {
    verdict: answer(made),
    why: printable(reason(made, proven, absence, asOf, size), 1000),
    asOf,
    size,
    subject: Object.assign({}, ...CHECKS.map((name) => made[name].subject)),
    checks: shown.map((name) => {
      const { verdict, detail } = made[name];
      return { name, verdict, basis: basisOf(name, made[name], absence), detail: printable(detail, 1000) };
    }),
  };
};

const absenceOf = (evidenceFrom) => {
  if (evidenceFrom === "file") return BEARER;
  // Any other word would make the bearer's word the register's.
  if (evidenceFrom !== "register") throw new TypeError(`evidence is from a file or the register, not ${evidenceFrom}`);
  return REGISTER;
};

const answer = (made) => {
  const verdicts = CHECKS.map((name) => made[name].verdict);
  if (verdicts.includes(REFUTED)) return "not-valid";
  return verdicts.includes(UNCHECKED) ? "could-not-tell" : "valid";
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
  if (absence === BEARER) return "everything in the file holds; whether it was revoked since could not be told offline";
  const later = asOf === size ? "" : `; the evidence leaves out the ${size - asOf} entries after it`;
  return `every check holds as of size ${asOf}${later}; that nothing was left out is ${absence}`;
};

const first = ([name, ...more], made, others) =>
  `${made[name].detail}${more.length > 0 ? `; ${others}: ${more.join(", ")}` : ""}`;
