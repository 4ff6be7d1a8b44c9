// A second, independent implementation of the commitment, for commitment.json and evidence/:
//   node tests/vectors/check_commitment.mjs
import { readdirSync, readFileSync } from "node:fs";
import { jcs, sha256 } from "./jcs.mjs";

const commit = ({ proof, ...claims }, blind) =>
  sha256("testamur/credential/1\n", Buffer.from(blind, "base64"), sha256(jcs(claims))).toString("base64");
const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));

const { cases, refused } = read("commitment.json");
const opens = ({ credential, blind, commitment }) => commit(credential, blind) === commitment;
const wrong = [...cases.filter((c) => !opens(c)), ...refused.filter(opens)].map(({ name }) => name);

// Of evidence, the first event that issues the credential in the holder file.
const issuance = ({ holder, evidence }) =>
  evidence.submissions
    .flatMap(({ events }) => events.map(({ line }) => JSON.parse(line)))
    .find(({ type, credential }) => type === "credential.issued/1" && credential === holder.id);
let judged = 0;
for (const name of readdirSync(new URL("evidence/", import.meta.url))) {
  const { holder, evidence, expected } = read(`evidence/${name}`);
  if (!["holds", "refuted"].includes(expected.commitment)) continue;
  judged += 1;
  const { commitment } = issuance({ holder, evidence });
  const verdict = opens({ ...holder, commitment }) ? "holds" : "refuted";
  if (verdict !== expected.commitment) wrong.push(name);
}

wrong.forEach((name) => console.error(`wrong: ${name}`));
console.log(`${cases.length} open, ${refused.length} refused, ${judged} of credentials with evidence`);
process.exit(wrong.length === 0 && cases.length > 0 && refused.length > 0 && judged > 50 ? 0 : 1);
