// What an excerpt of the log says, and whose words its entries are: each header's signature, and
// that of the founding key under each registration. testamur/verification/excerpt.py. Inclusion
// proofs are not looked at: the steps prove that the entries are what they seem.
import { jcs } from "./canonical_json.mjs";
import { MAX_AHEAD } from "./clock.mjs";
import { fromBase64 } from "./encodings.mjs";
import { Refusal, Refuted, Unavailable } from "./errors.mjs";
import { decodeEvent, isKeyEvent } from "./events.mjs";
import { DID_KEY, didKey, ed25519Key, verifySignature } from "./keys.mjs";
import { ED25519 } from "./note.mjs";
import { folded } from "./register.mjs";
import { existing } from "./status.mjs";
import { formatTime, parseEntry, verifyHeader } from "./submission.mjs";

// Evidence of a log that keeps its rules comes near none of these; a file that is made to cost its
// reader does.
const MAX_HISTORY = 8192;
const MAX_KEY_EVENTS = 1024;
const MAX_KEPT = 36 * 2048;
const MAX_ORGANIZATIONS = 512;
const MAX_GRANTS = 1024;
const MAX_WORK = 2_000_000;
const MAX_DECLARED = 250_000;
// Seconds between signing and recording.
const MAX_AGE = 7 * 24 * 3600;

// The submissions of the evidence, headers read; throws `Refusal` for one that is none.
export const shownBy = (evidence) =>
  evidence.submissions.map((each) => {
    const { recordedAt, header } = parseEntry(each.entry);
    const signed = { organization: header.iss, key: header.key, position: each.position, recordedAt };
    const day = formatTime(recordedAt).slice(0, 10);
    return { ...each, header, signed: { ...signed, day }, end: each.position + 1 + header.events };
  });

// The submissions that either of two excerpts of one log shows, in log order, each with the events of both.
export const together = (one, other) => {
  const found = new Map(one.map((each) => [each.position, each]));
  for (const each of other) {
    const known = found.get(each.position);
    found.set(each.position, known === undefined ? each : joined(known, each));
  }
  return [...found.values()].sort((first, second) => first.position - second.position);
};

const joined = (one, other) => {
  const events = new Map(one.events.map((each) => [each.number, each]));
  const isForked = other.events.some(({ number, line }) => (events.get(number)?.line ?? line) !== line);
  if (one.entry !== other.entry || isForked) {
    throw new Refuted(`the log showed two different submissions at position ${one.position}`);
  }
  for (const each of other.events) events.set(each.number, each);
  return { ...one, events: [...events.values()].sort((first, second) => first.number - second.number) };
};

// What the submissions say about a credential, from the genesis on: an `Excerpt`. Throws `Refuted`
// for what its signer did not say, or not there, and `Unavailable` for an excerpt that leaves out
// what must be shown, or shows more than evidence holds.
export const readExcerpt = async (credential, submissions, origin, policy) => {
  if (submissions[0].position !== 0) {
    throw new Unavailable("the evidence leaves out the genesis, which names the root authorities");
  }
  const reading = new Reading(origin, policy);
  for (const each of submissions) {
    try {
      await reading.take(each);
    } catch (error) {
      throw error instanceof Refusal ? new Refuted(`submission at ${each.position}: ${error.message}`) : error;
    }
  }
  return reading.excerpt(credential);
};

class Reading {
  constructor(origin, policy) {
    Object.assign(this, { origin, policy, said: [], submissions: [], named: new Map(), lengths: new Map() });
    Object.assign(this, { organizations: 0, grants: 0, kept: 0, end: 0 });
  }

  async take(submission) {
    this.checkPlace(submission);
    const { header, signed, position } = submission;
    const events = submission.events.map(({ line }) => this.decoded(line));
    if (position === 0) await this.open(header, events);
    else await verifyHeader(header);
    checkIssuedAt(header.iat, signed.recordedAt);
    checkKeysWhole(submission, events);
    for (const [at, event] of events.entries()) {
      await this.checkEvent(header, event);
      const place = position + submission.events[at].number;
      this.said.push({ position: place, signed, actor: signed.organization, event });
    }
    this.submissions.push(signed);
    this.end = submission.end;
  }

  decoded(line) {
    const event = decodeEvent(line);
    this.kept += event.kept?.length ?? 0;
    if (this.kept > MAX_KEPT) throw tooMuch(`${MAX_KEPT} ranges that declarations keep`);
    return event;
  }

