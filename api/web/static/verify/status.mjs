// What became of a thing: whether it exists, its status, and for whom others may change it. The
// rules are those of testamur/rules/status.py; every right is judged anew at each act.

// 30 days in ms: after them a succession takes effect for an organization that has not closed.
const NOTICE = 30 * 24 * 3600 * 1000;
const NEVER = Infinity;

// The status that an event sets, and those that nothing leads out of.
export const AFTER = {
  "credential.suspended/1": "suspended",
  "credential.reinstated/1": "active",
  "credential.revoked/1": "revoked",
  "credential.superseded/1": "superseded",
  "accreditation.suspended/1": "suspended",
  "accreditation.reinstated/1": "active",
  "accreditation.withdrawn/1": "withdrawn",
  "recognition.withdrawn/1": "withdrawn",
};
export const FINAL = new Set(["revoked", "superseded", "withdrawn"]);

// Whether the successors that an accreditor named are heard, at the position of the act.
const nobody = () => false;

// Where a thing came into being: [position, signed] of the first writing that counts, or null.
export const existing = (register, thing, before = NEVER) => {
  const found = thing?.written.find(([position, signed]) => position >= before || register.counts(signed));
  return found === undefined || found[0] >= before ? null : found;
};

// The events that set the status of a thing before a position, each with the status; after a final
// one none does.
export const statuses = (register, thing, { before = NEVER, heard = nobody } = {}) => {
  const began = existing(register, thing, before);
  if (began === null) return [];
  const speakers = new Speakers(register, thing);
  const found = [];
  for (const said of thing.stream) {
    const after = AFTER[said.event.type];
    if (said.position >= before) break;
    if (after === undefined || !register.counts(said.signed) || !isHeard(thing, began[0], said, speakers, heard)) continue;
    found.push([said, after]);
    if (FINAL.has(after)) break;
  }
  return found;
};

// The status of a thing before a position, or null for what does not exist then.
export const status = (register, thing, asked = {}) => {
  if (existing(register, thing, asked.before) === null) return null;
  return statuses(register, thing, asked).at(-1)?.[1] ?? "active";
};

const isHeard = (thing, began, said, speakers, heard) => {
  const isOwn = said.actor === thing.owner;
  // Nothing happens to what does not exist, save that its owner's ending stands if the id comes back.
  if (said.position < began && !(isOwn && FINAL.has(AFTER[said.event.type]))) return false;
  return isOwn || speakers.of(said.signed, said.position).some((one) => one === thing.owner || heard(one, said.position));
};

// Who did what to a thing that exists, in order, and for whom: [{said, actedFor}].
export const acts = (register, thing) => {
  const began = existing(register, thing);
  if (began === null) return [];
  const speakers = new Speakers(register, thing);
  return thing.stream
    .filter((said) => said.event.type in AFTER && said.position > began[0] && register.counts(said.signed))
    .map((said) => ({ said, actedFor: speakers.of(said.signed, said.position) }));
};

// The first closing of an organization that counts, before a position.
export const closing = (register, organization, before = NEVER) =>
  organization?.said.find(
    ({ event, position, signed }) => event.type === "organization.closed/1" && position < before && register.counts(signed),
  );

// What the signer of a grant vouches for about its subject, before a position: an event.
export const words = (register, grant, before = NEVER) => {
  const began = existing(register, grant, before);
  const restated = grant.stream.findLast(
    ({ position, signed, actor, event }) =>
      began !== null &&
      position > began[0] &&
      position < before &&
      event.type.includes(".restated/") &&
      actor === grant.owner &&
      register.counts(signed),
  );
  return restated?.event ?? grant.event;
};

// What an organization says of itself now: its last update that counts, or its registration.
export const particulars = (register, organization) => {
  const isUpdate = ({ event, signed }) => event.type === "organization.updated/1" && register.counts(signed);
  return organization.said.findLast(isUpdate)?.event ?? organization.registration;
};

