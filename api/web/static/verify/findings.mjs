// Verification of a credential where its reader is: the checks of testamur/verification/verify.py, by
// the same rules and with the same verdicts. It sends nothing anywhere.
import { added, unexamined } from "./beyond.mjs";
import { readCredential } from "./blockcert_badge.mjs";
import { Case, parseAnchor } from "./case.mjs";
import { absenceOf, conclude } from "./conclusion.mjs";
import { Refusal, Refuted, Unavailable } from "./errors.mjs";
import { readExcerpt, shownBy, together } from "./excerpt.mjs";
import { factsOf } from "./facts.mjs";
import { HOLDS, attempt, finding, isFault, judge, need, rested } from "./finding.mjs";
import { derived, disagreements, reported, unknownFlags } from "./flags.mjs";
import { checkLearner, namesNobody, readAsked } from "./identities.mjs";
import { believed } from "./policy.mjs";
import { RECEIPTS, receipt } from "./receipts.mjs";
import { suiteDifference } from "./restated.mjs";
import { accreditation, recognition } from "./steps_accreditation.mjs";
import { achievement, issuer, validity } from "./steps_claims.mjs";
import { checkpoint, commitment, inclusion, signature, submission, witnessedAt } from "./steps_log.mjs";
import { proof } from "./steps_proof.mjs";
import { status } from "./steps_status.mjs";
import { proofsOf, suiteOf } from "./suites.mjs";

const NO_TREE = "there is no checkpoint that the policy believes";
const UNREAD = "not every submission shown can be read";
const NOT_FOLLOWED = "the signatures behind it could not be followed";

// The report on a credential. `holder` and `evidence` are as `evidence.mjs` reads them, `policy` as
// `policy.mjs` does; `anchors` are DIDs; `now` and `at` are in Unix milliseconds. `evidenceFrom` is "file" or
// "register"; `flags` are those that the register states, and `notes` are of whom the evidence is from. `beside` is other
// evidence, of no later size, whose entries are read with these: they were found to lie in a tree that is believed.
export const verify = async ({ holder, evidence, policy, anchors, now, at = null, learner = null, ...from }) => {
  const { evidenceFrom = "file", notes = [], beside = null } = from;
  const absence = absenceOf(evidenceFrom);
  // No time is later than one that is no number, so nothing would be ahead of it.
  if (!Number.isFinite(now)) throw new TypeError("the time of asking is a number of milliseconds");
  const asked = learner === null ? null : readAsked(learner);
  const given = new Set([...anchors].map(parseAnchor));
  const tree = await attempt(() => readTree(evidence, policy));
  const submissions = await attempt(() => shownBy(evidence));
  const known = await attempt(() => withThose(submissions, beside));
  const seen = await attempt(() => readCase({ holder, evidence, policy, given, tree, known }));
  const badge = await attempt(() => badgeIn(holder));
  const findings = rested(await steps({ holder, tree, submissions, seen, badge, asked, now, at: at ?? now }));
  const isOpened = findings.commitment.verdict === HOLDS;
  const isSigned = findings.signature.verdict === HOLDS;
  const found = isSigned ? derived(seen) : new Set();
  // Of what does not count nobody stated anything, and of a file the register was not asked.
  const stated = isSigned && evidenceFrom !== "file" ? from.flags ?? null : null;
  return conclude(holder.id, isFault(tree) ? null : tree, findings, {
    ...{ evidenceFrom, now, at },
    loggedAt: isSigned ? seen.issued.signed.recordedAt : null,
    recordedAt: isFault(seen) ? null : seen.excerpt.recordedAt,
    witnessedAt: isFault(tree) ? null : inMilliseconds(witnessedAt(tree, now)),
    flags: reported(found, stated, absence),
    isFurther: isSigned && stated === null,
    issuerOnly: isOpened ? additions(holder, seen, badge) : [],
    unexamined: isOpened ? unexamined(holder.credential) : [],
    notes: [...notesOn(seen, isOpened ? badge : null), ...disagreements(found, stated), ...unknownFlags(stated ?? []), ...notes],
    facts: isFault(seen) || isFault(tree) ? null : factsOf(seen, tree, findings, absence),
  });
};

