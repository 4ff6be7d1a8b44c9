// Whose badge is it: whether a credential names the learner that somebody asks about, by the id of its
// subject, or by identifiers, each plain or hashed with a salt. testamur/badges/identities.py. A name is no
// identifier: many people have it, and one person writes it in several ways. So a name that is the same is
// told as what it is, and one that differs refutes nothing.
import { spelled, spellings } from "./addresses.mjs";
import { BLOCKCERTS_2, versionOf } from "./blockcerts.mjs";
import { bytesOf, hex } from "./encodings.mjs";
import { Refusal, Refuted, Unavailable } from "./errors.mjs";
import { sha256 } from "./hashes.mjs";
import { JOINERS, UNSEEN } from "./name_ranges.mjs";
import { isObject } from "./nodes.mjs";
import { inTitleCase, sizeOf, stripped, wordsOf } from "./texts.mjs";

// How an answer ends that rests on a name alone.
export const NOT_ALONE = "others may have the same name";

const MAX_LEARNER = 2_000;
const SHA256 = /^sha256\$([0-9A-Fa-f]{64})$/;
const HASH = /^([A-Za-z0-9-]{1,20})\$[0-9A-Fa-f]{16,}$/;
const MAILTO = /^mailto:/i;
const URI = /^(?:urn:|[A-Za-z][A-Za-z0-9+.-]*:\/\/)/i;
const [NAME, NUMBER] = ["a name", "a number"];

const range = ([from, to]) => `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`;
const [UNSEEN_IN_NAME, INVISIBLE] = [UNSEEN, [...UNSEEN, ...JOINERS]].map((ranges) => new RegExp(`[${ranges.map(range).join("")}]`, "u"));

// The learner that a text names, by a DID, an e-mail address, a number, a URI or a name: {kind, spellings,
// names}, where `names` are the spellings of what may be a name. A number has a digit, and no space within.
// Throws `Refusal` (rule `learner`) for what can be none of these.
export const readAsked = (text) => {
  const found = stripped(text).normalize("NFC");
  if (found === "" || sizeOf(found) > MAX_LEARNER) {
    throw new Refusal("learner", `a learner is named in 1 to ${MAX_LEARNER} characters`, text);
  }
  const [kind, identifier] = kindOf(found);
  const mayBeName = kind === NUMBER;
  const isName = mayBeName && (wordsOf(found).length > 1 || !/\p{Nd}/u.test(found));
  if ((isName ? UNSEEN_IN_NAME : INVISIBLE).test(found) || /\p{Surrogate}/u.test(found)) {
    throw new Refusal("learner", "holds an invisible character; leave it out, or type it anew", text);
  }
  return {
    kind: isName ? NAME : kind,
    spellings: [...new Set([identifier, ...spellings(identifier)])],
    names: mayBeName ? [...new Set([found, withSingleSpaces(found)])] : [],
  };
};

// By what a credential names the learner asked about, in words and without the value. The credential is one
// that can be read. Throws `Refuted` if it names somebody else by something of the same kind that is no
// name, and `Unavailable` if it names nobody in a way that can be compared.
export const checkLearner = async (credential, asked) => {
  const all = named(credential);
  for (const each of all) {
    if (each.kind !== NAME && (await isOneOf(each, asked.spellings))) return `the credential names this learner, by ${how(each)}`;
  }
  for (const each of all) {
    if (each.kind === NAME && (await isOneOf(each, asked.names))) return `the credential gives its learner this name${hidden(each)}; ${NOT_ALONE}`;
  }
  const comparable = all.filter(({ kind }) => kind === asked.kind);
  if (comparable.length === 0) throw new Unavailable(incomparable(all, asked));
  const others = inOtherCapitals(asked.kind === NAME ? asked.names : asked.spellings);
  for (const each of comparable) {
    if (await isOneOf(each, others)) {
      throw new Unavailable(
        "the credential names a learner who differs from the one asked about in capitals alone; ask in the spelling of " +
          "the issuer",
      );
    }
  }
  const unknown = comparable.find(({ isHashed, text }) => isHashed && !SHA256.test(text));
  if (unknown !== undefined) {
    const form = HASH.exec(unknown.text);
    const kind = form === null ? "a hash of an unknown form" : `a hash of the kind ${form[1]}`;
    throw new Unavailable(`the credential names its learner by ${kind}, which is not compared here`);
  }
  if (asked.kind === NAME) {
    throw new Unavailable(
      `the credential gives its learner another name than was asked about${hidden(comparable[0])}; one person may ` +
        "write a name in several ways",
    );
  }
  throw new Refuted(`the credential names another learner, by ${how(comparable[0])}`);
};

