// Steps 6 to 8: what became of the credential, who accredited its issuer for it, and who recognised
// the accreditor. testamur/verification/steps/status.py, accreditation.py.
import { circumstances, past } from "./case.mjs";
import { Refuted, Unavailable } from "./errors.mjs";
import { REFUTED, finding } from "./finding.mjs";
import { uncovered } from "./scope.mjs";
import { AFTER, FINAL, acts, existing, status as statusOf, statuses } from "./status.mjs";
import { statedSize } from "./steps_log.mjs";

// (6) Issued, and neither suspended, revoked nor superseded as of the size told.
export const status = (seen, tree) => {
  const { known } = seen.excerpt;
  const heard = (speaker, position) => seen.hears(speaker, position);
  const found = statusOf(seen.register, known, { heard });
  if (found === null) throw new Unavailable("nothing was issued that could have a status");
  const [size, whole] = [statedSize(tree), tree.checkpoint.size];
  const act = decided(acts(seen.register, known), seen, found);
  const by = act === null ? "" : `: it ${done(act, seen)}`;
  // A program that reads this one word must not take an earlier status for the present one.
  const subject = { status: size === whole ? found : `${found} as of size ${size}` };
  if (found === "active") return finding(`active as of size ${size}${by}`, { subject });
  const lacking = found === "suspended";
  return finding(`the credential is ${found} as of size ${size}${by}`, { verdict: REFUTED, lacking, subject });
};

const isHeard = ({ said, actedFor }, seen) =>
  actedFor.some((each) => each === seen.issuer || seen.hears(each, said.position));

// The act that the status follows from: the last that is heard, or the final one; or null.
const decided = (all, seen, found) => {
  let last = null;
  for (const act of all) {
    if (!isHeard(act, seen)) continue;
    last = act;
    if (FINAL.has(AFTER[act.said.event.type])) break;
  }
  return last !== null && AFTER[last.said.event.type] === found ? last : null;
};

// An act in words, with for whom its signer acted.
const done = ({ said, actedFor }, seen) => {
  const what = `was ${past(said.event)} at ${said.position} by`;
  if (said.actor === seen.issuer) return `${what} its issuer${circumstances(said)}`;
  const named = actedFor.map((each) => {
    const whose = each === seen.issuer ? "the issuer" : "the accreditor";
    return `${whose} ${seen.called(each)} (${each}), who named it successor`;
  });
  const who = `${what} ${seen.called(said.actor)} (${said.actor})${circumstances(said)}`;
  return `${who}, which acted for ${named.join(" and ")}`;
};

// (7) An accreditation in force and in scope at the position of issuance.
export const accreditation = (seen) => {
  const { issued } = seen;
  const name = seen.excerpt.writtenDefinition(issued)?.event.definition.name;
  const subject = name === undefined ? {} : { achievement: name };
  const id = issued.event.accreditation;
  if (id === undefined) return finding("the issuer claimed no accreditation for it", { verdict: REFUTED, subject });
  const granted = grantedBefore(seen, id);
  const by = seen.called(granted.owner);
  subject.accreditor = by;
  const [lacking, why] = fault(seen, granted, name);
  const at = `position ${seen.position}`;
  if (why !== null) {
    return finding(`accreditation ${id} by ${by} ${why} at ${at}`, { verdict: REFUTED, lacking, subject });
  }
  if (seen.definition() === null) {
    throw new Unavailable("there is no definition to judge the scope of the accreditation by");
  }
  const { decision, kind, obligation } = granted.event;
  const words = obligation === undefined ? kind : `${kind}, ${obligation}`;
  const conditionally = decision === "conditional" ? "conditionally " : "";
  return finding(
    `${by} (${granted.owner}) ${conditionally}accredited the issuer for it (${words}), in force and in scope at ${at}`,
    { subject },
  );
};

// The accreditation, granted to the issuer before the issuance; else throws.
const grantedBefore = (seen, id) => {
  const granted = seen.register.accreditations.get(id);
  if (granted === undefined) {
    throw new Unavailable(`the evidence leaves out accreditation ${id}, which the issuance names`);
  }
  if (existing(seen.register, granted, seen.position) === null) {
    const { first } = granted;
    if (first.position < seen.position) throw seen.uncounted(first);
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
  if (seen.path === null) {
    const whose = seen.isGiven ? "of yours" : "among the root authorities of the log";
    return finding(
      `no recognition in force at position ${seen.position} leads from an anchor ${whose} to ${name} (${granted.owner})`,
      { verdict: REFUTED, lacking: true },
    );
  }
  if (seen.path.length === 0) return finding(`${name} (${granted.owner}) is itself ${seen.anchorsNamed()}`);
  const owners = seen.path.map((id) => seen.register.recognitions.get(id).owner).reverse();
  const along = [...new Set(owners)].map((did) => `${seen.called(did)} (${did})`).join(", recognised by ");
  return finding(`${name} was recognised by ${along}, ${seen.anchorsNamed()}`);
};
