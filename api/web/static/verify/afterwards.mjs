// What became of accreditor and authorities, and of their grants; what an accreditor decided beside what
// its grant covers. It is told, and changes no verdict. testamur/verification/steps/afterwards.py, decision.py.
import { circumstances, past } from "./declared.mjs";
import { fromBase64, hex } from "./encodings.mjs";
import { closing, statuses, words } from "./status.mjs";

// Later events of one grant; the last ones say how it stands now.
const SHOWN = 5;

// What was said of a grant after the issuance: suspensions, withdrawals and the like.
export const afterTheIssuance = (seen, what, grant) => {
  const setBy = statuses(seen.register, grant).map(([said]) => said);
  const later = setBy.filter(({ position }) => position > seen.position);
  const many = `${what} was changed ${later.length} times after the issuance; these are the last`;
  const told = later.slice(-SHOWN).map((said) => {
    const by = `${seen.called(said.actor)}${circumstances(said)}`;
    return `${what} was ${past(said.event)} at ${said.position} by ${by}, after the issuance; that does not change this verdict`;
  });
  return later.length > SHOWN ? [many, ...told] : told;
};

// Which of these organizations closed, where, and whether that was before the issuance. The issuer's own
// closing is told with the status.
export const closings = (seen, dids) =>
  [...new Set(dids)]
    .filter((did) => did !== seen.issuer)
    .map((did) => [did, closing(seen.register, seen.register.organizations.get(did))])
    .filter(([, closed]) => closed !== undefined)
    .map(([did, { position }]) => {
      const when = position < seen.position ? "before" : "after";
      return (
        `${seen.called(did)} (${did}) closed at position ${position}, ${when} the issuance; what it decided counts for its ` +
        "term, and it can withdraw nothing itself"
      );
    });

// What the line that grants an accreditation says of the decision: {words, isConditional, documents}.
export const decisionOf = ({ event }) => {
  const { kind, obligation, decision, evidence } = event;
  const words = obligation === undefined ? kind : `${kind}, ${obligation}`;
  const published =
    evidence === undefined
      ? []
      : [
          `the accreditor published its decision at ${evidence.url}, which nobody fetched here: the document has ` +
            `SHA-256 ${hex(fromBase64(evidence.digest))}`,
        ];
  return { words, isConditional: decision === "conditional", documents: published };
};

// The day by which a review was due that was missed before another day; or undefined.
export const overdue = ({ reviewBy }, day) => (reviewBy !== undefined && reviewBy < day ? reviewBy : undefined);

// A line on each review that was missed: before the issuance, or by `today`.
export const reviews = (seen, granted, today) => {
  const then = overdue(seen.vouched(granted), seen.issued.signed.day);
  if (then !== undefined) return [`the review of the accreditation was due by ${then}, before the issuance`];
  const now = overdue(words(seen.register, granted), today);
  if (now === undefined) return [];
  return [`the review of the accreditation was due by ${now}, and its accreditor states no later day`];
};
