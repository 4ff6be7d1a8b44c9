// What a learner is shown of a credential: its answer, its picture, what to do with it, what the log says of it, and whom
// to turn to if it is wrong.
import { jcs } from "../verify/canonical_json.mjs";
import { base64, bytesOf } from "../verify/encodings.mjs";
import { Refusal } from "../verify/errors.mjs";
import { SIZE, badgePicture, pngBytes, svgText } from "./badge_picture.mjs";
import { intoPng, intoSvg } from "./baking.mjs";
import { check, register } from "./checking.mjs";
import { levelWords, reasonWords, workloadWords } from "./codes.mjs";
import { code, download, el, english, own, svg } from "./dom.mjs";
import { MAX_IN_QR, toFragment } from "./holder_link.mjs";
import { linkedInAddress, linkedInFields, linkedInValues } from "./linkedin.mjs";
import { oneAnswer } from "./one_answer.mjs";
import { qrModules } from "./qr.mjs";
import { factsOf } from "./told.mjs";
import { answerSign, answerWords, inShort, statusWords } from "./wording.mjs";
import { _, day, moment, number, pieces } from "./words.mjs";

export class HolderView {
  constructor(file, policy, origin) {
    Object.assign(this, { file, origin });
    this.trusted = { policy, anchors: [], ask: register(origin) };
  }

  async parts() {
    const found = { file: this.file, learner: null, ...(await check(this.file, [], this.trusted)) };
    const { report } = found;
    document.title = `${report.facts?.award.name ?? _("Credential")} · ${answerWords(report.verdict)}`;
    if (report.facts === null) return [this.answer(found), ...(this.file.kind === "holder" ? [await this.log()] : [])];
    this.document = { type: "testamur/holder/1", ...this.file.holder, blind: base64(this.file.holder.blind) };
    this.picture = await this.drawn(report.facts);
    const link = await this.link();
    return [
      this.head(report),
      this.files(found.evidence),
      this.share(link),
      this.linkedIn(report.facts, link),
      await this.log(),
      this.dispute(report.facts),
      el("details", { class: "cryptography" }, el("summary", {}, _("All checks, as an employer sees them")), this.answer(found)),
    ];
  }

  // --- The badge ---

  head(report) {
    const title = report.facts.award.name ?? report.subject.achievement ?? "";
    return el(
      "div",
      { class: `holder-head ${report.verdict}` },
      this.picture,
      el(
        "div",
        {},
        el("h1", {}, own(title)),
        el(
          "p",
          { class: "badge-verdict", role: "status" },
          el("strong", {}, el("span", { class: "sign", "aria-hidden": "true" }, answerSign(report.verdict)), ` ${answerWords(report.verdict)}`),
          ". ",
          inShort(report),
        ),
        report.verdict !== "valid" && el("p", { class: "own" }, english(report.why)),
        factsOf(report),
      ),
    );
  }

  drawn({ award, issuer, accreditor }) {
    const { definition } = award;
    const foot = [definition?.level && levelWords(definition.level), definition?.workload && workloadWords(definition.workload)].filter((each) => each).join(" · ");
    const lasting = award.validUntil === null ? day(award.validFrom) : `${day(award.validFrom)} – ${day(award.validUntil)}`;
    const shown = {
      ...{ title: award.name ?? _("Credential"), kind: _("Micro-credential"), issuer: issuer.name, issuerDid: issuer.did },
      foot: [foot, lasting].filter((each) => each !== ""),
    };
    const said = _("A badge: {title}, awarded by {issuer}, from {day} on", { title: shown.title, issuer: issuer.name, day: day(award.validFrom) });
    return badgePicture(shown, accreditor === null ? said : _("{said}, accredited by {name}", { said, name: accreditor.name }));
  }

  // --- What to do with it ---

