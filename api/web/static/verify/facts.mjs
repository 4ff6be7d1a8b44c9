// What a reader wants to know first, as far as the checks show it: what was awarded, by whom, who
// accredited that, up to which authority, and what became of it. Nothing is in here that a report refutes
// or leaves open, but for what is said to be somebody's own word.
//
//     award       {achievement, version, name, validFrom, validUntil, assessment, participation, supervision,
//                 position, recordedAt, definition}  null for what was not said; `definition` is as it was logged
//                 (level, workload, outcomes, ...), or null
//     issuer      {did, name, isVouched, names, ids, vouchedBy, position}
//     accreditor  {did, name, isVouched, accreditation, kind, obligation, decision, validFrom, validUntil, document}
//     chain       [{did, name, isVouched, recognition}]  who recognised the accreditor, up to the anchor; empty
//                 where the accreditor is an anchor itself
//     anchor      {did, name, isVouched, isGiven}  `isGiven`: the verifier named it
//     status      {word, asOf, size, basis, acts: [{what, position, recordedAt, effectiveAt, reason, successor,
//                 by: {did, name, isVouched}, isHeard}]}
//
// Each is null where its checks do not hold; of a status, where it could not be told.
import { past } from "./declared.mjs";
import { HOLDS, REFUTED } from "./finding.mjs";
import { acts, status as statusOf } from "./status.mjs";
import { isHeard } from "./steps_status.mjs";
import { formatTime } from "./submission.mjs";

// `findings` are those that rest on each other, whatever only the bearer says; null if the credential is not the
// one that was logged, or nobody who counts logged it.
export const factsOf = (seen, tree, findings, absence) => {
  const holds = (name) => findings[name].verdict === HOLDS;
  if (!holds("commitment") || !holds("signature")) return null;
  const isRecognised = holds("accreditation") && holds("recognition");
  return {
    award: awardOf(seen),
    issuer: issuerOf(seen),
    accreditor: holds("accreditation") ? accreditorOf(seen) : null,
    chain: isRecognised ? chainOf(seen) : null,
    anchor: isRecognised ? anchorOf(seen) : null,
    status: holds("status") || findings.status.verdict === REFUTED ? standingOf(seen, tree, absence) : null,
  };
};

const named = (seen, did) => ({ did, name: seen.nameOf(did), isVouched: seen.words.has(did) });

const awardOf = (seen) => {
  const { event, signed, position } = seen.issued;
  const said = seen.excerpt.writtenDefinition(seen.issued);
  const definition = said !== null && seen.register.counts(said.signed) ? said.event.definition : null;
  return {
    achievement: event.achievement,
    version: event.achievementVersion,
    name: definition === null ? null : definition.name,
    validFrom: event.validFrom,
    validUntil: event.validUntil ?? null,
    assessment: event.assessment ?? null,
    participation: event.participation ?? null,
    supervision: event.supervision ?? null,
    position,
    recordedAt: formatTime(signed.recordedAt),
    definition,
  };
};

const issuerOf = (seen) => {
  const word = seen.words.get(seen.issuer);
  const { names = [], ids = [], position = null } = word ?? {};
  return { ...named(seen, seen.issuer), names, ids, vouchedBy: word === undefined ? null : named(seen, word.by), position };
};

const accreditorOf = (seen) => {
  const { owner, event } = seen.accreditation();
  return {
    ...named(seen, owner),
    accreditation: event.accreditation,
    kind: event.kind,
    obligation: event.obligation ?? null,
    decision: event.decision,
    validFrom: event.validFrom,
    validUntil: event.validUntil ?? null,
    document: event.evidence ?? null,
  };
};

const chainOf = (seen) =>
  seen.path
    .map((id) => ({ ...named(seen, seen.register.recognitions.get(id).owner), recognition: id }))
    .reverse();

const anchorOf = (seen) => {
  const [first] = seen.path;
  const did = first === undefined ? seen.accreditation().owner : seen.register.recognitions.get(first).owner;
  return { ...named(seen, did), isGiven: seen.isGiven };
};

const standingOf = (seen, tree, absence) => {
  const { known } = seen.excerpt;
  const word = statusOf(seen.register, known, { heard: (speaker, position) => seen.hears(speaker, position) });
  const all = acts(seen.register, known).map((act) => actOf(act, seen));
  return { word, asOf: tree.stated, size: tree.checkpoint.size, basis: absence, acts: all };
};

const actOf = (act, seen) => {
  const { event, position, signed, actor } = act.said;
  return {
    what: past(event),
    position,
    recordedAt: formatTime(signed.recordedAt),
    effectiveAt: event.effectiveAt ?? null,
    reason: event.reason ?? null,
    successor: event.successor ?? null,
    by: named(seen, actor),
    isHeard: actor === seen.issuer || isHeard(act, seen),
  };
};
