// The answers about many files: a table to read, and CSV to keep.
import { answerSign, answerWords } from "./wording.mjs";
import { download, el, english, own } from "./dom.mjs";
import { _, number } from "./words.mjs";

// The columns of `testamur verify --format csv`.
const COLUMNS = ["file", "answer", "achievement", "issuer", "status", "why", "credential", "accreditor", "log", "size", "checkedAt", "flags"];
const WORST_FIRST = ["not-valid", "could-not-tell", "valid"];

// `answers` are [{file, report}]; `onOpen(answer)` shows one of them.
export const manyAnswers = (answers, onOpen) => {
  const counted = WORST_FIRST.map((verdict) => [verdict, answers.filter(({ report }) => report.verdict === verdict).length]);
  const sorted = [...answers].sort((one, other) => WORST_FIRST.indexOf(one.report.verdict) - WORST_FIRST.indexOf(other.report.verdict));
  return el(
    "section",
    { class: "many", "aria-labelledby": "many" },
    el("h2", { id: "many", tabindex: -1 }, _("{count} files", { count: number(answers.length) })),
    el("ul", { class: "counts" }, counted.filter(([, count]) => count > 0).map(([verdict, count]) => el("li", { class: verdict }, sign(verdict), ` ${answerWords(verdict)}: ${number(count)}`))),
    el("p", { class: "own" }, _("Whose they are was not checked: open each, and ask.")),
    el("p", { class: "actions" }, download(_("Download the table (CSV)"), "verified.csv", () => csvOf(answers), "text/csv;charset=utf-8")),
    el(
      "div",
      { class: "wide", tabindex: 0, role: "region", "aria-label": _("Answers") },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, [_("File"), _("Answer"), _("Achievement"), _("Issuer"), _("Reason")].map((head) => el("th", { scope: "col" }, head)))),
        el("tbody", {}, sorted.map((answer) => row(answer, onOpen))),
      ),
    ),
  );
};

const sign = (verdict) => el("span", { class: "sign", "aria-hidden": "true" }, answerSign(verdict));

const row = (answer, onOpen) => {
  const { file, report, isInWords } = answer;
  return el(
    "tr",
    { class: report.verdict },
    el("th", { scope: "row" }, el("button", { type: "button", class: "plain", click: () => onOpen(answer) }, own(file.name))),
    el("td", { class: "answer-cell" }, sign(report.verdict), ` ${answerWords(report.verdict)}`),
    el("td", {}, own(report.subject.achievement ?? "")),
    el("td", {}, own(report.subject.issuer ?? "")),
    el("td", {}, report.verdict === "valid" ? "" : isInWords ? report.why : english(report.why)),
  );
};

// --- CSV (RFC 4180) ---

export const csvOf = (answers) => `\ufeff${[COLUMNS, ...answers.map(cells)].map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;

const cells = ({ file, report }) => {
  const told = {
    ...report.subject,
    ...{ file: file.name, answer: report.verdict.replaceAll("-", " "), why: report.why, credential: report.credential },
    ...{ log: report.log, size: report.log === "" ? "" : report.size, checkedAt: report.checkedAt },
    flags: report.flags.map(({ code }) => code).join(" "),
  };
  return COLUMNS.map((name) => inert(String(told[name] ?? "")));
};

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// An apostrophe before whatever a spreadsheet would run, as testamur/formulas.py has it.
const inert = (text) => text.replaceAll(/(^|[;\t\r\n])(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])/g, "$1'");