  files(evidence) {
    const { id } = this.file.holder;
    const file = () => bytesOf(`${jcs(this.document)}\n`);
    const baked = () => intoSvg(svgText(this.picture), this.document);
    return el(
      "section",
      { "aria-labelledby": "files-head" },
      el("h2", { id: "files-head" }, _("Keep it")),
      el("p", {}, _("Each of the first three is the whole credential. Anybody who has one can prove it, so give it only to those who should have it. They were made here, in your browser.")),
      el(
        "p",
        { class: "actions" },
        download(_("Credential (JSON)"), `${id}.json`, file, "application/json"),
        this.pngLink(),
        download(_("Picture (SVG)"), `${id}.svg`, baked, "image/svg+xml"),
        evidence && el("a", { class: "button second", href: `/credentials/${id}/evidence`, download: `${id}.testamur.json` }, _("Evidence for offline checking")),
      ),
    );
  }

  // The picture takes a moment to draw, so it is made when it is asked for.
  pngLink() {
    const { id } = this.file.holder;
    const make = async () => {
      const bytes = intoPng(await pngBytes(this.picture), this.document);
      const link = el("a", { href: URL.createObjectURL(new Blob([bytes], { type: "image/png" })), download: `${id}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    };
    return el("button", { type: "button", click: make }, _("Picture (PNG)"));
  }

  // The link to this page, or null where a credential is too long for one.
  async link() {
    try {
      return `${this.origin}/holder#${await toFragment(this.document)}`;
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  get entry() {
    return `${this.origin}/credentials/${this.file.holder.id}`;
  }

  share(link) {
    const isShort = link !== null && link.length <= MAX_IN_QR;
    return el(
      "section",
      { class: "share", "aria-labelledby": "share" },
      el("h2", { id: "share" }, _("Show it")),
      el(
        "div",
        { class: "share-parts" },
        el(
          "div",
          {},
          link === null
            ? el("p", {}, _("This credential is too long for a link: send the file."))
            : copyable("link", _("The link to this page. It holds the credential itself, so it does not expire, and no server keeps it."), link),
          copyable("entry", _("What anybody may see: that the register has it, and its status, without its content."), this.entry),
        ),
        el("figure", {}, qrPicture(isShort ? link : this.entry, isShort ? _("QR code of the link to this page") : _("QR code of the public entry")), el("figcaption", { class: "own" }, isShort ? _("The link to this page") : _("The public entry; the link is too long for a code"))),
      ),
    );
  }

  linkedIn(found, link) {
    const { credential, id } = this.file.holder;
    const whole = link !== null && link.length <= MAX_IN_QR ? link : null;
    const place = el("div");
    const fill = (address) => {
      const values = linkedInValues(found, credential, address, id);
      place.replaceChildren(
        el("p", {}, el("a", { class: "button", href: linkedInAddress(values), target: "_blank", rel: "noopener noreferrer" }, _("Add to your LinkedIn profile"), el("span", { class: "hidden" }, " ", _("(opens LinkedIn)")))),
        el("details", {}, el("summary", {}, _("Or copy the values")), linkedInFields(values).map(([name, value], at) => copyable(`linkedin-${at}`, name, value))),
      );
    };
    const choice = el("input", { type: "checkbox", id: "with-link", change: () => fill(choice.checked ? whole : this.entry) });
    choice.checked = whole !== null;
    fill(whole ?? this.entry);
    return el(
      "section",
      { "aria-labelledby": "linkedin" },
      el("h2", { id: "linkedin" }, _("On LinkedIn")),
      whole !== null && el("p", { class: "choice" }, choice, el("label", { for: "with-link" }, _("Let visitors check it: LinkedIn then gets the link, and with it the credential. Without, it gets the public entry alone."))),
      place,
    );
  }

  // --- What the log says of it ---

  async log() {
    const { id } = this.file.holder;
    const heading = el("h2", { id: "log" }, _("What the register holds about it"));
    const known = el("p", {}, _("The register holds no name, no address and no content of it: only a number that means nothing without your file, who issued it, for which achievement, under which accreditation, its dates, and what became of it."));
    const without = (why) => el("section", { "aria-labelledby": "log" }, heading, el("p", {}, why));
    const { status, items } = await historyOf(id);
    if (status === 404) return without(_("It holds nothing under this number."));
    // A register that is silent, or wants another try, has said nothing about the credential.
    if (items === null) return without(_("It did not answer, so that nothing is known about it: try again later."));
    return el(
      "section",
      { "aria-labelledby": "log" },
      heading,
      known,
      el("ol", { class: "history" }, items.map(entry)),
      el("p", {}, el("a", { href: `/credentials/${id}` }, _("The public entry")), " · ", el("a", { href: `/credentials/${id}.json` }, _("the same as data"))),
    );
  }

  // --- If it is wrong ---

  dispute({ issuer, accreditor, anchor, award }) {
    const { id } = this.file.holder;
    const name = (each) => el("a", { href: `/organizations/${each.did}` }, own(each.name));
    return el(
      "section",
      { "aria-labelledby": "dispute" },
      el("h2", { id: "dispute" }, _("If it is wrong")),
      el("p", {}, _("Nobody can change what is recorded, neither you nor this register. Who recorded it can add that it is revoked, or put a right one in its place.")),
      el(
        "ol",
        {},
        el("li", {}, pieces(_("Write to {name}, which issued it, and ask for a new one that takes its place, or for its revocation. State the number and the position below."), { name: name(issuer) })),
        accreditor !== null && el("li", {}, pieces(_("If that does not help, write to {name}, which accredited it and can suspend or withdraw the accreditation."), { name: name(accreditor) })),
        anchor !== null && anchor.did !== accreditor?.did && el("li", {}, pieces(_("Above it stands {name}, which recognised the accreditor."), { name: name(anchor) })),
      ),
      copyable("credential-id", _("Number of the credential"), id),
      copyable("credential-position", _("Position in the log"), String(award.position)),
      el("p", { class: "own" }, _("To be forgotten, ask your provider to erase its copy of the secret in your file, and erase your own: then nobody can tell any more what the entry means.")),
    );
  }

  answer(found) {
    const place = el("div");
    const ask = async (learner) => place.replaceChildren(oneAnswer({ file: found.file, learner, ...(await check(found.file, [], this.trusted, learner)) }, ask));
    place.append(oneAnswer(found, ask));
    return place;
  }
}

// What the register tells of a credential: {status, items}, which are null without an answer.
const historyOf = async (id) => {
  try {
    const answer = await fetch(`/credentials/${id}/history`, { headers: { Accept: "application/json" }, credentials: "omit" });
    return { status: answer.status, items: answer.ok ? (await answer.json()).items : null };
  } catch {
    return { status: null, items: null };
  }
};

const entry = ({ event, status, position, recordedAt, counts, reason, effectiveAt }) =>
  el(
    "li",
    { class: counts ? null : "fallen" },
    el("p", {}, el("strong", {}, eventWords(event)), status && ` → ${statusWords(status)}`),
    el("p", {}, moment(recordedAt), " · ", _("position {position}", { position: number(position) })),
    reason && el("p", {}, reasonWords(reason)),
    effectiveAt && el("p", {}, _("with effect from {day}", { day: day(effectiveAt) })),
    !counts && el("p", {}, _("This does not count.")),
  );

const eventWords = (event) => {
  const what = event.replace(/^credential\./, "").replace(/\/\d+$/, "");
  return what === "issued" ? _("issued") : statusWords(what);
};

const copyable = (id, label, value) => {
  const field = el("input", { id, readonly: true, value, spellcheck: "false" });
  const said = el("span", { role: "status", class: "own" });
  const copy = async () => {
    field.select();
    await navigator.clipboard.writeText(value);
    said.textContent = _("Copied.");
  };
  return el("div", { class: "copyable" }, el("label", { for: id }, label), el("div", { class: "row" }, field, el("button", { type: "button", class: "second", click: copy }, _("Copy"), el("span", { class: "hidden" }, `: ${label}`))), said);
};

const QUIET = 4; // modules around the code, as ISO/IEC 18004 asks for

const qrPicture = (text, label) => {
  const rows = qrModules(text);
  const size = rows.length + 2 * QUIET;
  const dark = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : "")));
  return svg("svg", { viewBox: `0 0 ${size} ${size}`, width: SIZE / 2, height: SIZE / 2, role: "img", class: "qr", "shape-rendering": "crispEdges" }, svg("title", {}, label), svg("rect", { width: size, height: size, fill: "#fff" }), svg("path", { d: dark.join(""), fill: "#000" }));
};
