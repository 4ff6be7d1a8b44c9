// What can be told of a Blockcert alone, without the blind that links it to a log: nothing in a page, which does
// not examine receipts. testamur/verification/bare_blockcert.py.
import { conclude } from "./conclusion.mjs";
import { CHECKS, UNCHECKED, finding } from "./finding.mjs";
import { notMade } from "./receipts.mjs";

const ALONE =
  "a Blockcert alone, without the holder file that its provider made: whether a log holds it, and what was said of it " +
  "since, could not be told";

// The report, which is never *valid*; `now` is in Unix milliseconds.
export const examineAlone = ({ id }, now) => {
  const findings = Object.fromEntries(CHECKS.map((name) => [name, finding("", { verdict: null })]));
  for (const name of ["blockcert", "blockchain"]) findings[name] = finding(notMade(name), { verdict: UNCHECKED });
  findings.commitment = finding(ALONE, { verdict: UNCHECKED });
  return conclude(typeof id === "string" ? id : "", null, findings, {
    ...{ evidenceFrom: "file", now, at: null, loggedAt: null, recordedAt: null, witnessedAt: null },
    ...{ flags: [], isFurther: false, issuerOnly: [], unexamined: [], notes: [], facts: null },
  });
};
