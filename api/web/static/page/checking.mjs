// What is found about each file that was given: with fresh evidence where there is a register to ask.
import { Unavailable } from "../verify/errors.mjs";
import { askRegister, judge } from "../verify/verify.mjs";
import { _ } from "./words.mjs";

const AT_ONCE = 8;
const KEPT = 64; // answers of the register
const FRESH = 60_000; // milliseconds for which an answer of the register is one of now

// Files by what they are for: each of `subjects` gets an answer, `evidence` goes with them.
export const sortedOut = (files) => ({
  subjects: files.filter(({ kind }) => kind === "holder" || kind === "credential" || kind === "unreadable"),
  evidence: files.filter(({ kind }) => kind === "evidence"),
  policies: files.filter(({ kind }) => kind === "policy"),
});

// Asks the register that this page is from, by the id alone, and returns its answer, or the `Unavailable` that it is
// silent by. The last answers are kept for a minute: in a page that stays open a credential may be revoked since. A
// silence is not kept.
export const register = (origin, ask = answerOf) => {
  const kept = new Map();
  return async (credential, anchors) => {
    const key = [credential, ...anchors].join(" ");
    // The clock, since the time of a page stands still while the machine sleeps; one that was set back tells nothing.
    const age = Date.now() - kept.get(key)?.asked;
    if (!(age >= 0 && age < FRESH)) {
      kept.delete(key);
      kept.set(key, { asked: Date.now(), answer: ask(origin, credential, anchors) });
    }
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    const { answer } = kept.get(key);
    const found = await answer;
    if (found instanceof Unavailable && kept.get(key)?.answer === answer) kept.delete(key);
    return found;
  };
};

const answerOf = async (origin, credential, anchors) => {
  try {
    return await askRegister(origin, credential, { anchors });
  } catch (error) {
    if (error instanceof Unavailable) return error;
    throw error;
  }
};

// {report, evidence, isInWords} of one file: `evidence` is what it was judged by, if there was any, and `isInWords` says that
// the page itself found the reason, in its reader's language. `given` are files of evidence about it; `trusted` is
// {policy, anchors, ask}, where `ask` is null if no register is asked.
export const check = async (file, given, { policy, anchors, ask }, learner = null) => {
  const question = { file, evidence: given, policy, anchors, learner };
  const unread = async (why) => ({ report: await judge({ ...question, file: { ...file, kind: "unreadable", why } }), evidence: null, isInWords: true });
  if (file.kind !== "holder") return { report: await judge(question), evidence: null, isInWords: file.isInWords ?? false };
  const logs = policy.policy.logs.map(({ name }) => name);
  const { id, log } = file.holder;
  const isElsewhere = log !== null && !logs.includes(log);
  if (given.length === 0) {
    if (isElsewhere) return unread(elsewhere(log, logs));
    if (ask === null) return unread(_("Its evidence is missing: give the file that ends in .testamur.json, too."));
  }
  const answered = ask === null || isElsewhere ? null : await ask(id, anchors);
  const report = await judge({ ...question, register: answered });
  return { report, evidence: (report.evidenceFrom === "register" ? answered : given[0])?.evidence ?? null, isInWords: false };
};

const elsewhere = (log, logs) =>
  _("It names the log {log}, and this page trusts {logs} alone. Check it at the register of that log, or state the key of that log under “Whom you trust”.", {
    log,
    logs: logs.join(", "),
  });

// The same of many, in their order; `onDone` is called after each.
export const checkEach = async (files, evidence, trusted, onDone) => {
  const found = new Array(files.length);
  const about = byCredential(evidence);
  let next = 0;
  const worker = async () => {
    while (next < files.length) {
      const at = next++;
      found[at] = await checkAlone(files[at], about.get(files[at].holder?.id) ?? [], trusted);
      onDone();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
};

// What fails on one file fails on that one alone, and leaves the others their answers.
const checkAlone = async (file, given, trusted) => {
  try {
    return await check(file, given, trusted);
  } catch (error) {
    const why = _("This page failed on this file, so nothing was told about it: {why}", { why: error?.message ?? error });
    return { report: await judge({ file: { name: file.name, kind: "unreadable", why } }), evidence: null };
  }
};

const byCredential = (evidence) => {
  const found = new Map();
  for (const file of evidence) {
    const { credential } = file.evidence;
    found.set(credential, [...(found.get(credential) ?? []), file]);
  }
  return found;
};
