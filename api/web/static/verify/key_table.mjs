// Which submissions of an organization count: what follows from its own key events alone. The rule
// is docs/what-counts.md, the order of the fold that of testamur/rules/key_table.py.
import { DID_KEY } from "./keys.mjs";

// 90 days in ms: how far back a declaration reaches, and for how long it may be restated.
const LIMIT = 90 * 24 * 3600 * 1000;
const FOUNDING = 0;
export const SIGNING = 2 ** 31;

// `registered` is the position of the registration's header. `submissions` are those of key events,
// whole and in log order: {position, key, recordedAt, events}.
export const keyTable = ({ organization, recoveryKeys, signingKeys }, registered, submissions = []) => {
  const founding = organization.slice(DID_KEY.length);
  const ranked = [[founding, ...recoveryKeys].map((key, rank) => [key, rank]), signingKeys.map((key) => [key, SIGNING])];
  const keys = new Map();
  for (const [key, rank] of ranked.flat()) {
    // Of a key that is named twice the last rank holds, in its first place.
    const place = { key, rank, lister: founding, listed: registered };
    keys.set(key, { ...place, listingCounts: true, retired: null, compromised: new Map() });
  }
  const signed = new Map();
  for (const submission of submissions) {
    if (signed.has(submission.key)) signed.get(submission.key).push(submission);
    else signed.set(submission.key, [submission]);
    each(submission, (position, event) => enter(keys, submission, position, event));
  }
  const signers = [...signed.keys()].filter((key) => keys.has(key)).sort((a, b) => keys.get(a).rank - keys.get(b).rank);
  // Only the key itself and those of higher rank are heard about a key: when the fold reaches it,
  // all that counts about it is known.
  for (const signer of signers) {
    for (const submission of signed.get(signer)) {
      if (!counts(keys.get(signer), submission.position, submission.recordedAt)) continue;
      each(submission, (position, event) => hear(keys, submission, position, event));
    }
  }
  return new KeyTable(keys, submissions);
};

class KeyTable {
  constructor(keys, submissions) {
    this.keys = keys;
    this.submissions = submissions;
  }

  counts(key, position, recordedAt) {
    const listed = this.keys.get(key);
    return listed !== undefined && counts(listed, position, recordedAt);
  }

  // Why a submission does not count, or null if it does.
  whyNot(key, position, recordedAt) {
    const listed = this.keys.get(key);
    if (listed === undefined) return `${key} was never listed as a key of the organization`;
    if (listed.listed >= position) return `${key} was listed at ${listed.listed}, not before`;
    if (!listed.listingCounts) return this.listedInVain(listed);
    if (listed.retired !== null && listed.retired < position) return `${key} was retired at ${listed.retired}`;
    const cut = cutOffBy(listed, position, recordedAt);
    return cut === undefined ? null : `${key} was declared compromised at ${cut.position} since ${cut.since}`;
  }

  listedInVain({ key, listed }) {
    const listing = this.submissions.find((one) => one.position < listed && listed < endOf(one));
    const because = this.whyNot(listing.key, listing.position, listing.recordedAt);
    const reason = `${key} was listed at ${listed}, which does not count`;
    return because === null ? reason : `${reason}: ${because}`;
  }
}

const endOf = ({ position, events }) => position + 1 + events.length;

const each = ({ position, events }, take) => events.forEach((event, at) => take(position + 1 + at, event));

const counts = (listed, position, recordedAt) =>
  listed.listingCounts &&
  listed.listed < position &&
  (listed.retired === null || listed.retired > position) &&
  cutOffBy(listed, position, recordedAt) === undefined;

export const cutOffBy = (listed, position, recordedAt) =>
  [...listed.compromised.values()].find(
    ({ since, first, kept }) => position >= since && recordedAt >= first - LIMIT && !isKept(kept, position),
  );

// Ranges are disjoint and in order: the last one that begins at the position or before it decides.
const isKept = (kept, position) => {
  let [low, high] = [0, kept.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (kept[middle][0] <= position) low = middle + 1;
    else high = middle;
  }
  return low > 0 && position <= kept[low - 1][1];
};

// A key gets its place by the event that lists it, whether or not the listing counts.
const enter = (keys, submission, position, event) => {
  const signer = keys.get(submission.key);
  if (event.type !== "key.listed/1" || keys.has(event.key) || signer === undefined) return;
  if (signer.rank === FOUNDING || (event.as === "signing" && signer.rank < SIGNING)) {
    // Every key entered later ranks behind, with gaps where signing keys were entered.
    const rank = event.as === "recovery" ? keys.size : SIGNING;
    const place = { key: event.key, rank, lister: signer.key, listed: position };
    keys.set(event.key, { ...place, listingCounts: false, retired: null, compromised: new Map() });
  }
};

const hear = (keys, submission, position, event) => {
  const [about, signer] = [keys.get(event.key), keys.get(submission.key)];
  if (about === undefined) return;
  const heeded = signer.rank < about.rank || signer.key === about.key;
  if (event.type === "key.listed/1") {
    if (about.listed === position) about.listingCounts = true;
  } else if (heeded && event.type === "key.compromised/1") {
    declare(about, submission, position, event);
  } else if (heeded && event.type === "key.retired/1" && (about.retired === null || position < about.retired)) {
    about.retired = position;
  }
};

const declare = (about, submission, position, event) => {
  const first = about.compromised.get(submission.key)?.first ?? submission.recordedAt;
  if (submission.recordedAt > first + LIMIT) return; // its first word is final by now
  // A key says nothing about its own past.
  const past = about.key === submission.key ? undefined : event.since;
  const declaration =
    past === undefined ? { since: endOf(submission), kept: [] } : { since: past, kept: event.kept ?? [] };
  about.compromised.set(submission.key, { ...declaration, position, first });
};
