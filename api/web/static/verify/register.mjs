// What entries say, by the thing that they are about, whether or not it counts: the fold of
// testamur/rules/fold.py. A submission is `signed`: {organization, key, position, recordedAt, day};
// an event at its place is `said`: {position, signed, actor, event}.
import { isKeyEvent } from "./events.mjs";
import { keyTable } from "./key_table.mjs";

export class Register {
  constructor() {
    Object.assign(this, { size: 0, organizations: new Map(), recognitions: new Map(), accreditations: new Map() });
    Object.assign(this, { achievements: new Map(), credentials: new Map(), grantsOf: new Map() });
    Object.assign(this, { authorised: new Map(), successions: new Map() });
  }

  // Whether a submission counts, by the key events of its organization: the one question of its kind.
  counts(signed) {
    const known = this.organizations.get(signed.organization);
    // What the log says of itself counts where its own key opened it.
    if (known === undefined) return signed.position === 0;
    if (!known.answers.has(signed.position)) {
      known.answers.set(signed.position, known.keys.counts(signed.key, signed.position, signed.recordedAt));
    }
    return known.answers.get(signed.position);
  }
}

const add = (map, name, item) => {
  if (map.has(name)) map.get(name).push(item);
  else map.set(name, [item]);
};

// The register of all that was said, in log order; of a submission of key events all must be there.
export const folded = (all) => {
  const register = new Register();
  const aboutKeys = new Map();
  for (const said of all) {
    if (isKeyEvent(said.event)) add(aboutKeys, said.signed, said.event);
    else take(register, said);
  }
  const byOrganization = new Map();
  for (const [{ organization, ...submission }, events] of aboutKeys) {
    add(byOrganization, organization, { ...submission, events });
  }
  for (const [did, known] of register.organizations) {
    known.keys = keyTable(known.registration, known.registered, byOrganization.get(did));
  }
  return register;
};

const take = (register, said) => {
  const { event } = said;
  const [kind] = event.type.split(".");
  if (event.type === "log.opened/1") {
    event.authorities.forEach((authority) => enrol(register, said, authority, null));
  } else if (event.type === "organization.registered/1") {
    enrol(register, said, event, said.actor);
  } else if (kind === "organization") {
    tell(register, event.type === "organization.succeeded/1" ? event.organization : said.actor, said);
  } else if (kind === "achievement") {
    define(register, said, event);
  } else if (kind === "credential") {
    takeCredential(register, said, event);
  } else if (event.type.includes(".granted/")) {
    grant(register, said, event, kind);
  } else {
    register[`${kind}s`].get(event[kind])?.stream.push(said);
  }
};

const enrol = (register, said, event, sponsor) => {
  if (register.organizations.has(event.organization)) return; // the first registration is the one
  register.organizations.set(event.organization, {
    did: event.organization,
    registered: said.signed.position,
    isRoot: sponsor === null,
    registration: event,
    keys: null,
    answers: new Map(),
    said: [],
  });
};

const tell = (register, did, said) => {
  const organization = register.organizations.get(did);
  if (organization === undefined) return;
  if (said.actor === did) organization.said.push(said);
  else add(register.successions, `${did} ${said.actor}`, said);
};

const define = (register, said, event) => {
  const version = event.version ?? 1;
  const known = register.achievements.get(event.achievement);
  if (event.type === "achievement.retired/1") {
    known?.stream.push(said);
    return;
  }
  if (known !== undefined && known.owner !== said.actor) return;
  const achievement = known ?? { owner: said.actor, definitions: new Map(), written: [], stream: [] };
  register.achievements.set(event.achievement, achievement);
  achievement.written.push([said.position, said.signed]);
  const { definitions } = achievement;
  if (!definitions.has(version)) definitions.set(version, { definition: event.definition, written: [] });
  definitions.get(version).written.push([said.position, said.signed]);
};

const takeCredential = (register, said, event) => {
  const known = register.credentials.get(event.credential);
  if (event.type !== "credential.issued/1") {
    known?.stream.push(said);
  } else if (known === undefined) {
    const { accreditation } = event;
    // Of a credential the place that counts is that of the header.
    const written = [[said.signed.position, said.signed]];
    const credential = { kind: "credential", owner: said.actor, accreditation, written, stream: [] };
    register.credentials.set(event.credential, credential);
  } else if (known.owner === said.actor) {
    known.written.push([said.signed.position, said.signed]);
  }
};

const grant = (register, said, event, kind) => {
  const grants = register[`${kind}s`];
  const id = event[kind];
  const known = grants.get(id);
  if (known !== undefined) {
    if (known.owner !== said.actor) return;
    known.written.push([said.position, said.signed]);
    known.grants.push(said);
    return;
  }
  const [owner, subject] = [said.actor, event.provider ?? event.organization];
  const written = [[said.position, said.signed]];
  grants.set(id, { kind, id, owner, subject, event, first: said, grants: [said], makes: event.as, written, stream: [] });
  add(register.grantsOf, `${subject} ${owner}`, id);
  if (event.as === "authority") add(register.authorised, owner, id);
};