const badgeIn = ({ credential }) => {
  try {
    return readCredential(credential);
  } catch (error) {
    throw error instanceof Refusal ? new Unavailable(`the credential cannot be read: ${error.message}`) : error;
  }
};

const additions = ({ credential }, seen, badge) => {
  const definition = seen.writtenDefinition();
  if (isFault(badge) || definition === null) return [];
  return added(credential, badge, seen.issued.event, definition, seen.words.get(seen.issuer)?.names ?? []);
};

const notesOn = (seen, badge) => {
  if (isFault(seen)) return [];
  const suite = badge === null || isFault(badge) ? null : suiteDifference(badge, seen.issued.event);
  return [...seen.ownNames(), ...(suite === null ? [] : [suite])];
};

const inMilliseconds = (seconds) => (seconds === null ? null : seconds * 1000);

const readTree = async (evidence, policy) => {
  const found = await believed(policy, evidence.checkpoint);
  return { ...found, stated: evidence.size ?? found.checkpoint.size };
};

const withThose = (submissions, beside) => {
  const entries = need(submissions, UNREAD);
  return beside === null ? entries : together(entries, shownBy(beside));
};

const readCase = async ({ holder, evidence, policy, given, tree, known }) => {
  if (evidence.credential !== holder.id) throw new Unavailable(`the evidence is about credential ${evidence.credential}`);
  const entries = need(known);
  const { origin } = need(tree, NO_TREE).checkpoint;
  return new Case(await readExcerpt(holder.id, entries, origin, policy), given);
};

const steps = async ({ holder, tree, submissions, seen, badge, asked, now, at }) => {
  const { credential } = holder;
  const log = () => need(tree, NO_TREE);
  // A forgery is told once, where the signatures are looked at.
  const followed = () => need(seen, seen instanceof Refuted ? NOT_FOLLOWED : undefined);
  const logged = isFault(seen) ? undefined : seen.issued.event.format;
  const made = {
    commitment: () => commitment(holder, followed().issued), // 1
    submission: () => submission(need(submissions)), // 2
    signature: () => signature(need(seen), log(), now), // 3
    inclusion: () => inclusion(need(submissions), log()), // 4
    checkpoint: () => checkpoint(need(tree), holder.log), // 5
    status: () => status(followed(), log()), // 6
    accreditation: () => accreditation(followed(), now), // 7
    recognition: () => recognition(followed()), // 8
    achievement: () => achievement(followed(), need(badge)), // 9
    issuer: () => issuer(followed(), need(badge)), // 10
    validity: () => validity(followed(), need(badge), at, now), // 11
    proof: () => ownProof(credential, followed, at, now), // 12
    learner: () => learner(credential, badge, asked), // 13
    blockcert: () => receipt("blockcert", credential, logged), // 14
    blockchain: () => receipt("blockchain", credential, logged), // 15
  };
  const findings = {};
  for (const [name, step] of Object.entries(made)) findings[name] = await judge(step);
  return findings;
};

const NOTHING = { verdict: null }; // there is nothing to look at

const ownProof = (credential, followed, at, now) => {
  // There is none, or receipts alone, which are a check each.
  const suites = proofsOf(credential).map(suiteOf);
  return suites.every((suite) => RECEIPTS.includes(suite)) ? finding("", NOTHING) : proof(credential, followed(), at, now);
};

// (13) The credential names the learner asked about.
const learner = async (credential, badge, asked) => {
  if (asked === null) {
    const note = namesNobody(credential)
      ? "whose it is could not be checked: the credential names no learner"
      : "whose it is was not checked: compare it with the learner's e-mail address, number or DID";
    return finding("", { ...NOTHING, notes: [note] });
  }
  need(badge); // a credential that can be read in two ways may name two people
  return finding(await checkLearner(credential, asked));
};
