// A second, independent implementation of the check `learner`, for formats/learner.json:
//   node tests/vectors/check_learner.mjs
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { domainToASCII, domainToUnicode } from "node:url";

const many = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const mailbox = (uri) => decodeURIComponent(uri.slice("mailto:".length).split("?")[0]);

function kindOf(text) {
  if (text.startsWith("did:")) return ["DID", text];
  if (/^mailto:/i.test(text)) return ["address", mailbox(text)];
  if (/^(urn:|[a-z][a-z0-9+.-]*:\/\/)/i.test(text)) return ["URI", text];
  return [text.includes("@") ? "address" : "number", text];
}

const isName = ([kind, text]) => kind === "number" && (/\s/.test(text) || !/\p{Nd}/u.test(text));
const singleSpaced = (text) => text.trim().replace(/\s+/g, " ");

function spellings(text) {
  const at = text.lastIndexOf("@");
  if (at < 0) return [text];
  const [local, domain] = [text.slice(0, at), text.slice(at + 1).toLowerCase().normalize("NFC")];
  return [domain, domainToASCII(domain), domainToUnicode(domain)].map((each) => `${local}@${each}`);
}

function named(subject) {
  const found = many(subject.id).map((id) => [...kindOf(id), null]);
  for (const { identityHash: text, identityType: type, hashed, salt = "" } of many(subject.identifier)) {
    const isHash = typeof hashed === "boolean" ? hashed : /^[A-Za-z0-9-]+\$[0-9A-Fa-f]{16,}$/.test(text);
    const kind = { name: "name", emailAddress: "address", identifier: isHash ? "number" : kindOf(text)[0] }[type];
    found.push([kind ?? "another", text, isHash ? salt : null]);
  }
  return found;
}

const isOne = ([kind, text, salt], asked) =>
  salt === null
    ? asked.some((each) => each === (kind === "name" ? singleSpaced(text) : text.trim()).normalize("NFC"))
    : asked.some((each) => text.toLowerCase() === `sha256$${createHash("sha256").update(each + salt).digest("hex")}`);

function verdict(subject, learner) {
  const read = kindOf(learner.trim().normalize("NFC"));
  const [kind, text] = [isName(read) ? "name" : read[0], read[1]];
  const all = named(subject);
  const names = ["name", "number"].includes(kind) ? [text, singleSpaced(text)] : [];
  if (all.some((each) => isOne(each, each[0] === "name" ? names : [text, ...spellings(text)]))) return "holds";
  const alike = all.filter((each) => each[0] === kind);
  const title = (each) => each.toLowerCase().replace(/(^|[^a-z])[a-z]/g, (start) => start.toUpperCase());
  const capitals = [text.toLowerCase(), text.toUpperCase(), title(text)].flatMap(spellings);
  const open =
    alike.length === 0 ||
    kind === "name" ||
    alike.some((each) => isOne(each, capitals)) ||
    alike.some(([, hash, salt]) => salt !== null && !/^sha256\$[0-9a-f]{64}$/i.test(hash));
  return open ? "could not check" : "refuted";
}

const { cases } = JSON.parse(readFileSync(new URL("formats/learner.json", import.meta.url), "utf8"));
const wrong = cases.filter((each) => verdict(each.subject, each.learner) !== each.verdict);
wrong.forEach(({ desc }) => console.error(`wrong: ${desc}`));
console.log(`${cases.length} learners compared, ${wrong.length} wrong`);
process.exit(wrong.length === 0 && cases.length > 30 ? 0 : 1);
