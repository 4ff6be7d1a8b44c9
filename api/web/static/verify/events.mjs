// The closed set of events, member by member: testamur/catalogue/events.py and members.py.
import { jcs } from "./canonical_json.mjs";
import { bytesOf } from "./encodings.mjs";
import { Refusal } from "./errors.mjs";
import { bytes, day, integer, list, misfit, part, set, text, word } from "./forms.mjs";
import { NAME } from "./names.mjs";
import { parseStrict } from "./strict_json.mjs";

export const MAX_ENTRY = 65_535;
export const MULTIKEY = "z[1-9A-HJ-NP-Za-km-z]{40,64}";
const ANY_DID = "did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]{1,200}";
const UUID7 = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

const whole = (pattern, most) => text(new RegExp(`^(?:${pattern})$`), most);

export const did = whole(`did:key:${MULTIKEY}`);
export const uuid7 = whole(UUID7);
export const origin = whole("[!-*,-~]{1,255}");
export const position = integer(0, Number.MAX_SAFE_INTEGER);
const multikey = whole(MULTIKEY);
// Only the length here: an id is checked in full where it is created, and a reference must equal
// such an id.
export const id = (value, at) => {
  if (typeof value !== "string" || [...value].length !== 36) misfit("an id of 36 characters", at, value);
};
const otherId = whole(`${ANY_DID}|https?://[!-~]{1,490}`, 500);
const name = text(NAME, 200);
const url = whole("https?://[!-~]+", 500);
const digest = bytes(32);
const country = whole("[A-Z]{2}(-[A-Z0-9]{1,3})?");
const language = whole("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", 35);
const field = whole("[0-9]{2,4}");
const version = integer(1, 10_000);
const achievementType = whole("(ext:)?[A-Za-z][A-Za-z0-9]{0,63}");

const role = word("accreditor", "authority", "endorser", "provider");
const recognisedAs = word("accreditor", "authority");
const assessment = word(
  ..."artefact attendance continuous groupPerformance markedAssignment none oralExamination peerAssessment".split(" "),
  ..."portfolio practical problemBased project quiz writtenExamination".split(" "),
);
const participation = word("blended", "online", "presential", "projectBased", "research", "workbased");
const supervision = word("none", "supervised", "supervisedOnline", "supervisedOnSiteWithIdentity");
const suite = word(
  ..."eddsa-jcs-2022 eddsa-rdfc-2022 ecdsa-rdfc-2019 ecdsa-jcs-2019 ecdsa-sd-2023".split(" "),
  ..."Ed25519Signature2020 vc+jwt MerkleProof2017 MerkleProof2019 merkle-proof-2019 none".split(" "),
);
const reason = word(
  ..."accreditationWithdrawn administrative cessationOfOperation duplicate fraudulentIssuance".split(" "),
  ..."holderRequest issuedInError keyCompromise misconduct requirementsNotMet superseded unspecified".split(" "),
);
const sanctionReason = word(
  ..."administrative cessationOfOperation conditionsNotMet misconduct qualityConcern unspecified voluntary".split(" "),
);

const document = part({ digest, url });
const identifier = part({
  scheme: word("CTID", "DAPIP", "DEQARINST", "ETER", "PIC", "ROR"),
  value: whole("[!-~]{1,100}"),
});
const level = part({ framework: word("EQF", "QF-EHEA"), value: integer(0, 8) }, {}, (value, at) => {
  const [lowest, highest] = value.framework === "EQF" ? [1, 8] : [0, 3];
  if (value.value < lowest || value.value > highest) misfit(`a level from ${lowest} to ${highest}`, at, value);
});
const scope = part(
  {},
  {
    achievementTypes: set(achievementType, 64),
    achievements: set(uuid7, 1000),
    fields: set(field, 200),
    jurisdictions: set(country, 300),
    languages: set(language, 100),
    levels: set(level, 12),
    participation: set(participation, 6),
  },
);
const definition = part(
  { name, achievementType },
  {
    assessment: set(assessment, 14),
    criteria: document,
    digest,
    field,
    languages: set(language, 20),
    level,
    outcomes: list(part({ name }, { framework: word("CASE", "CTDL-ASN", "ESCO"), url }), 1, 100),
    participation: set(participation, 6),
    qualityAssurance: set(word("institutional", "programme", "none"), 3),
    supervision,
    url,
    workload: part({ amount: integer(1, 100_000), unit: word("hour", "tenthOfEcts") }),
  },
);

const keptRanges = ({ since, kept }) => {
  if (kept === undefined) return;
  const inOrder = kept.every(([first, last], at) => first <= last && (at === 0 || kept[at - 1][1] < first));
  if (since === undefined || !inOrder || kept[0][0] < since) {
    throw new Refusal("kept-ranges", "kept lists disjoint ranges [from, to] in order, from since on");
  }
};

