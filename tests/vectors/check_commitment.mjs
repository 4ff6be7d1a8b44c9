// A second, independent implementation of the commitment, for checking commitment.json:
//   node tests/vectors/check_commitment.mjs
// ECMAScript is what RFC 8785 refers to: its own number printing and its own UTF-16 order.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const jcs = (value) => {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(",")}}`;
};
const sha256 = (...parts) => {
  const hash = createHash("sha256");
  parts.forEach((part) => hash.update(part));
  return hash.digest();
};
const commit = ({ proof, ...claims }, blind) =>
  sha256("testamur/credential/1\n", Buffer.from(blind, "base64"), sha256(jcs(claims)));

const file = new URL("commitment.json", import.meta.url);
const { cases, refused } = JSON.parse(readFileSync(file, "utf8"));
const opens = ({ credential, blind, commitment }) =>
  commit(credential, blind).toString("base64") === commitment;
const wrong = [...cases.filter((c) => !opens(c)), ...refused.filter(opens)];
wrong.forEach(({ name }) => console.error(`wrong: ${name}`));
console.log(`${cases.length} open, ${refused.length} refused`);
process.exit(wrong.length === 0 && cases.length > 0 && refused.length > 0 ? 0 : 1);
