// A second, independent implementation of what counts, for counting/:
//   node tests/vectors/check_counting.mjs
// It takes the text of docs/what-counts.md word by word, each question by itself: no table, no order.
import { readdirSync, readFileSync } from "node:fs";

const LIMIT = 90 * 24 * 3600 * 1000;
const time = (text) => Date.parse(text);
const end = ({ position, events }) => position + 1 + events.length;

// As of a size, by the submissions of key events that lie wholly before it.
const counter = ({ registered, submissions }, size) => {
  const { organization, position: registration, recoveryKeys, signingKeys } = registered;
  const founding = organization.slice("did:key:".length);
  const first = [founding, ...recoveryKeys];
  const said = submissions
    .filter((each) => each.events && end(each) <= size)
    .flatMap((within) => within.events.map((event, at) => ({ ...event, at: within.position + 1 + at, within })));

  const ranked = [...first, ...said.filter((s) => s.type === "key.listed/1" && s.as === "recovery").map((s) => s.key)];
  const rank = (key) => (ranked.includes(key) ? ranked.indexOf(key) : ranked.length);
  const holds = ({ within }) => counts(within);
  const mayList = ({ within, as }) =>
    within.key === founding || (as === "signing" && rank(within.key) < ranked.length);
  const listed = (key, p) =>
    ([...first, ...signingKeys].includes(key) && p > registration) ||
    said.some((s) => s.type === "key.listed/1" && s.key === key && s.at < p && mayList(s) && holds(s));

  // What is said about a key by those who may, as far as it matters at p.
  const heard = (type, key, p) =>
    said.filter((s) => {
      if (s.type !== type || s.key !== key) return false;
      if (s.within.key === key) return end(s.within) <= p && holds(s);
      return rank(s.within.key) < rank(key) && holds(s);
    });
  const retired = (key, p) => heard("key.retired/1", key, p).some((s) => s.at < p);
  const cutOff = (key, p, at) => {
    const words = heard("key.compromised/1", key, p);
    return [...new Set(words.map((s) => s.within.key))].some((by) => {
      if (by === key) return true;
      const mine = words.filter((s) => s.within.key === by);
      const since = time(mine[0].within.recordedAt);
      const last = mine.filter((s) => time(s.within.recordedAt) <= since + LIMIT).at(-1);
      const kept = (last.kept ?? []).some(([from, to]) => from <= p && p <= to);
      return p >= last.since && at >= since - LIMIT && !kept;
    });
  };
  const known = new Map();
  const counts = ({ key, position, recordedAt }) => {
    if (!known.has(position)) {
      known.set(position, listed(key, position) && !retired(key, position) && !cutOff(key, position, time(recordedAt)));
    }
    return known.get(position);
  };
  return counts;
};

const wrong = [];
let asked = 0;
for (const name of readdirSync(new URL("counting/", import.meta.url))) {
  const { cases } = JSON.parse(readFileSync(new URL(`counting/${name}`, import.meta.url), "utf8"));
  for (const each of cases) {
    for (const { asOf, counting, not } of each.counts) {
      const counts = counter(each, asOf);
      const due = [...counting, ...not].sort((a, b) => a - b);
      const made = each.submissions.filter(({ position }) => due.includes(position)).filter(counts);
      asked += due.length;
      const same = made.map(({ position }) => position).join() === counting.join();
      if (!same || !due.every((p) => each.submissions.some(({ position }) => position === p))) {
        wrong.push(`${name}: ${each.desc}, as of ${asOf}: ${made.map(({ position }) => position)}`);
      }
    }
  }
}
wrong.forEach((what) => console.error(`wrong: ${what}`));
console.log(`${asked} answers`);
process.exit(wrong.length === 0 && asked > 500 ? 0 : 1);