// The successors of a thing's owner that it, and the accreditor of a credential, named before a position,
// as each was first named: `said`. testamur/rules/succession.py.
export const namings = (register, thing, position) => {
  const { owner } = thing;
  const accreditor = accreditorOf(register, thing);
  const organization = register.organizations.get(owner);
  const own = firstNamings(register, organization?.said, 0, position);
  if (accreditor === null) return own;
  const barred = Math.max(firstAccredited(register, owner, accreditor.did), ...objections(register, organization, position));
  const foreign = register.successions.get(`${owner} ${accreditor.did}`);
  return [...own, ...firstNamings(register, foreign, barred, position)];
};

const firstNamings = (register, said, after, before) => {
  const named = [...bySuccessor(register, said).values()];
  const first = named.map((all) => all.find(({ position }) => after < position && position < before));
  return first.filter((each) => each !== undefined).sort((one, other) => one.position - other.position);
};

// Where an organization objected to the successors that others named, before a position.
const objections = (register, organization, before = NEVER) =>
  (organization?.said ?? [])
    .filter(({ event, signed }) => event.type === "organization.objected/1" && register.counts(signed))
    .map(({ position }) => position)
    .filter((position) => position < before);

// For whom others act on the things of an owner that name one accreditation, or none.
class Speakers {
  constructor(register, thing) {
    Object.assign(this, { register, thing, known: null });
  }

  // The owner, or who named the signer of a submission its successor, as of a position.
  of(actor, position) {
    const { owner } = this.thing;
    if (actor.organization === owner) return [owner];
    this.known ??= this.read();
    const { own, foreign, accreditor, objections, firstAccredited } = this.known;
    const found = [];
    if (this.inEffect(own.get(actor.organization), 0, actor, position)) found.push(owner);
    if (accreditor !== null && accreditor.since < position) {
      const objected = Math.max(0, ...objections.filter((at) => at < position));
      const after = Math.max(firstAccredited, objected);
      if (this.inEffect(foreign.get(actor.organization), after, actor, position)) found.push(accreditor.did);
    }
    return found;
  }

  // The oldest naming that is not barred takes effect first.
  inEffect(namings, after, actor, position) {
    const first = namings?.find((each) => after < each.position && each.position < position);
    if (first === undefined) return false;
    return actor.recordedAt - first.signed.recordedAt >= NOTICE || this.known.closed < position;
  }

  read() {
    const { register, thing } = this;
    const owner = register.organizations.get(thing.owner);
    const accreditor = accreditorOf(register, thing);
    const foreign = accreditor === null ? [] : register.successions.get(`${thing.owner} ${accreditor.did}`);
    return {
      own: bySuccessor(register, owner?.said),
      foreign: bySuccessor(register, foreign),
      accreditor,
      closed: closing(register, owner)?.position ?? NEVER,
      objections: objections(register, owner),
      firstAccredited: accreditor === null ? NEVER : firstAccredited(register, thing.owner, accreditor.did),
    };
  }
}

const bySuccessor = (register, said = []) => {
  const found = new Map();
  for (const each of said) {
    const { successor } = each.event;
    if (each.event.type !== "organization.succeeded/1" || !register.counts(each.signed)) continue;
    if (found.has(successor)) found.get(successor).push(each);
    else found.set(successor, [each]);
  }
  return found;
};

// The accreditor, if not the owner, of the accreditation that a credential names: {did, since}.
const accreditorOf = (register, thing) => {
  const granted = thing.kind === "credential" ? register.accreditations.get(thing.accreditation) : undefined;
  if (granted === undefined || granted.subject !== thing.owner || granted.owner === thing.owner) return null;
  const began = existing(register, granted);
  return began === null ? null : { did: granted.owner, since: began[0] };
};

// Where an accreditor first accredited an organization.
const firstAccredited = (register, did, accreditor) => {
  const ids = register.grantsOf.get(`${did} ${accreditor}`) ?? [];
  const began = ids.map((id) => existing(register, register.accreditations.get(id))).filter((each) => each !== null);
  return Math.min(NEVER, ...began.map(([position]) => position));
};