const vouched = [{ country, name }, { otherIds: set(otherId, 8), otherNames: set(name, 8), url }];
const withVouched = (members, optional = {}) => [{ ...vouched[0], ...members }, { ...vouched[1], ...optional }];
const term = { scope, validUntil: day };
const ofCredential = { effectiveAt: day };
const registered = [
  {
    country,
    name,
    organization: did,
    origin,
    recoveryKeys: list(multikey, 0, 8),
    roles: set(role, 4),
    signature: bytes(64),
    signingKeys: set(multikey, 16, 0),
    sponsor: origin,
    type: word("organization.registered/1"),
    until: day,
  },
  { identifiers: set(identifier, 16), url },
];

const FORMS = {
  "organization.registered/1": registered,
  "log.opened/1": [
    {
      admission: word("testamur/admission/1"),
      authorities: list(part(...registered), 1, 64),
      format: word("testamur/log/1"),
      origin,
    },
  ],
  "organization.updated/1": [{ country, name }, { identifiers: set(identifier, 16), url }],
  "organization.closed/1": [{}],
  "organization.succeeded/1": [{ organization: did, successor: did }],
  "organization.objected/1": [{}],
  "key.listed/1": [{ as: word("recovery", "signing"), key: multikey }],
  "key.retired/1": [{ key: multikey }],
  "key.compromised/1": [
    { key: multikey },
    { since: position, kept: list(list(position, 2, 2), 1, 1000) },
    keptRanges,
  ],
  "recognition.granted/1": withVouched({ as: recognisedAs, organization: did, recognition: id, validFrom: day }, term),
  "recognition.restated/1": withVouched({ recognition: id }),
  "recognition.withdrawn/1": [{ reason: sanctionReason, recognition: id }],
  "accreditation.granted/1": withVouched(
    {
      accreditation: id,
      decision: word("conditional", "positive"),
      kind: word("institutional", "programme"),
      provider: did,
      validFrom: day,
    },
    { ...term, evidence: document, obligation: word("obligatory", "voluntary"), reviewBy: day },
  ),
  "accreditation.restated/1": withVouched({ accreditation: id }, { reviewBy: day }),
  "accreditation.suspended/1": [{ accreditation: id, reason: sanctionReason }],
  "accreditation.reinstated/1": [{ accreditation: id }],
  "accreditation.withdrawn/1": [{ accreditation: id, reason: sanctionReason }],
  "achievement.defined/1": [{ achievement: id, definition }],
  "achievement.revised/1": [{ achievement: id, definition, version }],
  "achievement.retired/1": [{ achievement: id }],
  "credential.issued/1": [
    {
      achievement: id,
      achievementVersion: version,
      commitment: digest,
      credential: id,
      format: word("OpenBadgeCredential/3.0", "VerifiableCredential/2.0", "Blockcerts/2", "Blockcerts/3"),
      validFrom: day,
    },
    { accreditation: id, assessment, participation, suite, supervision, validUntil: day },
  ],
  "credential.suspended/1": [{ credential: id, reason }, ofCredential],
  "credential.reinstated/1": [{ credential: id }, ofCredential],
  "credential.revoked/1": [{ credential: id, reason }, ofCredential],
  "credential.superseded/1": [{ credential: id, successor: id }],
};

const EVENTS = new Map(
  Object.entries(FORMS).map(([type, [members, ...more]]) => [type, part({ ...members, type: word(type) }, ...more)]),
);

// The member by which an event brings a new id into the world: a UUID of version 7.
const CREATED = {
  "recognition.granted/1": "recognition",
  "accreditation.granted/1": "accreditation",
  "achievement.defined/1": "achievement",
  "credential.issued/1": "credential",
};

export const isKeyEvent = ({ type }) => type.startsWith("key.");

// The event that a line (text without LF) spells, with the members as they are written. Throws
// `Refusal` for every spelling but the one.
export const decodeEvent = (line) => {
  const written = bytesOf(line);
  if (written.length > MAX_ENTRY) throw new Refusal("entry-size", `an entry is at most ${MAX_ENTRY} bytes`);
  const event = parseStrict(written, { maxBytes: MAX_ENTRY });
  const form = EVENTS.get(event?.type);
  if (form === undefined) throw new Refusal("event-schema", "no event of the catalogue", event?.type);
  form(event, "$");
  if (jcs(event) !== line) throw new Refusal("canonical-json", "not RFC 8785 canonical JSON");
  const created = CREATED[event.type];
  if (created !== undefined) uuid7(event[created], `$.${created}`);
  return event;
};
