// Public keys by their Multikey, and whether they signed something: Ed25519 and P-256 (WebCrypto).
import { base58, bytesOf, fromBase58, hex, joined } from "./encodings.mjs";
import { Refusal, Refuted, Unavailable } from "./errors.mjs";

export const DID_KEY = "did:key:";
export const ALGORITHMS = { Ed25519: "Ed25519", EdDSA: "Ed25519", ES256: "P-256" };

// Points of order 1, 2, 4 and 8: under such a key anybody can make signatures that hold.
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

// The key that Multikey `text` spells: {curve, raw, multikey}. Throws `Refusal`.
export const publicKey = (text) => {
  const bytes = text.startsWith("z") ? fromBase58(text.slice(1)) : new Uint8Array();
  const raw = bytes.subarray(2);
  if (bytes[0] === 0xed && bytes[1] === 0x01) return { ...checkedEd25519(raw), multikey: text };
  if (bytes[0] === 0x80 && bytes[1] === 0x24) return { ...checkedP256(raw), multikey: text };
  throw new Refusal("key-form", "not the Multikey of an Ed25519 (z6Mk) or P-256 (zDn) key", text);
};

export const didKey = (did) => publicKey(did.slice(DID_KEY.length));

const checkedEd25519 = (raw) => {
  checkSize("Ed25519", raw, 32);
  const unsigned = Uint8Array.from(raw);
  unsigned[31] &= 0x7f;
  if (SMALL_ORDER.has(hex(unsigned))) throw new Refusal("key-form", "a key of small order, which signs anything", hex(raw));
  return { curve: "Ed25519", raw };
};

// A key of raw bytes; throws `Refusal` (rule `key-form`).
export const ed25519Key = (raw) => ({
  ...checkedEd25519(raw),
  multikey: `z${base58(joined(Uint8Array.of(0xed, 0x01), raw))}`,
});

const checkedP256 = (raw) => {
  checkSize("P-256", raw, 33);
  return { curve: "P-256", raw, point: decompressed(raw) };
};

const checkSize = (curve, raw, size) => {
  if (raw.length !== size) throw new Refusal("key-form", `a raw ${curve} public key has ${size} bytes`, `${raw.length} bytes`);
};

// --- P-256, of which browsers need not import the compressed form (SEC 1 section 2.3.4) ---

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

const power = (base, exponent) => {
  let [result, square] = [1n, base % P];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
};

const decompressed = (raw) => {
  const x = BigInt(`0x${hex(raw.subarray(1))}`);
  const square = (((x * x * x - 3n * x + B) % P) + P) % P;
  const root = power(square, (P + 1n) / 4n);
  const odd = raw[0] - 2;
  if (![0, 1].includes(odd) || x >= P || (root * root) % P !== square || (root === 0n && odd)) {
    throw new Refusal("key-form", "not a point of P-256", hex(raw));
  }
  const y = root % 2n === BigInt(odd) ? root : P - root;
  const text = `04${hex(raw.subarray(1))}${y.toString(16).padStart(64, "0")}`;
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
};

// --- Signatures ---

const NEEDED = "it takes Chrome or Edge 137, Firefox 130, Safari 17, or later";

const imported = async (raw, algorithm, format = "raw") => {
  if (globalThis.crypto?.subtle === undefined) throw new Unavailable(`this page has no access to cryptography; ${NEEDED}`);
  try {
    return await crypto.subtle.importKey(format, raw, algorithm, false, ["verify"]);
  } catch (error) {
    // A format that a browser does not know is of an algorithm that it does not know.
    if (error.name === "NotSupportedError" || (format !== "raw" && error instanceof TypeError)) {
      throw new Unavailable(`this browser cannot verify ${algorithm.name} signatures; ${NEEDED}`);
    }
    return null; // no point of the curve, under which nothing is signed
  }
};

// Whether `signature` (64 bytes, RFC 8032) is by the raw Ed25519 key over `message` (bytes).
export const isSignedEd25519 = async (raw, signature, message) => {
  const key = await imported(raw, { name: "Ed25519" });
  return key !== null && signature.length === 64 && crypto.subtle.verify("Ed25519", key, signature, message);
};

// Whether `signature` is by the raw ML-DSA-44 key over `message` (FIPS 204). Throws `Unavailable` in most browsers.
export const isSignedMlDsa44 = async (raw, signature, message) => {
  const key = await imported(raw, { name: "ML-DSA-44" }, "raw-public");
  return key !== null && crypto.subtle.verify("ML-DSA-44", key, signature, message);
};

const isSignedP256 = async (point, signature, message) => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = await imported(point, algorithm);
  const isOver = { name: "ECDSA", hash: "SHA-256" };
  return key !== null && signature.length === 64 && crypto.subtle.verify(isOver, key, signature, message);
};

// Throws `Refuted` unless the key (as `publicKey` returns it) signed a message: bytes, or a text.
export const verifySignature = async (key, signature, signed) => {
  const message = typeof signed === "string" ? bytesOf(signed) : signed;
  const isSigned =
    key.curve === "P-256" ? isSignedP256(key.point, signature, message) : isSignedEd25519(key.raw, signature, message);
  if (!(await isSigned)) throw new Refuted(`the signature is not by ${key.curve} key ${key.multikey}`);
};