// Whether a credential names its learner in no way at all.
export const namesNobody = (credential) => named(credential).length === 0;

// --- What names a learner: {kind, text, isHashed, salt} ---

const isOneOf = async ({ kind, text, isHashed, salt }, among) => {
  if (!isHashed) {
    const plain = stripped(text).normalize("NFC");
    if (kind === NAME) return among.includes(withSingleSpaces(plain));
    return among.includes(plain) || among.includes(spelled(plain));
  }
  const digest = SHA256.exec(text)?.[1].toLowerCase();
  if (digest === undefined) return false;
  for (const each of among) if (hex(await sha256(bytesOf(`${each}${salt}`))) === digest) return true;
  return false;
};

const how = (each) => `${each.kind}${hidden(each)}`;

const hidden = ({ isHashed, salt }) => (isHashed ? `, hashed ${salt === "" ? "without a salt" : "with a salt"}` : "");

const named = (credential) => {
  if (versionOf(credential) === BLOCKCERTS_2) return recipientIn(one(credential.recipient));
  const subject = one(credential.credentialSubject);
  const found = [];
  if (typeof subject.id === "string" && subject.id !== "") {
    const [kind, text] = kindOf(subject.id);
    found.push({ kind, text, isHashed: false, salt: "" });
  }
  const { identifier } = subject;
  for (const each of Array.isArray(identifier) ? identifier : [identifier]) {
    const { identityHash: text, hashed, salt, identityType } = one(each);
    if (typeof text !== "string") continue;
    const isHashed = typeof hashed === "boolean" ? hashed : HASH.test(text);
    found.push({ ...ofType(identityType, text, isHashed), isHashed, salt: saltOf(salt) });
  }
  return found;
};

// By what a badge of version 2 names its learner (Open Badges 2.0, IdentityObject).
const recipientIn = ({ identity: text, hashed, salt, type }) => {
  if (typeof text !== "string" || text === "") return [];
  const isHashed = hashed === true || SHA256.test(text);
  return [{ ...ofType(type === "email" ? "emailAddress" : "identifier", text, isHashed), isHashed, salt: saltOf(salt) }];
};

const saltOf = (salt) => (typeof salt === "string" ? salt : "");

const one = (value) => {
  const found = Array.isArray(value) && value.length > 0 ? value[0] : value;
  return isObject(found) ? found : {};
};

const ofType = (type, text, isHashed) => {
  if (type === "name") return { kind: NAME, text };
  if (type === "emailAddress") {
    return { kind: "an e-mail address", text: isHashed || !MAILTO.test(text) ? text : mailbox(text) };
  }
  if (type !== "identifier") return { kind: "an identifier of another type", text };
  const [kind, identifier] = isHashed ? [NUMBER, text] : kindOf(text);
  return { kind, text: identifier };
};

// Of what kind an identifier is, and the identifier itself, without `mailto:`.
const kindOf = (text) => {
  if (text.startsWith("did:")) return ["a DID", text];
  if (MAILTO.test(text)) return ["an e-mail address", mailbox(text)];
  if (URI.test(text)) return ["a URI", text];
  return [text.includes("@") ? "an e-mail address" : NUMBER, text];
};

// The address in a URI such as mailto:ada@example.org?subject=x (RFC 6068).
const mailbox = (uri) => unquoted(uri.slice(uri.indexOf(":") + 1).split("?")[0]);

const unquoted = (text) =>
  text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const bytes = Uint8Array.from(run.match(/[0-9A-Fa-f]{2}/g), (pair) => parseInt(pair, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  });

const withSingleSpaces = (name) => wordsOf(name).join(" ");

const inOtherCapitals = (among) => {
  const changes = [(each) => each.toLowerCase(), (each) => each.toUpperCase(), inTitleCase];
  return [...new Set(among.flatMap((each) => changes.map((change) => spelled(change(each)))))];
};

const incomparable = (all, asked) => {
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  if (kinds.length === 0) return "the credential names no learner, so anybody could show it";
  if (kinds.join() === NAME) return "the credential names its learner by a name alone, which many people may have";
  return `the credential names its learner by ${kinds.join(" and ")}; it was asked about by ${asked.kind}`;
};
