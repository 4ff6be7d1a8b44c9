// Which logs and how many witnesses a verifier believes: c2sp.org/tlog-policy.
import { bytesOf, hex } from "./encodings.mjs";
import { Refuted, Unavailable, shown } from "./errors.mjs";
import { isSignedEd25519 } from "./keys.mjs";
import {
  ED25519,
  ED25519_COSIGNATURE,
  MLDSA44_COSIGNATURE,
  cosignature,
  isSameKey,
  parseCheckpoint,
  parseNote,
  verifierKey,
} from "./note.mjs";

const MAX_POLICY = 1 << 20;
const LOG_TYPES = [ED25519, MLDSA44_COSIGNATURE];
const WITNESS_TYPES = [ED25519_COSIGNATURE, MLDSA44_COSIGNATURE];

// --- Reading ---

// {logs, witnesses, groups, quorum}: keys of logs, {name, key} of witnesses, {name, threshold,
// members} of groups; the quorum is null if no witness is needed. Throws `Refuted`.
export const parsePolicy = async (text) => {
  if (bytesOf(text).length > MAX_POLICY) throw new Refuted(`a policy is at most ${MAX_POLICY} bytes`);
  // A file cut short could otherwise name another quorum: `quorum g1` of `quorum g12`.
  if (!text.endsWith("\n")) throw new Refuted("the last line of a policy must end in a newline");
  const reading = new Reading();
  for (const [at, line] of text.slice(0, -1).split("\n").entries()) {
    try {
      await reading.take(line);
    } catch (error) {
      throw error instanceof Refuted ? new Refuted(`line ${at + 1}: ${error.message}`) : error;
    }
  }
  return reading.policy();
};

// --- What stands for one ---

