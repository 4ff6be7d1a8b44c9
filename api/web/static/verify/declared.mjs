// Why something that was said does not count: who declared what about the key, and where. What was said,
// in words. testamur/verification/trust/declared.py.
import { Refuted, Unavailable } from "./errors.mjs";
import { cutOffBy } from "./key_table.mjs";

const TOLD = 8;

// What happened, in one word: the event's own, such as `revoked`.
export const past = ({ type }) => type.split(".")[1].split("/")[0];

const happened = ({ event, position }) => `the ${event.type.split(".")[0]} was ${past(event)} at ${position}`;

// What an event says of why it happened, since when, and what takes the place.
export const circumstances = ({ event, signed }) =>
  [
    event.reason === undefined ? "" : ` (${event.reason})`,
    event.successor === undefined ? "" : `, credential ${event.successor} takes its place`,
    event.effectiveAt === undefined ? "" : `, with effect from ${event.effectiveAt}, recorded ${signed.day}`,
  ].join("");

// What a reader must know of an act that took effect before it was recorded; or null.
export const antedated = ({ event, position, signed }) => {
  const { effectiveAt } = event;
  if (effectiveAt === undefined || effectiveAt >= signed.day) return null;
  return (
    `it was ${past(event)} with effect from ${effectiveAt}, recorded ${signed.day}: from ${effectiveAt} until the ` +
    `record at ${position} the log did not say so, and what was verified in between stays as it was`
  );
};

// Why an event that does not count does not: refuted, or not shown to count.
export const uncounted = (seen, { event, position, signed }) => {
  const what = `${past(event)} at ${position}`;
  const organization = seen.register.organizations.get(signed.organization);
  if (organization === undefined) {
    return new Unavailable(
      `the evidence leaves out the registration of ${signed.organization}, which signed what was ${what}`,
    );
  }
  if (!organization.keys.keys.has(signed.key)) {
    return new Unavailable(
      `the evidence leaves out where ${signed.organization} listed the key that signed what was ${what}`,
    );
  }
  return new Refuted(`${happened({ event, position })}; ${because(seen, signed)}`);
};

// Why a submission does not count, by a key that its organization listed.
const because = (seen, { organization, key, position, recordedAt }) => {
  const { keys } = seen.register.organizations.get(organization);
  const name = seen.called(organization);
  const listed = keys.keys.get(key);
  const cut = listed.listingCounts ? cutOffBy(listed, position, recordedAt) : undefined;
  if (cut !== undefined) return `${name} declared at ${cut.position} that the key was compromised since ${cut.since}`;
  const why = keys.whyNot(key, position, recordedAt);
  return why === null ? `${name} signed it` : `of ${name}, ${why}`;
};

// Which of these events stopped counting because of a declaration, in words.
export const takenBack = (seen, said) => {
  const { register } = seen;
  const isListed = ({ organization, key }) => register.organizations.get(organization)?.keys.keys.has(key) === true;
  const fallen = said.filter(({ signed }) => !register.counts(signed) && isListed(signed));
  const told = fallen.slice(0, TOLD).map((each) => `${happened(each)}; ${because(seen, each.signed)}`);
  return fallen.length > TOLD ? [...told, `and ${fallen.length - TOLD} more`] : told;
};
