// The checks, which rests on which, and what one step found: testamur/verification/checks.py, finding.py.
import { Refuted, Unavailable } from "./errors.mjs";

export const HOLDS = "holds";
export const REFUTED = "refuted";
export const UNCHECKED = "could not check";

// In the order of a report; each with those that it rests on directly.
export const RESTS_ON = {
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

// --- Findings ---

// What one step found. `lacking`: refuted by what is not there, such as the end of a suspension.
// `declared`: what stopped counting because a key was declared compromised. A finding without a
// verdict had nothing to look at, and is left out.
export const finding = (detail, found = {}) =>
  ({ detail, verdict: HOLDS, attested: false, lacking: false, subject: {}, notes: [], declared: [], ...found });

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
