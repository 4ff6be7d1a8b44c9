// What a credential is about, as far as checks that hold show it: what was awarded, by whom, accredited by whom.
import { el, facts, own } from "./dom.mjs";
import { statusWords } from "./wording.mjs";
import { _, moment, number } from "./words.mjs";

export const told = (report, file) => {
  const { subject } = report;
  const detail = (name) => report.checks.find((check) => check.name === name && check.verdict === "holds")?.detail;
  return el(
    "section",
    { class: "told", "aria-labelledby": "told" },
    el("h3", { id: "told" }, subject.achievement === undefined ? _("What it is about") : own(subject.achievement)),
    facts([
      [_("Issued by"), subject.issuer && own(subject.issuer)],
      [_("Accredited by"), subject.accreditor && own(subject.accreditor)],
      [_("Status"), subject.status && statusWords(subject.status)],
    ]),
  );
};
