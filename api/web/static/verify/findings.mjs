// Verification of a credential where its reader is: the checks of testamur/verification/verify.py, by
// the same rules and with the same verdicts. It sends nothing anywhere.
import { hasOwnProof, isBlockcert } from "./blockcerts.mjs";
import { Case, parseAnchor } from "./case.mjs";
import { conclude } from "./conclusion.mjs";
import { Refuted, Unavailable } from "./errors.mjs";
import { readExcerpt, shownBy } from "./excerpt.mjs";
import { HOLDS, UNCHECKED, attempt, finding, isFault, judge, need, rested } from "./finding.mjs";
import { believed } from "./policy.mjs";
import { checkpoint, commitment, inclusion, signature, submission, witnessedAt } from "./steps_log.mjs";
import { accreditation, recognition, status } from "./steps_standing.mjs";

const NO_TREE = "there is no checkpoint that the policy believes";
const NOT_FOLLOWED = "the signatures behind it could not be followed";

// What the credential itself says, in a form of many variants, is read by Python alone so far.
export const NOT_MADE = ["achievement", "issuer", "validity", "proof", "learner", "blockcert", "blockchain"];

// The report on a credential. `holder` and `evidence` are as `evidence.mjs` reads them, `policy` as
// `policy.mjs` does; `anchors` are DIDs; `now` and `at` are in Unix milliseconds. `evidenceFrom` is "file" or
// "register". `notes` are of whom the evidence is from.
export const verify = async ({ holder, evidence, policy, anchors, now, at = null, learner = null, ...asked }) => {
  const { evidenceFrom = "file", notes = [] } = asked;
  // No time is later than one that is no number, so nothing would be ahead of it.
  if (!Number.isFinite(now)) throw new TypeError("the time of asking is a number of milliseconds");
  const given = new Set([...anchors].map(parseAnchor));
  const tree = await attempt(() => readTree(evidence, policy));
  const submissions = await attempt(() => shownBy(evidence));
  const seen = await attempt(() => readCase({ holder, evidence, policy, given, tree, submissions }));
  const findings = rested(await steps({ holder, tree, submissions, seen, now, learner }));
  const isSigned = findings.signature.verdict === HOLDS;
  return conclude(holder.id, isFault(tree) ? null : tree, findings, {
    ...{ evidenceFrom, now, at, notes },
    loggedAt: isSigned ? seen.issued.signed.recordedAt : null,
    recordedAt: isFault(seen) ? null : seen.excerpt.recordedAt,
    witnessedAt: isFault(tree) ? null : inMilliseconds(witnessedAt(tree, now)),
    ...{ flags: [], isFurther: false, issuerOnly: [], unexamined: [], facts: null },
  });
};

const inMilliseconds = (seconds) => (seconds === null ? null : seconds * 1000);

const readTree = async (evidence, policy) => {
  const found = await believed(policy, evidence.checkpoint);
  return { ...found, stated: evidence.size ?? found.checkpoint.size };
};

const readCase = async ({ holder, evidence, policy, given, tree, submissions }) => {
  if (evidence.credential !== holder.id) throw new Unavailable(`the evidence is about credential ${evidence.credential}`);
  const entries = need(submissions, "not every submission shown can be read");
  const { origin } = need(tree, NO_TREE).checkpoint;
  return new Case(await readExcerpt(holder.id, entries, origin, policy), given);
};

const steps = async ({ holder, tree, submissions, seen, now, learner }) => {
  const log = () => need(tree, NO_TREE);
  // A forgery is told once, where the signatures are looked at.
  const followed = () => need(seen, seen instanceof Refuted ? NOT_FOLLOWED : undefined);
  const made = {
    commitment: () => commitment(holder, followed().issued),
    submission: () => submission(need(submissions)),
    signature: () => signature(need(seen), log(), now),
    inclusion: () => inclusion(need(submissions), log()),
    checkpoint: () => checkpoint(need(tree), holder.log),
    status: () => status(followed(), log()),
    accreditation: () => accreditation(followed()),
    recognition: () => recognition(followed()),
  };
  const findings = {};
  for (const [name, step] of Object.entries(made)) findings[name] = await judge(step);
  for (const name of NOT_MADE) findings[name] = notMade(name);
  for (const name of withoutObject(holder.credential, seen, learner !== null)) findings[name] = finding("", { verdict: null });
  return findings;
};

const notMade = (name) =>
  finding(`the check ${name} is not made in the browser yet: use testamur verify`, { verdict: UNCHECKED });

// The checks that have nothing to look at.
const withoutObject = (credential, seen, isAsked) => {
  const format = isFault(seen) ? undefined : seen.issued.event.format;
  return [
    ...(hasOwnProof(credential) ? [] : ["proof"]),
    ...(isAsked ? [] : ["learner"]),
    ...(isBlockcert(credential, format) ? [] : ["blockcert", "blockchain"]),
  ];
};
