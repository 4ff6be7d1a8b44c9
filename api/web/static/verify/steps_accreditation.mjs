// Steps 7 and 8: who accredited the issuer for it, and who recognised the accreditor.
// testamur/verification/steps/accreditation.py.
import { afterTheIssuance, closings, decisionOf, reviews } from "./afterwards.mjs";
import { circumstances, takenBack, uncounted } from "./declared.mjs";
import { Refuted, Unavailable } from "./errors.mjs";
import { REFUTED, finding } from "./finding.mjs";
import { uncovered } from "./scope.mjs";
import { existing, status as statusOf, statuses } from "./status.mjs";
import { formatTime } from "./submission.mjs";

// (7) An accreditation in force and in scope at the position of issuance. `now` (Unix milliseconds) tells
// which reviews are overdue.
export const accreditation = (seen, now) => {
  const name = seen.writtenDefinition()?.name;
  const subject = name === undefined ? {} : { achievement: name };
  const id = seen.issued.event.accreditation;
  if (id === undefined) return finding("the issuer claimed no accreditation for it", { verdict: REFUTED, subject });
  const granted = grantedBefore(seen, id);
  const by = seen.called(granted.owner);
  subject.accreditor = by;
  const declared = takenBack(seen, saidBefore(seen, granted));
  const [lacking, why] = fault(seen, granted, name);
  const at = `position ${seen.position}`;
  if (why !== null) {
    return finding(`accreditation ${id} by ${by} ${why} at ${at}`, { verdict: REFUTED, lacking, subject, declared });
  }
  if (seen.definition() === null) {
    throw new Unavailable("there is no definition to judge the scope of the accreditation by");
  }
  const { words, isConditional, documents } = decisionOf(granted);
  const how = isConditional ? "conditionally accredited" : "accredited";
  return finding(`${by} (${granted.owner}) ${how} the issuer for it (${words}), in force and in scope at ${at}`, {
    notes: [
      ...(granted.owner === seen.issuer ? ["the issuer accredited itself"] : []),
      ...documents,
      ...reviews(seen, granted, formatTime(now).slice(0, 10)),
      ...afterTheIssuance(seen, "the accreditation", granted),
      ...closings(seen, [granted.owner]),
    ],
    subject,
    declared,
  });
};

// What was said of a grant before the issuance: no more bears on the verdict.
const saidBefore = (seen, { stream }) => stream.filter(({ position }) => position < seen.position);

// The accreditation, granted to the issuer before the issuance; else throws.
const grantedBefore = (seen, id) => {
  const granted = seen.register.accreditations.get(id);
  if (granted === undefined) {
    throw new Unavailable(`the evidence leaves out accreditation ${id}, which the issuance names`);
  }
  if (existing(seen.register, granted, seen.position) === null) {
    const { first } = granted;
    if (first.position < seen.position) throw uncounted(seen, first);
    throw new Refuted(`accreditation ${id} was granted at ${first.position}, after the issuance`);
  }
  if (granted.subject !== seen.issuer) {
    throw new Refuted(`accreditation ${id} was granted to ${granted.subject}, not to the issuer`);
  }
  return granted;
};

// What is wrong with an accreditation, and whether an entry not shown could mend it.
const fault = (seen, granted, name) => {
  const { validFrom, validUntil, scope } = granted.event;
  const { day } = seen.issued.signed;
  const before = { before: seen.position };
  const found = statusOf(seen.register, granted, before);
  if (found !== "active") {
    const [last] = statuses(seen.register, granted, before).at(-1) ?? [];
    return [found === "suspended", `was ${found}${last === undefined ? "" : circumstances(last)}`];
  }
  if (day < validFrom || (validUntil !== undefined && validUntil < day)) {
    return [false, `is of ${validFrom}${validUntil === undefined ? "" : ` until ${validUntil}`}, so was not in force`];
  }
  const covered = seen.covered();
  const outside = covered === null ? [] : uncovered(scope, covered);
  if (outside.length === 0) return [false, null];
  // The country is that of the words in force, which are restated; nothing else changes.
  return [outside.join() === "jurisdictions", `did not cover ${name} (${outside.join(", ")})`];
};

// (8) One chain of recognitions leads from an anchor to the accreditor.
export const recognition = (seen) => {
  const granted = seen.accreditation();
  if (granted === null) throw new Unavailable("no accreditation was granted, so there is no accreditor to look up");
  const name = seen.called(granted.owner);
  if (seen.path === null) return unanchored(seen, granted, name);
  if (seen.path.length === 0) return finding(`${name} (${granted.owner}) is itself ${seen.anchorsNamed()}`);
  const grants = seen.path.map((id) => seen.register.recognitions.get(id));
  const owners = grants.map(({ owner }) => owner);
  const along = [...new Set([...owners].reverse())].map((did) => `${seen.called(did)} (${did})`).join(", recognised by ");
  return finding(`${name} was recognised by ${along}, ${seen.anchorsNamed()}`, {
    notes: [
      ...(owners.at(-1) === granted.owner ? ["the accreditor recognised itself"] : []),
      ...grants.flatMap((grant) => afterTheIssuance(seen, `the recognition by ${seen.called(grant.owner)}`, grant)),
      ...closings(seen, owners),
    ],
    declared: grants.flatMap((grant) => takenBack(seen, saidBefore(seen, grant))),
  });
};

// What a verifier is told when no chain leads to an anchor.
const unanchored = (seen, granted, name) => {
  const grants = [...seen.register.recognitions.values()].filter(({ subject }) => subject === granted.owner);
  const whose = seen.isGiven ? "of yours" : "among the root authorities of the log";
  return finding(
    `no recognition in force at position ${seen.position} leads from an anchor ${whose} to ${name} (${granted.owner})`,
    { verdict: REFUTED, lacking: true, declared: grants.flatMap(({ grants: all }) => takenBack(seen, all)) },
  );
};
