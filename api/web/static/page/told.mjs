// What a credential is about, as far as checks that hold show it (`facts` of a report): what was awarded and how it
// was assessed, who issued it, who accredited that and up to which authority, and what became of it.
import { accreditationWords, assessmentWords, levelWords, participationWords, reasonWords, supervisionWords, workloadWords } from "./codes.mjs";
import { code, el, facts, own } from "./dom.mjs";
import { statusWords } from "./wording.mjs";
import { _, day, moment, number, pieces } from "./words.mjs";

export const told = (report) =>
  el(
    "section",
    { class: "told", "aria-labelledby": "told" },
    el("h3", { id: "told" }, titled(report)),
    report.facts === null
      ? el("p", { class: "own" }, _("Nothing that this file says is shown here, because it is not known to be what was recorded."))
      : factsOf(report),
  );

const titled = ({ facts: found, subject }) => {
  const title = found === null ? undefined : found.award?.name ?? subject.achievement;
  return title ? own(title) : _("What it is about");
};

// Organizations are linked where the register that was asked has a page about each.
export const factsOf = ({ evidenceFrom, facts: { award, issuer, accreditor, chain, anchor, status } }) => {
  const organization = evidenceFrom === "register" ? linked : named;
  return facts([
    [_("Assessed"), award && assessed(award)],
    [_("Level"), award?.definition?.level && levelWords(award.definition.level)],
    [_("Workload"), award?.definition?.workload && workloadWords(award.definition.workload)],
    [_("What was learnt"), award?.definition?.outcomes && el("ul", {}, award.definition.outcomes.map(({ name }) => el("li", {}, own(name))))],
    [_("Issued by"), issuer && organization(issuer), issuer?.vouchedBy && note(pieces(_("{name} vouches for that name"), { name: own(issuer.vouchedBy.name) }))],
    [_("Accredited by"), accreditor && [organization(accreditor), note(accredited(accreditor))]],
    [_("Up to the authority"), anchor && path(chain, anchor, organization)],
    [_("Status"), status && standing(status)],
    [_("Valid"), award && valid(award)],
    [_("Recorded"), award && _("{time}, at position {position}", { time: moment(award.recordedAt), position: number(award.position) })],
  ]);
};

const note = (words) => el("span", { class: "own note" }, words);

const named = (organization) => [el("span", { title: organization.did }, own(organization.name)), unvouched(organization)];

const linked = (organization) => {
  const { did, name } = organization;
  return [el("a", { href: `/organizations/${did}`, title: did }, own(name)), unvouched(organization)];
};

const unvouched = ({ isVouched }) => !isVouched && [" ", el("span", { class: "own" }, _("(nobody vouches for the name)"))];

// The issuance says how it was; what it leaves unsaid its definition may say.
const assessed = ({ assessment, participation, supervision, definition }) =>
  [
    ...(assessment ? [assessment] : definition?.assessment ?? []).map(assessmentWords),
    ...(supervision ? [supervision] : [definition?.supervision].filter((each) => each)).map(supervisionWords),
    ...(participation ? [participation] : definition?.participation ?? []).map(participationWords),
  ].join(", ");

const accredited = ({ kind, decision, validFrom, validUntil }) =>
  [
    accreditationWords(kind),
    ...(decision === "conditional" ? [_("under conditions")] : []),
    validUntil === null ? _("from {day} on", { day: day(validFrom) }) : _("from {day} until {last}", { day: day(validFrom), last: day(validUntil) }),
  ].join(", ");

const path = (chain, anchor, organization) => {
  const between = (chain ?? []).filter(({ did }) => did !== anchor.did);
  return [
    between.map((each) => [organization(each), ", ", _("recognised by"), " "]),
    organization(anchor),
    note(anchor.isGiven ? _("an authority that you named") : _("a root authority of this log; you named none of your own")),
  ];
};

const standing = ({ word, asOf, size, acts }) => [
  el("strong", {}, statusWords(word)),
  " ",
  _("as of {count} entries of the log", { count: number(asOf) }),
  asOf < size && note(_("The evidence leaves out entries that came after them: {count}.", { count: number(size - asOf) })),
  acts.length > 0 && el("ul", { class: "acts" }, acts.map(act)),
];

const act = ({ what, position, recordedAt, effectiveAt, reason, successor, by, isHeard }) =>
  el(
    "li",
    {},
    pieces(_("{what} on {time}, at position {position}, by {name}"), { what: statusWords(what), time: moment(recordedAt), position: number(position), name: own(by.name) }),
    reason && [": ", reasonWords(reason)],
    effectiveAt && ["; ", _("with effect from {day}", { day: day(effectiveAt) })],
    successor && ["; ", _("in its place:"), " ", code(successor)],
    !isHeard && ["; ", _("this does not count for you, since nobody whom you trust named who did it")],
  );

const valid = ({ validFrom, validUntil }) =>
  validUntil === null ? _("from {day} on, without end", { day: day(validFrom) }) : _("from {day} until {last}", { day: day(validFrom), last: day(validUntil) });