  checkPlace({ position, header, signed }) {
    if (position < this.end) throw new Refuted(`submission at ${position} overlaps the one that ends at ${this.end}`);
    if (header.aud !== this.origin) throw new Refuted(`submission at ${position} was signed for the log ${header.aud}`);
    const name = `${header.iss} ${header.jti}`;
    if (this.named.has(name)) {
      throw new Refuted(
        `submission at ${position} is the one at ${this.named.get(name)} again, which its signer meant once`,
      );
    }
    this.named.set(name, position);
    const before = this.submissions.at(-1);
    if (before !== undefined && signed.recordedAt < before.recordedAt) {
      throw new Refuted(`submission at ${position} is recorded before the one at ${before.position}`);
    }
  }

  async open(header, events) {
    await verifyHeader(header, logKey(this.policy, this.origin, header));
    const [opened] = events;
    if (opened.type !== "log.opened/1" || header.events !== 1) {
      throw new Refuted("the log does not begin with a genesis, exactly one log.opened/1");
    }
    if (opened.origin !== this.origin) throw new Refuted(`the log of ${this.origin} opens as ${opened.origin}`);
  }

  async checkEvent(header, event) {
    if (event.type === "log.opened/1") {
      if (this.submissions.length > 0) throw new Refuted("only entry 1 opens the log");
      for (const authority of event.authorities) await this.checkRegistration(authority, this.origin);
    } else if (event.type === "organization.registered/1") {
      await this.checkRegistration(event, header.iss);
    } else if (event.type === "recognition.granted/1" || event.type === "accreditation.granted/1") {
      this.grants += 1;
    }
    for (const [kind, name] of touched(header.iss, event)) this.lengthen(kind, name);
    if (this.grants > MAX_GRANTS) throw tooMuch(`${MAX_GRANTS} recognitions and accreditations`);
  }

  lengthen(kind, name) {
    const thing = `${kind} ${name}`;
    this.lengths.set(thing, (this.lengths.get(thing) ?? 0) + 1);
    const most = kind === "keys" ? MAX_KEY_EVENTS + 1 : MAX_HISTORY;
    if (this.lengths.get(thing) > most) throw tooMuch(`${most} events of the history ${thing}`);
  }

  async checkRegistration(event, sponsor) {
    this.organizations += 1;
    if (this.organizations > MAX_ORGANIZATIONS) throw tooMuch(`${MAX_ORGANIZATIONS} registrations`);
    await verifyRegistration(event);
    for (const [what, meant, here] of [["log", event.origin, this.origin], ["sponsor", event.sponsor, sponsor]]) {
      if (meant !== here) {
        throw new Refuted(`the registration of ${event.organization} was signed for the ${what} ${meant}, not for ${here}`);
      }
    }
  }

  excerpt(credential) {
    const register = folded(this.said);
    register.size = this.end;
    const known = register.credentials.get(credential);
    if (known !== undefined) {
      // An issuance that does not count is not shown, and its owner's revocation stands.
      known.stream = this.said.filter(({ event }) => event.credential === credential && event.type !== "credential.issued/1");
    }
    checkWork(register);
    checkDeclared(register, this.submissions);
    return new Excerpt(credential, register, known, this.said, this.submissions);
  }
}

export class Excerpt {
  constructor(credential, register, known, said, submissions) {
    Object.assign(this, { credential, register, known, said, submissions });
  }

  get recordedAt() {
    return this.submissions.at(-1).recordedAt;
  }

  // The issuance that counts, or the first one if none does: a `said`, by the owner of the id.
  issued() {
    const written = this.said.filter(
      ({ event, actor }) =>
        event.type === "credential.issued/1" && event.credential === this.credential && actor === this.known?.owner,
    );
    const said = written.find(({ signed }) => this.register.counts(signed)) ?? written[0];
    if (said === undefined) throw new Unavailable("the evidence holds no issuance of this credential");
    return said;
  }

  // The definition that an issuance names, the one that counts or else the first: a `said`, or null.
  writtenDefinition({ event, actor, position }) {
    const found = this.said.filter(
      (each) =>
        each.event.definition !== undefined &&
        each.event.achievement === event.achievement &&
        (each.event.version ?? 1) === event.achievementVersion &&
        each.actor === actor &&
        each.position < position,
    );
    return found.find(({ signed }) => this.register.counts(signed)) ?? found[0] ?? null;
  }

  // What scopes ask of the definition that an issuance names, if that stood before it; else null.
  definitionOf({ event, actor, position }) {
    const achievement = this.register.achievements.get(event.achievement);
    const version = achievement?.owner === actor ? achievement.definitions.get(event.achievementVersion) : undefined;
    return existing(this.register, version, position) === null ? null : version.definition;
  }

