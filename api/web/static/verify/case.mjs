// What an excerpt shows of one credential, which anchors its verifier starts from, and whose words
// are heard: testamur/verification/issuance.py and trust/.
import { Refusal, Refuted, Unavailable } from "./errors.mjs";
import { did } from "./events.mjs";
import { chain, inForce } from "./chain.mjs";
import { cutOffBy } from "./key_table.mjs";
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
    this.heardWords = this.path === null ? new Map() : this.wordsAlong(this.path, accredited);
    this.leads = new Map();
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
    return new Map(grants.map((grant) => [grant.subject, this.vouched(grant)]));
  }

  // How a report calls an organization: by a name that was vouched for, if any.
  called(organization) {
    if (this.heardWords.has(organization)) return this.heardWords.get(organization).name;
    const known = this.register.organizations.get(organization);
    return known === undefined ? organization : `${particulars(this.register, known).name} (by its own word)`;
  }

  // Whether the successors that an accreditor named are heard: if it leads to an anchor where the
  // successor acts.
  hears(speaker, position) {
    const asked = `${speaker} ${position}`;
    if (!this.leads.has(asked)) {
      if (this.leads.size === MAX_HEARD) {
        throw new Unavailable(
          `the evidence shows more than ${MAX_HEARD} acts of the successors that accreditors named; it is too large ` +
            "to be read",
        );
      }
      const { day } = this.excerpt.submissionOf(position);
      const path = chain(this.register, speaker, { position, day, covered: null }, this.anchors);
      this.leads.set(asked, path !== null);
    }
    return this.leads.get(asked);
  }

  anchorsNamed() {
    return this.isGiven ? "a trust anchor of yours" : "a root authority of the log's genesis (you gave no trust anchor)";
  }

  // --- What does not count ---

  // Why an event that does not count does not: refuted, or not shown to count.
  uncounted({ event, position, signed }) {
    const what = `${past(event)} at ${position}`;
    const organization = this.register.organizations.get(signed.organization);
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
    return new Refuted(`the ${event.type.split(".")[0]} was ${what}; ${this.because(organization, signed)}`);
  }

  because({ did: organization, keys }, { key, position, recordedAt }) {
    const name = this.called(organization);
    const listed = keys.keys.get(key);
    const cut = listed.listingCounts ? cutOffBy(listed, position, recordedAt) : undefined;
    if (cut !== undefined) return `${name} declared at ${cut.position} that the key was compromised since ${cut.since}`;
    const why = keys.whyNot(key, position, recordedAt);
    return why === null ? `${name} signed it` : `of ${name}, ${why}`;
  }
}

// What happened, in one word: the event's own, such as `revoked`.
export const past = ({ type }) => type.split(".")[1].split("/")[0];

// What an event says of why it happened, since when, and what takes the place.
export const circumstances = ({ event, signed }) =>
  [
    event.reason === undefined ? "" : ` (${event.reason})`,
    event.successor === undefined ? "" : `, credential ${event.successor} takes its place`,
    event.effectiveAt === undefined ? "" : `, with effect from ${event.effectiveAt}, recorded ${signed.day}`,
  ].join("");
