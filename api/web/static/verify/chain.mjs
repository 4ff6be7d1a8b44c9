// From an anchor to an accreditor: at most four recognitions, each in force where it is needed.
// testamur/rules/chain.py. A moment is {position, day, covered}; `covered` is null where no scope is
// asked.
import { uncovered } from "./scope.mjs";
import { existing, status, statuses } from "./status.mjs";

const LONGEST = 4;

// Whether a recognition or an accreditation holds and covers at a moment.
export const inForce = (register, grant, { position, day, covered }) => {
  if (grant === undefined) return false;
  const { validFrom, validUntil, scope } = grant.event;
  if (day < validFrom || (validUntil !== undefined && validUntil < day)) return false;
  if (status(register, grant, { before: position }) !== "active") return false;
  return covered === null || uncovered(scope, covered).length === 0;
};

// The ids of one shortest chain of recognitions, anchor first, or null; of chains of one length the
// one whose recognitions came into being first.
export const chain = (register, accreditor, moment, anchors) => {
  if (anchors.has(accreditor)) return [];
  let reached = new Map([...anchors].sort().map((anchor) => [anchor, []]));
  const seen = new Set(reached.keys());
  for (let length = 1; length <= LONGEST; length += 1) {
    const links = begun(register, moment, accrediting(register, reached, accreditor));
    const link = links.find(({ id }) => inForce(register, register.recognitions.get(id), moment));
    if (link !== undefined) return [...reached.get(link.authority), link.id];
    if (length < LONGEST) reached = authorities(register, reached, seen, moment);
  }
  return null;
};

// The authorities one recognition further, each with its chain; `seen` grows by them.
const authorities = (register, reached, seen, moment) => {
  const granted = [...reached.keys()].flatMap((authority) =>
    (register.authorised.get(authority) ?? []).map((id) => ({ id, authority })),
  );
  const found = new Map();
  for (const { id, authority } of begun(register, moment, granted)) {
    const grant = register.recognitions.get(id);
    if (seen.has(grant.subject) || !inForce(register, grant, moment)) continue;
    found.set(grant.subject, [...reached.get(authority), id]);
    seen.add(grant.subject);
  }
  return found;
};

// The recognitions by authorities that make this accreditor one.
const accrediting = (register, reached, accreditor) =>
  [...reached.keys()].flatMap((authority) =>
    (register.grantsOf.get(`${accreditor} ${authority}`) ?? [])
      .filter((id) => register.recognitions.get(id)?.makes === "accreditor")
      .map((id) => ({ id, authority })),
  );

// Those that came into being before the moment, the oldest first.
const begun = (register, moment, links) =>
  links
    .map((link) => ({ ...link, began: existing(register, register.recognitions.get(link.id), moment.position) }))
    .filter(({ began }) => began !== null)
    .sort((one, other) => one.began[0] - other.began[0]);

// Where, and on which days, it can change who leads to an anchor: testamur/verification/trust/anchors.py.
// Between two of them one answer serves every act of the successors that an accreditor named.
export const turns = (register, anchors) => {
  const grants = leading(register, anchors);
  return {
    positions: grants.flatMap((grant) => changes(register, grant)),
    firstDays: new Set(grants.map(({ event }) => event.validFrom)),
    lastDays: new Set(grants.map(({ event }) => event.validUntil).filter((day) => day !== undefined)),
  };
};

// How many of each a moment has behind it, as text.
export const turnsBefore = ({ positions, firstDays, lastDays }, { position, day }) =>
  [
    positions.filter((each) => each < position),
    [...firstDays].filter((each) => each <= day),
    [...lastDays].filter((each) => each < day),
  ]
    .map(({ length }) => length)
    .join(" ");

// The recognitions that a chain from an anchor may hold, whether they count or not. No stranger adds one.
const leading = (register, anchors) => {
  const recognitions = [...register.recognitions.values()];
  const authorities = new Set(anchors);
  for (let further = 1; further < LONGEST; further += 1) {
    const reached = recognitions.filter(({ owner, makes }) => authorities.has(owner) && makes === "authority");
    for (const { subject } of reached) authorities.add(subject);
  }
  return recognitions.filter(({ owner }) => authorities.has(owner));
};

// The positions at which a recognition came into being and ended.
const changes = (register, grant) => {
  const began = existing(register, grant);
  if (began === null) return [];
  return [began[0], ...statuses(register, grant).map(([{ position }]) => position)];
};
