// A second, independent implementation of what a founding key signs, for formats/registration.json
// and the registrations of entries.json:
//   node tests/vectors/check_registration.mjs
import { readFileSync } from "node:fs";
import { jcs } from "./jcs.mjs";
import { publicKey, signed } from "./keys.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const statement = ({ signature, ...event }) => `testamur/registration/1\n${jcs(event)}`;
const holds = (event) =>
  signed(publicKey(event.organization.slice("did:key:".length)), statement(event), Buffer.from(event.signature, "base64"));

const wrong = [];
const { event, statement: told, refused } = read("formats/registration.json");
const { registrations } = read("entries.json");
for (const each of [{ event, statement: told }, ...registrations]) {
  if (statement(each.event) !== each.statement || !holds(each.event)) wrong.push(each.event.name);
}
for (const { desc, member, value } of refused) {
  const { [member]: before, ...others } = event;
  if (holds(value === null ? others : { ...others, [member]: value })) wrong.push(desc);
}
wrong.forEach((what) => console.error(`wrong: ${what}`));
console.log(`${registrations.length + 1} registrations, ${refused.length} refused`);
process.exit(wrong.length === 0 && registrations.length > 1 && refused.length > 10 ? 0 : 1);
