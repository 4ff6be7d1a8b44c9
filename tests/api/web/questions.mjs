// What the page's own modules are asked, by kind: in Node (`ask.mjs`) and in a browser. What a module refuses
// is {refused: rule}; any other error ends the run.
import { checkEach, register } from "../../../api/web/static/page/checking.mjs";
import { isHolderLink } from "../../../api/web/static/page/holder_link.mjs";
import { policyOf } from "../../../api/web/static/page/trust.mjs";
import { QUESTIONS } from "./ask_credentials.mjs";
import { jcs } from "../../../api/web/static/verify/canonical_json.mjs";
import { bytesOf, fromBase64, hex } from "../../../api/web/static/verify/encodings.mjs";
import { Refusal, Refuted, Unavailable } from "../../../api/web/static/verify/errors.mjs";
import { decodeEvent } from "../../../api/web/static/verify/events.mjs";
import { ed25519Key, publicKey, verifySignature } from "../../../api/web/static/verify/keys.mjs";
import { MEANINGS } from "../../../api/web/static/verify/flags.mjs";
import { keyTable } from "../../../api/web/static/verify/key_table.mjs";
import * as ranges from "../../../api/web/static/verify/name_ranges.mjs";
import { parsePolicy } from "../../../api/web/static/verify/policy.mjs";
import { parseStrict } from "../../../api/web/static/verify/strict_json.mjs";
import { parseEntry } from "../../../api/web/static/verify/submission.mjs";
import { NOT_MADE, askPolicy, askRegister, judge, read, readLink } from "../../../api/web/static/verify/verify.mjs";

// Of the submissions that lie wholly before each size, which count: as `counting/*.json` states it.
const counting = ({ registered, submissions, counts }) =>
  counts.map(({ asOf, counting: holds, not }) => {
    const timed = submissions.map((each) => ({ ...each, recordedAt: Date.parse(each.recordedAt) }));
    const aboutKeys = timed.filter(({ events, position }) => events && position + 1 + events.length <= asOf);
    const table = keyTable(registered, registered.position, aboutKeys);
    const due = timed.filter(({ position }) => [...holds, ...not].includes(position));
    return due.filter((each) => table.counts(each.key, each.position, each.recordedAt)).map(({ position }) => position);
  });

// A file of this kind; another one is refused.
const given = async (kind, text) => {
  const file = await read(bytesOf(text), kind);
  if (file.kind !== kind) throw new Refusal(file.rule ?? "other-kind", file.why ?? `a file of kind ${file.kind}`);
  return file;
};

const KINDS = {
  ...QUESTIONS,
  verify: async ({ holder, evidence, policy, now, at, evidenceFrom, flags = null, ...asked }) => {
    const excerpt = await given("evidence", evidence);
    const from = { evidenceFrom, evidence: excerpt.evidence, flags, notes: [] };
    return judge({
      ...asked,
      file: await given("holder", holder),
      ...(evidenceFrom === "file" ? { evidence: [excerpt] } : { register: from }),
      policy: await given("policy", policy),
      now: Date.parse(now),
      at: at === null ? null : Date.parse(at),
    });
  },
  // By several texts of evidence; `register` is what a register answered, or null.
  several: async ({ holder, files, register, policy, now, anchors }) => {
    const excerpts = [];
    for (const each of files) excerpts.push(await given("evidence", each));
    const answered = register === null ? null : await given("evidence", register);
    return judge({
      anchors,
      file: await given("holder", holder),
      evidence: excerpts,
      register: answered && { evidenceFrom: "register", evidence: answered.evidence, flags: null, notes: [] },
      policy: await given("policy", policy),
      now: Date.parse(now),
    });
  },
  // As a page does that a register serves; `given` are the texts of files.
  asked: async ({ origin, given: texts, anchors = [], patience = 0, policy = null }) => {
    const files = [];
    for (const [at, text] of texts.entries()) files.push(await read(bytesOf(text), `file ${at}`));
    const file = files.find(({ kind }) => kind === "holder");
    const register = await askRegister(origin, file.holder.id, { anchors, patience }).catch((error) => error);
    if (!(register instanceof Unavailable) && register instanceof Error) throw register;
    const trusted = policy === null ? await askPolicy(origin) : await given("policy", policy);
    return judge({ file, register, evidence: files, policy: trusted, anchors });
  },
  askRegister: ({ origin, id, anchors = [], patience = 0 }) => askRegister(origin, id, { anchors, patience }),
  // As a browser answers that does not know the algorithm.
  verifyWithoutEd25519: async (asked) => {
    const importKey = crypto.subtle.importKey;
    crypto.subtle.importKey = async () => {
      throw new DOMException("Unrecognized name.", "NotSupportedError");
    };
    try {
      return await KINDS.verify(asked);
    } finally {
      crypto.subtle.importKey = importKey;
    }
  },
  read: (data) => read(fromBase64(data), "file"),
  readLink,
  isHolderLink,
  policyOf,
  // How often a register is asked by a page that was asked about credentials at these times (ms); `silent` are the
  // turns in which it does not answer.
  askedAgain: async ({ times, silent }) => {
    const { now } = Date;
    let count = 0;
    const ask = register("https://register.example", async () => (silent.includes(count++) ? new Unavailable("silent") : {}));
    try {
      for (const time of times) {
        Date.now = () => time;
        await ask("id", []);
      }
    } finally {
      Date.now = now;
    }
    return count;
  },
  // Many files, of which the register fails a page on those with these ids, by an error that nobody foresaw.
  manyOfWhichSomeFail: async ({ holders, policy, failing }) => {
    const files = [];
    for (const each of holders) files.push(await given("holder", each));
    const ask = async (id) => {
      if (failing.includes(id)) throw new RangeError("Maximum call stack size exceeded");
      return new Unavailable("silent");
    };
    const trusted = { policy: await given("policy", policy), anchors: [], ask };
    return (await checkEach(files, [], trusted, () => {})).map(({ report }) => [report.verdict, report.why]);
  },
  json: ({ data, ...bounds }) => jcs(parseStrict(fromBase64(data), bounds)),
  event: (line) => jcs(decodeEvent(line)),
  entry: (line) => parseEntry(line).recordedAt,
  policy: async (text) => [(await parsePolicy(text)).quorum],
  key: (text) => hex(publicKey(text).point ?? publicKey(text).raw),
  signature: async ({ key, signature, message }) => {
    // The texts of these vectors are ASCII, so that they are the same bytes.
    await verifySignature(ed25519Key(fromBase64(key)), fromBase64(signature), message);
    return true;
  },
  counting,
  ranges: (name) => ranges[name],
  notMade: () => NOT_MADE,
  flagMeanings: () => MEANINGS,
};

const answer = async (ask, asked) => {
  try {
    return await ask(asked);
  } catch (error) {
    if (error instanceof Unavailable) return { unavailable: error.message };
    if (error instanceof Refuted) return { refused: error.rule ?? "refuted" };
    throw error;
  }
};

// An answer for each case.
export const answers = async ({ kind, cases }) => {
  const found = [];
  for (const each of cases) found.push(await answer(KINDS[kind], each));
  return found;
};