const wordsOf = (text) => text.split("\n").map((line) => line.trim().split(/\s+/)).filter(([word]) => word !== "");
const isKey = (words) => words.length === 1 && /^[^+{["<]+\+[0-9a-f]{8}\+/.test(words[0]);

// Whether a text looks like a policy, or the keys of a log.
export const isPolicy = (text) =>
  wordsOf(text).some((words) => isKey(words) || (words.length > 1 && ["log", "quorum"].includes(words[0])));

// The policy in a text, or the one that keys of one log, a line each, stand for: that log, no witnesses.
export const policyIn = (text) => {
  const lines = wordsOf(text);
  const isKeys = lines.length > 0 && lines.every((words) => words.length === 1);
  return parsePolicy(isKeys ? `${lines.map(([key]) => `log ${key}\n`).join("")}quorum none\n` : text);
};

class Reading {
  constructor() {
    Object.assign(this, { logs: [], witnesses: [], groups: [], quorums: [] });
    Object.assign(this, { defined: new Set(), grouped: new Set(), publics: new Set() });
  }

  async take(line) {
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(line)) throw new Refuted("a control character is not allowed");
    const [word, ...rest] = line.split(/[ \t]+/).filter((item) => item !== "");
    if (word === undefined || word.startsWith("#")) return;
    if (word === "log" && [1, 2].includes(rest.length)) {
      this.logs.push(await this.key(rest[0], LOG_TYPES));
    } else if (word === "witness" && [2, 3].includes(rest.length)) {
      this.define(rest[0]);
      this.witnesses.push({ name: rest[0], key: await this.key(rest[1], WITNESS_TYPES) });
    } else if (word === "group" && rest.length > 2) {
      this.group(...rest);
    } else if (word === "quorum" && rest.length === 1) {
      this.quorum(rest[0]);
    } else {
      throw new Refuted(`not a log, witness, group or quorum: ${shown(line)}`);
    }
  }

  async key(text, types) {
    const key = await verifierKey(text);
    if (!types.includes(key.algorithm)) throw new Refuted(`${key.name}: a key of type ${key.algorithm} cannot be used here`);
    const raw = hex(key.raw);
    if (this.publics.has(raw)) throw new Refuted(`the public key of ${key.name} is listed twice`);
    this.publics.add(raw);
    return key;
  }

  define(name) {
    if (name === "none" || this.defined.has(name)) throw new Refuted(`the name ${shown(name)} is taken`);
    this.defined.add(name);
  }

  refer(name) {
    if (!this.defined.has(name)) throw new Refuted(`${shown(name)} is not defined above`);
  }

  group(name, threshold, ...members) {
    for (const member of members) {
      this.refer(member);
      if (this.grouped.has(member)) throw new Refuted(`${shown(member)} is a member twice`);
      this.grouped.add(member);
    }
    this.define(name);
    this.groups.push({ name, threshold: thresholdOf(threshold, members.length), members });
  }

  quorum(name) {
    if (this.quorums.length > 0) throw new Refuted("a policy has one quorum");
    if (name !== "none") this.refer(name);
    this.quorums.push(name);
  }

  policy() {
    if (this.quorums.length === 0) throw new Refuted("a policy must have a quorum line");
    const known = new Map();
    for (const key of [...this.logs, ...this.witnesses.map((each) => each.key)]) {
      if (!isSameKey(known.get(key.called) ?? key, key)) throw new Refuted(`two keys are both ${key.called}`);
      known.set(key.called, key);
    }
    const quorum = this.quorums[0] === "none" ? null : this.quorums[0];
    return { logs: this.logs, witnesses: this.witnesses, groups: this.groups, quorum };
  }
}

const thresholdOf = (text, count) => {
  if (text === "any") return 1;
  if (text === "all") return count;
  const threshold = /^[1-9][0-9]{0,18}$/.test(text) ? Number(text) : 0;
  if (threshold < 1 || threshold > count) throw new Refuted(`a threshold is from 1 to ${count}, not ${shown(text)}`);
  return threshold;
};

// --- Asking ---

// The checkpoint in a note, if the policy believes it: {checkpoint, witnesses}, the latter as
// [name, POSIX seconds] in the order of the policy. Every line that names a key must hold.
export const believed = async (policy, note) => {
  const { text, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(text);
  await checkLog(policy, checkpoint, text, signatures);
  const { times, unexamined } = await cosigned(policy, text, signatures);
  if (!isQuorum(policy, [...times.keys()])) refuse(policy, checkpoint, times, unexamined);
  const witnesses = policy.witnesses.filter(({ name }) => times.has(name)).map(({ name }) => [name, times.get(name)]);
  return { checkpoint, witnesses };
};

const checkLog = async (policy, checkpoint, text, signatures) => {
  const { origin } = checkpoint;
  const keys = new Map(policy.logs.map((key) => [key.called, key]));
  const [signers, unexamined] = [new Set(), new Set()];
  for (const { called, blob } of signatures) {
    const key = keys.get(called);
    if (key === undefined) continue;
    const isSigned = await ifExamined(key, () => isSignedByLog(key, checkpoint, text, blob));
    if (isSigned === null) unexamined.add(key.name);
    else if (isSigned) signers.add(key.name);
    else throw new Refuted(`${called} did not sign this text`);
  }
  if (signers.has(origin)) return;
  if (unexamined.has(origin)) throw new Unavailable(`the signature of ${shown(origin)} cannot be verified here`);
  const known = policy.logs.filter(({ name }) => name === origin).map(({ called }) => called);
  const others = signatures.filter(({ name }) => name === origin).map(({ called }) => called);
  if (known.length > 0 && others.length > 0) {
    throw new Unavailable(
      `the checkpoint is signed by ${shown(others.join(", "))}, and the keys known of that log are ${known.join(", ")}; if ` +
        "it has changed its key, add the line of the new one beside the first (it serves them all at /log/vkey), and " +
        "compare it with another source",
    );
  }
  throw new Refuted(`the checkpoint of ${shown(origin)} is not signed by a key that the policy lists for that log`);
};

// What `examine` returns of a signature by a key, or null where the browser does not know ML-DSA-44: another key
// may be enough. Without Ed25519 nothing is.
const ifExamined = async ({ algorithm }, examine) => {
  try {
    return await examine();
  } catch (error) {
    if (error instanceof Unavailable && algorithm === MLDSA44_COSIGNATURE) return null;
    throw error;
  }
};

const isSignedByLog = async (key, checkpoint, text, blob) => {
  if (key.algorithm === ED25519) return isSignedEd25519(key.raw, blob, bytesOf(text));
  if (checkpoint.extensions.length > 0) {
    throw new Refuted(`${key.name}: an ML-DSA-44 signature leaves extension lines of a checkpoint unsigned`);
  }
  return (await cosignature(key, text, blob)).isSigned;
};

const cosigned = async (policy, text, signatures) => {
  const keys = new Map(policy.witnesses.map((witness) => [witness.key.called, witness]));
  const [times, unexamined] = [new Map(), new Set()];
  for (const { called, blob } of signatures) {
    const witness = keys.get(called);
    if (witness === undefined) continue;
    const found = await ifExamined(witness.key, () => cosignature(witness.key, text, blob));
    if (found === null) {
      unexamined.add(witness.name);
      continue;
    }
    const { time, isSigned } = found;
    if (!isSigned) throw new Refuted(`${called} did not cosign this checkpoint at time ${time}`);
    // At time 0 it states no time: witnesses make none (c2sp.org/tlog-witness).
    if (time > 0) times.set(witness.name, Math.max(time, times.get(witness.name) ?? 0));
  }
  return { times, unexamined };
};

const isQuorum = ({ quorum, groups }, cosigners) => {
  const reached = new Set(cosigners);
  // A group names only members defined before it, so one pass in order is enough.
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => reached.has(member)).length >= threshold) reached.add(name);
  }
  return quorum === null || reached.has(quorum);
};

const listed = (names) => [...names].sort().map(shown).join(", ") || "nobody";

const refuse = (policy, checkpoint, times, unexamined) => {
  if (isQuorum(policy, [...times.keys(), ...unexamined])) {
    throw new Unavailable(
      `the quorum ${shown(policy.quorum)} depends on cosignatures that cannot be verified here: ${listed(unexamined)}`,
    );
  }
  const missing = policy.witnesses.filter(({ name }) => !times.has(name)).map(({ name }) => name);
  throw new Refuted(
    `checkpoint of ${checkpoint.size} leaves misses the quorum ${shown(policy.quorum)}: cosigned by ` +
      `${listed(times.keys())}; missing ${listed(missing)}`,
  );
};
