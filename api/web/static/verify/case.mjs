// What an excerpt shows of one credential, which anchors its verifier starts from, and whose words
// are heard: testamur/verification/issuance.py, trust/anchors.py and trust/speakers.py.
import { chain, inForce, turns, turnsBefore } from "./chain.mjs";
import { Refusal, Unavailable } from "./errors.mjs";
import { did } from "./events.mjs";
import { existing, particulars, words } from "./status.mjs";

const MAX_HEARD = 64;

// The DID that an anchor is; throws `Refusal` (rule `anchor`).
export const parseAnchor = (text) => {
  try {
    did(text, "$");
    return text;
  } catch {
    throw new Refusal("anchor", "an anchor is the did:key of an authority or accreditor, without a fragment", text);
  }
};

export class Case {
  constructor(excerpt, given) {
    this.excerpt = excerpt;
    this.register = excerpt.register;
    this.issued = excerpt.issued();
    this.isGiven = given.size > 0;
    const roots = [...this.register.organizations.values()].filter(({ isRoot }) => isRoot);
    // A verifier who gives none goes by the root authorities of the genesis.
    this.anchors = this.isGiven ? given : new Set(roots.map((each) => each.did));
    const accredited = this.accredited();
    this.path = accredited === null ? null : chain(this.register, accredited.owner, this.moment(), this.anchors);
    // By organization, what its accreditor or authority says of it: the words that are heard.
    this.words = this.path === null ? new Map() : this.wordsAlong(this.path, accredited);
    this.leads = new Map();
    this.turns = null;
  }

  get issuer() {
    return this.issued.actor;
  }

  get position() {
    return this.issued.position;
  }

  // --- What the issuance names ---

  // The accreditation that it names, if that was granted before it; else null.
  accreditation() {
    const granted = this.register.accreditations.get(this.issued.event.accreditation);
    return existing(this.register, granted, this.position) === null ? null : granted;
  }

  definition() {
    return this.excerpt.definitionOf(this.issued);
  }

  // The definition that it names, whether or not that counts, or null.
  writtenDefinition() {
    return this.excerpt.writtenDefinition(this.issued)?.event.definition ?? null;
  }

  // What the signer of a grant vouches for about its subject, at the issuance.
  vouched(grant) {
    return words(this.register, grant, this.position);
  }

  // What scopes are asked about, if there is a definition and an accreditation; else null.
  covered() {
    const [definition, granted] = [this.definition(), this.accreditation()];
    if (definition === null || granted === null) return null;
    return { achievement: this.issued.event.achievement, definition, country: this.vouched(granted).country };
  }

  // Where grants must hold, and for what.
  moment() {
    return { position: this.position, day: this.issued.signed.day, covered: this.covered() };
  }

  // The accreditation that it names, if it was the issuer's, in force and covering; else null.
  accredited() {
    const granted = this.accreditation();
    if (granted === null || granted.subject !== this.issuer || this.covered() === null) return null;
    return inForce(this.register, granted, this.moment()) ? granted : null;
  }

  // --- Who is heard ---

  wordsAlong(path, accredited) {
    const grants = [...path.map((id) => this.register.recognitions.get(id)), accredited];
    return new Map(grants.map((grant) => [grant.subject, this.word(grant)]));
  }

  // What one organization vouches for about another, and at which position it said so.
  word(grant) {
    const spoken = this.vouched(grant);
    const { name, otherNames = [], url, otherIds = [] } = spoken;
    const restated = grant.stream.find(({ event }) => event === spoken);
    const position = restated?.position ?? existing(this.register, grant)?.[0] ?? 0;
    const ids = [...(url === undefined ? [] : [url]), ...otherIds];
    return { by: grant.owner, position, vouched: spoken, name, names: [name, ...otherNames], ids };
  }

  // How a report calls an organization: by a name that was vouched for, if any.
  called(organization) {
    const name = this.nameOf(organization);
    const isItsOwn = name !== organization && !this.words.has(organization);
    return isItsOwn ? `${name} (by its own word)` : name;
  }

  // The name that was vouched for, or the one that it has by its own word, or its DID.
  nameOf(organization) {
    if (this.words.has(organization)) return this.words.get(organization).name;
    const known = this.register.organizations.get(organization);
    return known === undefined ? organization : particulars(this.register, known).name;
  }

  // A note on each organization that calls itself otherwise than is vouched for.
  ownNames() {
    const notes = [];
    for (const [organization, { name, names }] of this.words) {
      const known = this.register.organizations.get(organization);
      const own = known === undefined ? name : particulars(this.register, known).name;
      if (!names.includes(own)) notes.push(`${name} (${organization}) calls itself ${own}`);
    }
    return notes;
  }

  // Whether the successors that an accreditor named are heard: if it leads to an anchor where the
  // successor acts.
  hears(speaker, position) {
    const { day } = this.excerpt.submissionOf(position);
    this.turns ??= turns(this.register, this.anchors);
    const asked = `${speaker} ${turnsBefore(this.turns, { position, day })}`;
    if (!this.leads.has(asked)) {
      if (this.leads.size === MAX_HEARD) {
        throw new Unavailable(
          `the evidence shows more than ${MAX_HEARD} times at which it may be judged anew whether successors that ` +
            "accreditors named are heard; it is too large to be read",
        );
      }
      const path = chain(this.register, speaker, { position, day, covered: null }, this.anchors);
      this.leads.set(asked, path !== null);
    }
    return this.leads.get(asked);
  }

  anchorsNamed() {
    return this.isGiven ? "a trust anchor of yours" : "a root authority of the log's genesis (you gave no trust anchor)";
  }
}
