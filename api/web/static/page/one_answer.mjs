// The answer about one file: the verdict first, then whose it is, what it says and who stands behind it,
// then the checks, then the cryptography.
import { bytesOf } from "../verify/encodings.mjs";
import { Refuted, printable } from "../verify/errors.mjs";
import { NOT_ALONE } from "../verify/identities.mjs";
import { code, download, el, english, facts, own } from "./dom.mjs";
import { told } from "./told.mjs";
import { answerSign, answerWords, basisWords, checkWords, inShort, verdictWords } from "./wording.mjs";
import { _, moment, number, pieces } from "./words.mjs";

const [MOST_NAMES, LONGEST_NAME] = [5, 200];

// `answer` is {file, report, evidence}; `onAsk(learner)` returns the answer that asks about a person, or throws
// `Refusal` for a text that names none.
export const oneAnswer = (answer, onAsk) => {
  const { file, report } = answer;
  return el(
    "article",
    { class: `answer ${report.verdict}`, "aria-label": file.name },
    verdict(answer),
    report.checks.length > 0 && [whose(answer, onAsk), told(report), checks(report), more(report), cryptography(answer)],
  );
};

// --- The verdict ---

const verdict = ({ report, file, isInWords }) =>
  el(
    "header",
    { class: "verdict-banner" },
    el("p", { class: "file" }, own(file.name)),
    el("h2", { class: "verdict-words", tabindex: -1 }, el("span", { class: "sign", "aria-hidden": "true" }, answerSign(report.verdict)), ` ${answerWords(report.verdict)}`),
    el("p", { class: "in-short" }, inShort(report)),
    el("p", { class: "why" }, isInWords ? report.why : english(report.why)),
    el("p", { class: "checked" }, checkedWords(report)),
  );

const checkedWords = ({ checkedAt, log, size }) =>
  log === "" ? _("Checked on {time}", { time: moment(checkedAt) }) : _("Checked on {time}, against {log} with {count} entries", { time: moment(checkedAt), log, count: number(size) });

// --- Whose it is ---

const whose = (answer, onAsk) => {
  const learner = answer.report.checks.find(({ name }) => name === "learner");
  const field = el("input", { id: "learner", name: "learner", autocomplete: "off", spellcheck: "false", required: true, maxlength: 2000 });
  field.value = answer.learner ?? "";
  const fault = el("p", { class: "fault", role: "alert" });
  const ask = async (event) => {
    event.preventDefault();
    fault.replaceChildren();
    try {
      await onAsk(field.value);
    } catch (error) {
      if (!(error instanceof Refuted)) throw error;
      fault.replaceChildren(english(error.message));
    }
  };
  const names = namesIn(answer);
  return el(
    "section",
    { class: "whose", "aria-labelledby": "whose" },
    el("h3", { id: "whose" }, _("Whose is it?")),
    names.length > 0 && el("p", {}, pieces(_("Its issuer wrote the name {names}, which others may have too."), { names: el("strong", {}, own(names.join(", "))) })),
    learner === undefined
      ? el("p", { class: "own" }, _("Nobody has checked that yet. A file can be passed on: ask the person who showed it to you."))
      : el("p", { class: `found ${isByName(learner) ? "by-name" : className(learner.verdict)}` }, found(learner), " ", el("span", { lang: "en", class: "own" }, learner.detail)),
    el(
      "form",
      { class: "ask", submit: ask },
      el("label", { for: "learner" }, _("E-mail address, name, student number or DID of that person")),
      el("div", { class: "row" }, field, el("button", {}, _("Compare"))),
      el("p", { class: "own" }, _("It is compared here, in your browser, with what the credential states, often as a hash. Nothing is sent.")),
      fault,
    ),
  );
};

// The names that the credential holds in the clear, if it is the one that was recorded.
const namesIn = ({ file, report }) => {
  if (report.facts === null) return [];
  const { credentialSubject: subject } = file.holder.credential;
  const identifiers = [subject].flat().flatMap((each) => each?.identifier ?? []);
  const isName = (each) => each?.identityType === "name" && each.hashed !== true && typeof each.identityHash === "string";
  return identifiers.filter(isName).slice(0, MOST_NAMES).map(({ identityHash }) => printable(identityHash, LONGEST_NAME));
};

