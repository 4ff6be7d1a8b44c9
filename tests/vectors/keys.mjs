// Public keys by their Multikey, and what they signed.
import { createPublicKey, ECDH, verify } from "node:crypto";

const MULTIKEY = /^z[1-9A-HJ-NP-Za-km-z]{40,64}$/;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export const publicKey = (multikey) => {
  if (!MULTIKEY.test(multikey)) throw new Error("not a Multikey");
  let number = 0n;
  for (const char of multikey.slice(1)) number = number * 58n + BigInt(BASE58.indexOf(char));
  const hex = number.toString(16);
  const raw = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
  const key = raw.subarray(2);
  const b64 = (bytes) => bytes.toString("base64url");
  if (raw[0] === 0xed && raw[1] === 0x01 && key.length === 32) {
    const jwk = { kty: "OKP", crv: "Ed25519", x: b64(key) };
    return { algs: ["Ed25519", "EdDSA"], key: createPublicKey({ key: jwk, format: "jwk" }) };
  }
  if (raw[0] !== 0x80 || raw[1] !== 0x24 || key.length !== 33) throw new Error("no key to verify with");
  const point = ECDH.convertKey(key, "prime256v1", undefined, undefined, "uncompressed");
  const jwk = { kty: "EC", crv: "P-256", x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)) };
  return { algs: ["ES256"], key: createPublicKey({ key: jwk, format: "jwk" }) };
};

export const signed = ({ algs, key }, message, signature) =>
  algs.includes("ES256")
    ? verify("sha256", Buffer.from(message), { key, dsaEncoding: "ieee-p1363" }, signature)
    : verify(null, Buffer.from(message), key, signature);
