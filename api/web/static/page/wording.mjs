// How answers, checks and codes are called.
import { _ } from "./words.mjs";

export const answerWords = (verdict) =>
  ({ valid: _("Valid"), "not-valid": _("Not valid"), "could-not-tell": _("Could not tell") })[verdict];

// A sign beside the words, for those who know it: the words say it all.
export const answerSign = (verdict) => ({ valid: "✓", "not-valid": "✗", "could-not-tell": "?" })[verdict];

export const verdictWords = (verdict) =>
  ({ holds: _("holds"), refuted: _("refuted"), "could not check": _("could not check") })[verdict];

export const basisWords = (basis) =>
  ({
    proven: _("proven"),
    attested: _("attested"),
    "stated by the register": _("stated by the register"),
    "the bearer's word": _("the bearer’s word"),
  })[basis];

// What each check asks.
export const checkWords = (name) =>
  ({
    commitment: _("Is this the credential that was recorded?"),
    submission: _("Is it what the provider submitted?"),
    signature: _("Did the issuer sign it, with a key that counts?"),
    inclusion: _("Is it in the public log?"),
    checkpoint: _("Did the log sign that?"),
    status: _("Is it still in force?"),
    accreditation: _("Was the issuer accredited for it?"),
    recognition: _("Was the accreditor recognised?"),
    achievement: _("Does it say what was recorded as awarded?"),
    issuer: _("Does it name its issuer rightly?"),
    validity: _("Is today within its dates?"),
    proof: _("Does its own signature hold?"),
    learner: _("Does it name this person?"),
    blockcert: _("Does the receipt in the Blockcert hold?"),
    blockchain: _("Is its root on the blockchain that it names?"),
  })[name];

// One sentence on a report, by the check that decides it; the report's own words stand beneath.
export const inShort = (report) => {
  const { verdict, checks } = report;
  if (verdict === "valid") return _("Every check holds.");
  if (verdict === "not-valid") return refutedWords(checks.find((check) => check.verdict === "refuted")?.name);
  if (checks.length === 0) return _("No credential was examined.");
  const open = checks.filter((check) => check.verdict !== "holds");
  if (open.every((check) => check.basis === "the bearer's word")) {
    return _("Everything in the file holds. Whether it was revoked since could not be told offline.");
  }
  return _("Not every check could be made.");
};

const refutedWords = (name) =>
  ({
    commitment: _("This is not the credential that was recorded."),
    submission: _("What is shown is not what the provider submitted."),
    signature: _("The issuer’s signature does not count."),
    inclusion: _("What is shown is not in the log."),
    checkpoint: _("The log that you trust did not sign this."),
    status: _("The credential is not in force."),
    accreditation: _("The issuer was not accredited for it."),
    recognition: _("The accreditor was not recognised."),
    achievement: _("It says something else than was recorded as awarded."),
    issuer: _("It names another issuer than the one that signed."),
    validity: _("Today is not within its dates."),
    proof: _("Its own signature does not hold."),
    learner: _("It is another person’s."),
    blockcert: _("The receipt in the Blockcert does not hold."),
    blockchain: _("Its root is not on the blockchain that it names."),
  })[name];

// What became of a credential or a grant.
export const statusWords = (status) =>
  ({
    active: _("in force"),
    suspended: _("suspended"),
    revoked: _("revoked"),
    superseded: _("superseded"),
    withdrawn: _("withdrawn"),
    reinstated: _("reinstated"),
    "active by the bearer's word": _("in force, by the bearer’s word"),
  })[status] ?? status;