const found = (learner) =>
  isByName(learner)
    ? _("It is made out to this name, which others may have too.")
    : { holds: _("It is this person’s."), refuted: _("It is another person’s."), "could not check": _("It could not be told whether it is this person’s.") }[learner.verdict];

// Not in the green of what is a person's: a name that is the same says less.
const isByName = ({ verdict, detail }) => verdict === "holds" && detail.endsWith(NOT_ALONE);

const className = (verdict) => verdict.replaceAll(" ", "-");

// --- The checks ---

const checks = (report) =>
  el(
    "section",
    { class: "checks", "aria-labelledby": "checks" },
    el("h3", { id: "checks" }, _("The checks")),
    el("ol", {}, report.checks.map(check)),
    el("p", { class: "own" }, _("Proven: by signatures and hashes that anybody can repeat. Attested: by the signature of those named. Stated by the register: it says that it left nothing out, and nobody has proven it.")),
  );

const check = ({ name, verdict, basis, detail }) => {
  // What was not looked at rests on nothing, unless it is on somebody's word.
  const isKnown = verdict !== "could not check" || basis === "the bearer's word";
  return el(
    "li",
    { class: className(verdict), "data-check": name },
    el("p", { class: "question" }, checkWords(name)),
    el("p", { class: "outcome" }, el("span", { class: `status ${{ holds: "on", refuted: "off" }[verdict] ?? ""}` }, verdictWords(verdict)), isKnown && [" ", el("span", { class: "own" }, basisWords(basis))]),
    el("p", { class: "own detail", lang: "en" }, detail),
  );
};

// --- What else there is to know ---

const more = ({ flags, notes, issuerOnly, unexamined }) => {
  const lists = [
    [_("Flags"), flags.map((flag) => `${flag.code}: ${flag.meaning} (${flag.basis})`)],
    [_("Notes"), notes],
    [_("Said by the issuer alone"), issuerOnly],
    [_("Not examined by anybody"), unexamined],
  ].filter(([, items]) => items.length > 0);
  if (lists.length === 0) return null;
  return el(
    "section",
    { class: "more" },
    lists.map(([heading, items]) => [el("h3", {}, heading), el("ul", { lang: "en" }, items.map((item) => el("li", {}, item)))]),
  );
};

const cryptography = ({ file, report, evidence }) =>
  el(
    "details",
    { class: "cryptography" },
    el("summary", {}, _("The cryptography")),
    facts([
      [_("Credential"), code(report.credential), report.evidenceFrom === "register" && [" ", el("a", { href: `/credentials/${report.credential}` }, _("The public entry"))]],
      [_("Log"), report.log === "" ? null : code(report.log)],
      [_("Tree size"), report.log === "" ? null : number(report.size)],
      [_("Root"), report.root === "" ? null : code(report.root)],
      [_("Position"), report.subject.position === undefined ? null : number(Number(report.subject.position))],
      [_("Issuer’s key (DID)"), report.subject.issuerDid === undefined ? null : code(report.subject.issuerDid)],
      [_("Last entry shown"), report.recordedAt && moment(report.recordedAt)],
      [_("Seen by witnesses"), report.witnessedAt && moment(report.witnessedAt)],
      [_("Checked"), moment(report.checkedAt)],
      [_("Evidence"), report.evidenceFrom === "register" ? _("fetched from the register of this page, by the id alone") : _("from the file that was given")],
    ]),
    evidence && [el("p", {}, _("The checkpoint, as the log signed it:")), el("pre", { tabindex: 0 }, code(evidence.checkpoint))],
    el(
      "p",
      { class: "actions" },
      download(_("Download the report (JSON)"), `${file.name.replace(/\.json$/, "")}.report.json`, () => bytesOf(`${JSON.stringify({ ...report, facts: undefined }, null, 1)}\n`), "application/json"),
    ),
  );
