// Step 6: what became of the credential since, who did it, and for whom they acted.
// testamur/verification/steps/status.py.
import { chain } from "./chain.mjs";
import { antedated, circumstances, past, takenBack } from "./declared.mjs";
import { Unavailable } from "./errors.mjs";
import { REFUTED, finding } from "./finding.mjs";
import { AFTER, FINAL, acts, closing, namings, status as statusOf } from "./status.mjs";
import { statedSize } from "./steps_log.mjs";

// (6) Issued, and neither suspended, revoked nor superseded as of the size told.
export const status = (seen, tree) => {
  const { known } = seen.excerpt;
  const heard = (speaker, position) => seen.hears(speaker, position);
  const found = statusOf(seen.register, known, { heard });
  if (found === null) throw new Unavailable("nothing was issued that could have a status");
  const [size, whole] = [statedSize(tree), tree.checkpoint.size];
  const all = acts(seen.register, known);
  const act = decided(all, seen, found);
  const by = act === null ? "" : `: it ${done(act, seen)}`;
  const others = all.filter((each) => each.said.actor !== seen.issuer && each !== act);
  const told = {
    // A program that reads this one word must not take an earlier status for the present one.
    subject: { status: size === whole ? found : `${found} as of size ${size}` },
    notes: [
      ...earlier(size, whole),
      ...closed(seen),
      ...others.map((each) => `it ${done(each, seen)}`),
      ...all.filter((each) => isHeard(each, seen)).map(({ said }) => antedated(said)).filter((note) => note !== null),
    ],
    declared: takenBack(seen, known.stream),
  };
  if (found === "active") return finding(`active as of size ${size}${by}`, told);
  const lacking = found === "suspended";
  return finding(`the credential is ${found} as of size ${size}${by}`, { ...told, verdict: REFUTED, lacking });
};

export const isHeard = ({ said, actedFor }, seen) =>
  actedFor.some((each) => each === seen.issuer || seen.hears(each, said.position));

// The act that the status follows from: the last that is heard, or the final one; or null.
const decided = (all, seen, found) => {
  let last = null;
  for (const act of all) {
    if (!isHeard(act, seen)) continue;
    last = act;
    if (FINAL.has(AFTER[act.said.event.type])) break;
  }
  return last !== null && AFTER[last.said.event.type] === found ? last : null;
};

// An act in words, with for whom its signer acted, and whether that is heard.
const done = (act, seen) => {
  const { said, actedFor } = act;
  const what = `was ${past(said.event)} at ${said.position} by`;
  if (said.actor === seen.issuer) return `${what} its issuer${circumstances(said)}`;
  const who = `${what} ${seen.called(said.actor)} (${said.actor})${circumstances(said)}`;
  if (actedFor.length === 0) return `${who}, which acted for nobody and is not heard`;
  const named = actedFor.map((each) => {
    const whose = each === seen.issuer ? "the issuer" : "the accreditor";
    return `${whose} ${seen.called(each)} (${each}), who named it successor`;
  });
  const acted = `${who}, which acted for ${named.join(" and ")}`;
  return isHeard(act, seen) ? acted : `${acted}; that accreditor led to no anchor there, so this is not heard`;
};

// Whether the issuer closed, and who acts for it now: as far as the verifier hears it.
const closed = (seen) => {
  const { register, excerpt, issuer } = seen;
  const found = closing(register, register.organizations.get(issuer));
  if (found === undefined) return [];
  const last = excerpt.submissions.at(-1);
  const moment = { position: register.size, day: last.day, covered: null };
  const named = namings(register, excerpt.known, register.size)
    .filter(({ actor }) => actor === issuer || chain(register, actor, moment, seen.anchors) !== null)
    .map(({ actor, event, position }) => {
      const by = actor === issuer ? "itself" : seen.called(actor);
      return `${whom(event.successor, seen)} (named by ${by} at ${position})`;
    });
  const acting = [...new Set(named)];
  const act = `${acting.join(" and ")} ${acting.length === 1 ? "acts" : "act"} for it`;
  return [`the issuer closed at position ${found.position}; ${acting.length > 0 ? act : "nobody can revoke any more"}`];
};

const whom = (did, seen) => (seen.called(did) === did ? did : `${seen.called(did)} (${did})`);

const earlier = (size, whole) =>
  size === whole
    ? []
    : [
        `the evidence tells of the first ${size} entries, as it was asked for, and of none of the ${whole - size} that ` +
          "followed under its checkpoint",
      ];
