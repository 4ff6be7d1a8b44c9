// Signed notes (c2sp.org/signed-note), and the checkpoints in them (c2sp.org/tlog-checkpoint).
import { bytesOf, equal, fromBase64, hex, joined } from "./encodings.mjs";
import { Refuted, Unavailable, shown } from "./errors.mjs";
import { sha256 } from "./hashes.mjs";
import { isSignedEd25519, isSignedMlDsa44 } from "./keys.mjs";

export const ED25519 = 1;
export const ED25519_COSIGNATURE = 4;
export const MLDSA44_COSIGNATURE = 6;

const PUBLIC_SIZES = { [ED25519]: 32, [ED25519_COSIGNATURE]: 32, [MLDSA44_COSIGNATURE]: 1312 };
const MAX_NOTE = 1 << 20;
const MAX_SIGNATURES = 100;
const MAX_TREE = 2n ** 63n - 1n;
const KEY_ID = 4;
const DASH = "— ";

// No Unicode space, plus or control.
const NAME = /^[^+\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

const checkName = (name) => {
  if (!NAME.test(name) || /\p{Surrogate}/u.test(name)) {
    throw new Refuted(`a key name is not empty and holds no space, plus or control: ${shown(name)}`);
  }
};

// --- Verifier keys: `name+<8 hex digits>+<base64>` ---

export const verifierKey = async (text) => {
  // Base64 uses plus signs too, so only the first two separate fields.
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+([^]*)$/.exec(text) ?? [];
  if (encoded === undefined) throw new Refuted(`a verifier key is name+id+key: ${shown(text)}`);
  checkName(name);
  const typed = fromBase64(encoded);
  const [algorithm, raw] = [typed[0], typed.subarray(1)];
  if (PUBLIC_SIZES[algorithm] === undefined) throw new Refuted(`${name}: signature type ${algorithm} is not known`);
  const size = PUBLIC_SIZES[algorithm];
  if (raw.length !== size) throw new Refuted(`${name}: a key of type ${algorithm} has ${size} bytes`);
  const expected = hex((await sha256(bytesOf(`${name}\n`), typed)).subarray(0, KEY_ID));
  if (id !== expected) throw new Refuted(`${name}: the key id is ${expected}, not ${id}`);
  return { name, id, algorithm, raw, called: `${name}+${id}` };
};

// --- Notes ---

// The text and the signatures of a note, none of them verified: {text, signatures}.
export const parseNote = (note) => {
  if (bytesOf(note).length > MAX_NOTE) throw new Refuted(`a note is at most ${MAX_NOTE} bytes`);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Refuted("a note holds no control character but newline");
  // The text may hold empty lines itself: the last one in the note ends it.
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new Refuted("a note has an empty line between its text and its signatures");
  const lines = note.slice(split + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0) {
    throw new Refuted("a note ends in one or more signature lines, each with its newline");
  }
  if (lines.length > MAX_SIGNATURES) throw new Refuted(`a note with ${lines.length} signatures is above ${MAX_SIGNATURES}`);
  return { text: note.slice(0, split + 1), signatures: lines.map(signatureOn) };
};

const signatureOn = (line) => {
  const [, name, encoded] = /^— ([^ ]*) ([^]*)$/.exec(line) ?? [];
  if (!line.startsWith(DASH)) throw new Refuted(`a signature line begins with an em dash and a space: ${shown(line)}`);
  checkName(name ?? "");
  const raw = fromBase64(encoded);
  if (raw.length <= KEY_ID) throw new Refuted(`${shown(name)}: a signature of ${raw.length} bytes is too short`);
  return { name, called: `${name}+${hex(raw.subarray(0, KEY_ID))}`, blob: raw.subarray(KEY_ID) };
};

// --- Checkpoints ---

// What a log commits to: {origin, size, root, extensions}; the text has one spelling.
export const parseCheckpoint = (text) => {
  const lines = text.slice(0, -1).split("\n");
  if (lines.length < 3) throw new Refuted(`checkpoint: ${lines.length} lines are no origin, size and root`);
  const [origin, digits, encoded, ...extensions] = lines;
  if (lines.includes("")) throw new Refuted("checkpoint: a line is empty");
  const root = fromBase64(encoded);
  if (root.length !== 32) throw new Refuted(`checkpoint: a root has 32 bytes, not ${root.length}`);
  return { origin, size: treeSize(digits), root, extensions };
};

const treeSize = (digits) => {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(digits) || BigInt(digits) > MAX_TREE) {
    throw new Refuted(`checkpoint: not a decimal number from 0 to ${MAX_TREE}: ${shown(digits)}`);
  }
  const size = Number(digits);
  if (!Number.isSafeInteger(size)) throw new Unavailable(`a tree of ${digits} leaves is too large for this page`);
  return size;
};

// --- Cosignatures (c2sp.org/tlog-cosignature) ---

const COSIGNATURE_SIZES = { [ED25519_COSIGNATURE]: 72, [MLDSA44_COSIGNATURE]: 2428 };

// Whether a key (type 4 or 6) cosigned the checkpoint in the text of a note, and the POSIX time that it states:
// {time, isSigned}. Extension lines are covered by type 4 and not by type 6. Throws `Refuted` for bytes that are no
// cosignature, and `Unavailable` where the browser does not know the algorithm.
export const cosignature = async (key, text, blob) => {
  const size = COSIGNATURE_SIZES[key.algorithm];
  if (blob.length !== size) {
    throw new Refuted(`a cosignature of type 0x0${key.algorithm} has ${size} bytes, not ${blob.length}`);
  }
  const time = new DataView(blob.buffer, blob.byteOffset).getBigUint64(0);
  if (time > MAX_TREE) throw new Refuted(`time ${time} is not from 0 to 2^63 - 1`);
  const signature = blob.subarray(8);
  if (key.algorithm === ED25519_COSIGNATURE) {
    const message = joined(bytesOf(`cosignature/v1\ntime ${time}\n`), bytesOf(text));
    return { time: Number(time), isSigned: await isSignedEd25519(key.raw, signature, message) };
  }
  const message = treeMessage(key.name, time, parseCheckpoint(text));
  return { time: Number(time), isSigned: await isSignedMlDsa44(key.raw, signature, message) };
};

// What an ML-DSA-44 cosignature of a whole tree signs: the subtree from 0 to its size.
const treeMessage = (cosigner, time, { origin, size, root }) =>
  joined(bytesOf("subtree/v1\n\0"), counted(cosigner), number(time), counted(origin), number(0n), number(BigInt(size)), root);

const number = (value) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
};

const counted = (name) => {
  const raw = bytesOf(name);
  if (raw.length < 1 || raw.length > 255) throw new Refuted(`a cosigned name has 1 to 255 bytes, not ${raw.length}`);
  return joined(Uint8Array.of(raw.length), raw);
};

export const isSameKey = (one, other) => one.algorithm === other.algorithm && equal(one.raw, other.raw);
