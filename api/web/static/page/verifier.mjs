// The part of a page that checks what somebody was sent: it takes files, and shows an answer about each.
// No file leaves it.
import { check, checkEach, register, sortedOut } from "./checking.mjs";
import { el } from "./dom.mjs";
import { MAX_FILES, listen, readFiles, readText } from "./given.mjs";
import { manyAnswers } from "./many_answers.mjs";
import { oneAnswer } from "./one_answer.mjs";
import { trustPart } from "./trust.mjs";
import { answerWords, inShort } from "./wording.mjs";
import { _, number } from "./words.mjs";

// Put it into an element, and return it. `keys` are those of the log that the page brings; `origin` is the
// register to ask, or null for a page that asks nobody.
export const verifier = (place, { keys, origin }) => {
  const made = new Verifier(keys, origin);
  place.replaceChildren(made.intake(made.drop(), made.text()), made.trust, ...made.outcome());
  return made.listening();
};

// The same in a box, with its answers elsewhere.
export const boxVerifier = (place, answers, { keys, origin }) => {
  const made = new Verifier(keys, origin);
  place.replaceChildren(made.intake(made.drop()));
  answers.replaceChildren(...made.outcome());
  return made.listening();
};

class Verifier {
  constructor(keys, origin) {
    this.answers = el("div", { class: "answers" });
    this.opened = el("div", { class: "answers" });
    this.said = el("p", { class: "said", role: "status" });
    this.progress = el("progress", { hidden: true, "aria-label": _("Checked so far") });
    this.ask = origin === null ? null : register(origin);
    this.given = [];
    this.turn = 0;
    const { part, ready } = trustPart(keys, (trusted) => this.believe(trusted));
    Object.assign(this, { trust: part, ready });
  }

  // --- What is given ---

  intake(...parts) {
    return el("section", { class: "intake", "aria-label": _("What to check") }, parts);
  }

  drop() {
    const field = el("input", { type: "file", id: "files", multiple: true, change: () => this.takeFiles(field.files) });
    return el(
      "div",
      { class: "drop" },
      el("label", { for: "files" }, _("Drop files here, paste them, or choose them")),
      field,
      el("p", { class: "own" }, _("A holder file, a picture with a badge in it, evidence (.testamur.json): one, or many. They stay in your browser.")),
    );
  }

  text() {
    const text = el("textarea", { id: "pasted", rows: 4, spellcheck: "false", autocomplete: "off", required: true });
    const submit = (event) => [event.preventDefault(), this.takeText(text.value)];
    return el(
      "details",
      {},
      el("summary", {}, _("Or paste a text or a link")),
      el("form", { submit }, el("label", { for: "pasted" }, _("The text of a credential, or the link to it")), text, el("button", {}, _("Check"))),
    );
  }

  outcome() {
    return [this.said, this.progress, this.answers, this.opened];
  }

  listening() {
    listen({ files: (files) => this.takeFiles(files), text: (text) => this.takeText(text) });
    return this;
  }

  takeFiles(files) {
    const over = files.length > MAX_FILES ? _("Only the first {most} files were read.", { most: number(MAX_FILES) }) : "";
    return this.take(readFiles(files), over);
  }

  takeText(text) {
    return text.trim() === "" ? null : this.take(readText(text).then((file) => [file]));
  }

  async take(reading, over = "") {
    this.say(_("Reading …"));
    const files = await reading;
    // Evidence may be given before or after what it is about.
    const before = sortedOut(files).subjects.length > 0 ? sortedOut(this.given).evidence : this.given;
    this.given = [...before, ...files];
    await this.answer(over);
  }

  async believe(trusted) {
    this.trusted = { ...trusted, ask: this.ask };
    if (this.given.length > 0) await this.answer();
  }

  // --- What is answered ---

  async answer(over = "") {
    const turn = ++this.turn;
    await this.ready;
    const { subjects, evidence, policies } = sortedOut(this.given);
    this.show([]);
    if (subjects.length === 0) {
      this.say(policies.length > 0 ? _("This is a policy. To trust it, put its text under “Whom you trust”.") : _("This is evidence. Give the credential that it is about, too."));
    } else if (this.trusted.policy === null) {
      this.say(_("No log is trusted yet: state its key under “Whom you trust”."));
    } else if (subjects.length === 1) {
      this.say(_("Checking …"));
      const found = await this.found(subjects[0], evidence);
      if (turn === this.turn) this.showOne(this.answers, found);
    } else {
      const answers = await this.foundOfMany(subjects, evidence);
      if (turn === this.turn) this.showMany(answers, over);
    }
  }

  // {file, report, evidence, learner} of one file.
  async found(file, given, learner = null) {
    const about = given.filter(({ evidence }) => evidence.credential === file.holder?.id);
    return { file, learner, ...(await check(file, about, this.trusted, learner)) };
  }

  async foundOfMany(subjects, evidence) {
    this.say(_("Checking {count} files …", { count: number(subjects.length) }));
    Object.assign(this.progress, { hidden: false, max: subjects.length, value: 0 });
    const found = await checkEach(subjects, evidence, this.trusted, () => (this.progress.value += 1));
    this.progress.hidden = true;
    return subjects.map((file, at) => ({ file, learner: null, ...found[at] }));
  }

  showOne(place, found) {
    const { evidence } = sortedOut(this.given);
    const ask = async (learner) => this.showOne(place, await this.found(found.file, evidence, learner));
    const part = oneAnswer(found, ask);
    place.replaceChildren(part);
    // The answer says so itself, to those who see it.
    this.say(`${answerWords(found.report.verdict)}. ${inShort(found.report)}`, "hidden");
    part.scrollIntoView({ block: "nearest" });
  }

  showMany(answers, over) {
    const open = (answer) => {
      this.showOne(this.opened, answer);
      this.opened.querySelector("h2").focus();
    };
    this.show([manyAnswers(answers, open)]);
    this.say([_("{count} files were checked.", { count: number(answers.length) }), over].join(" ").trim());
  }

  show(parts) {
    this.answers.replaceChildren(...parts);
    this.opened.replaceChildren();
  }

  say(text, look = "said") {
    this.said.className = look;
    this.said.textContent = text;
  }
}
