// Bytes as text, and text as bytes: each in its one spelling, and every other one is refused.
import { Refusal, Refuted, shown } from "./errors.mjs";
import { sizeOf } from "./texts.mjs";

const encoder = new TextEncoder();
export const bytesOf = (text) => encoder.encode(text);

export const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

export const equal = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Small letters alone, as `hex` writes them.
export const fromHex = (text) => {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Refuted(`not hexadecimal: ${shown(text)}`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
};

export const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

// Standard, padded base64 (RFC 4648 section 4).
export const fromBase64 = (text) => {
  // `atob` skips white space and ignores stray bits under the padding, so it takes a second spelling.
  let raw = null;
  try {
    raw = atob(text);
  } catch {
    throw new Refuted(`not base64: ${shown(text)}`);
  }
  if (btoa(raw) !== text) throw new Refuted(`not canonical base64: ${shown(text)}`);
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
  return bytes;
};

// Base64url without padding (RFC 7515 section 2).
export const fromBase64url = (text) => {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  try {
    if (/^[A-Za-z0-9_-]*$/.test(text)) return fromBase64(standard + "=".repeat((4 - (standard.length % 4)) % 4));
  } catch {
    // said below
  }
  throw new Refusal("base64url", "not base64url without padding", text.slice(0, 60));
};

// The time grows with the square of the length.
const MAX_BASE58 = 200;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export const fromBase58 = (text) => {
  if (text.length > MAX_BASE58) throw new Refusal("base58", `longer than ${MAX_BASE58} characters`, `${sizeOf(text)} characters`);
  let number = 0n;
  for (const char of text) {
    const digit = BASE58.indexOf(char);
    if (digit < 0) throw new Refusal("base58", "a character outside the base58 alphabet", char);
    number = number * 58n + BigInt(digit);
  }
  const zeros = text.length - text.replace(/^1+/, "").length;
  const digits = number === 0n ? "" : number.toString(16);
  const even = digits.length % 2 ? `0${digits}` : digits;
  return joined(new Uint8Array(zeros), Uint8Array.from(even.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
};

export const base58 = (bytes) => {
  let number = BigInt(`0x0${hex(bytes)}`);
  let text = "";
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  const at = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(at < 0 ? bytes.length : at) + text;
};