  // Throws if something is shown whose signer listed the key in what is not. Of an organization
  // whose registration is shown, all key events must be; the genesis shows registrations of root
  // authorities on whom nothing rests, and a registration stands whatever sponsor submits it.
  checkListed() {
    for (const { actor, event, signed } of this.said) {
      const organization = this.register.organizations.get(actor);
      if (organization === undefined || organization.isRoot || event.type === "organization.registered/1") continue;
      if (!organization.keys.keys.has(signed.key)) {
        throw new Unavailable(
          `the evidence leaves out where ${actor} listed the key that signed the submission at ${signed.position}`,
        );
      }
    }
  }

  // The submission that an entry shown at `position` is in.
  submissionOf(position) {
    return this.submissions.findLast((each) => each.position <= position) ?? this.submissions[0];
  }
}

const verifyRegistration = async ({ signature, ...event }) => {
  const statement = `testamur/registration/1\n${jcs(event)}`;
  const founding = didKey(event.organization);
  try {
    await verifySignature(founding, fromBase64(signature), statement);
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    throw new Refusal(
      "registration-signature",
      "the founding key did not sign this registration; sign it anew with that key, for log " +
        `${event.origin} and sponsor ${event.sponsor}`,
      event.organization,
    );
  }
};

const logKey = (policy, origin, header) => {
  const keys = policy.logs.filter(({ name, algorithm }) => name === origin && algorithm === ED25519);
  if (keys.length === 0) throw new Unavailable(`the policy has no Ed25519 key of ${origin}, which opened the log`);
  // A log that changed its key has several; the first one opened it.
  const known = keys.map(({ raw }) => ed25519Key(raw));
  return known.find(({ multikey }) => `${DID_KEY}${multikey}` === header.iss) ?? known[0];
};

const checkIssuedAt = (iat, recordedAt) => {
  const seconds = Math.floor(recordedAt / 1000);
  if (iat < seconds - MAX_AGE || iat > seconds + MAX_AHEAD) {
    throw new Refusal(
      "issued-at",
      `signed at ${formatTime(iat * 1000)} and recorded at ${formatTime(recordedAt)}; a submission is signed at most ` +
        `${MAX_AGE / 86_400} days before it is recorded, and ${MAX_AHEAD / 60} minutes after: set the clock that it is ` +
        "signed by, and sign anew",
      iat,
      1,
    );
  }
};

// Events about keys are shown with all that their submission holds.
const checkKeysWhole = ({ position, header }, events) => {
  const aboutKeys = events.filter(isKeyEvent).length;
  if (aboutKeys === 0) return;
  if (aboutKeys < events.length) {
    throw new Refuted(`submission at ${position} holds key events among others, which no log admits`);
  }
  if (aboutKeys < header.events) {
    throw new Unavailable(`the evidence leaves out key events of the submission at ${position}`);
  }
};

// The histories that an event lengthens: testamur/catalogue/touched.py, and of a credential its
// issuances too.
const touched = (signer, event) => {
  const [kind] = event.type.split(".");
  const newcomer = ({ organization }) => [["keys", organization], ["particulars", organization]];
  if (kind === "log") return event.authorities.flatMap(newcomer);
  if (event.type === "organization.registered/1") return newcomer(event);
  if (event.type === "organization.updated/1") return [["particulars", signer]];
  if (kind === "organization") {
    const isForeign = event.organization !== undefined && event.organization !== signer;
    return [isForeign ? ["succession", `${event.organization} ${signer}`] : ["organization", signer]];
  }
  if (kind === "key") return [["keys", signer]];
  if (kind !== "achievement") return [[kind, event[kind]]];
  const isRetired = event.type === "achievement.retired/1";
  return [["achievement", isRetired ? event.achievement : `${event.achievement}/${event.version ?? 1}`]];
};

const checkWork = (register) => {
  const named = new Map();
  for (const [pair, said] of register.successions) {
    const [did] = pair.split(" ");
    named.set(did, (named.get(did) ?? 0) + said.length);
  }
  let work = 0;
  for (const things of [register.credentials, register.accreditations, register.recognitions]) {
    for (const { owner, stream } of things.values()) {
      const others = stream.filter(({ actor }) => actor !== owner).length;
      const organization = register.organizations.get(owner);
      if (others > 0 && organization !== undefined) work += others * (organization.said.length + (named.get(owner) ?? 0));
    }
  }
  if (work > MAX_WORK) throw tooMuch("can be judged of what successors did");
};

const checkDeclared = (register, submissions) => {
  let work = 0;
  for (const { organization, key } of submissions) {
    work += register.organizations.get(organization)?.keys.keys.get(key)?.compromised.size ?? 0;
  }
  if (work > MAX_DECLARED) throw tooMuch("can be judged of what keys were declared");
};

const tooMuch = (what) => new Unavailable(`the evidence shows more than ${what}; it is too large to be read`);
