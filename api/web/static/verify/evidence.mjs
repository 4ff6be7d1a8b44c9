// Evidence: an excerpt of the log under one checkpoint, in one JSON file. testamur/verification/evidence.py.
import { jcs } from "./canonical_json.mjs";
import { bytesOf, equal, fromBase64 } from "./encodings.mjs";
import { Refusal, Refuted } from "./errors.mjs";
import { MAX_ENTRY, id, position } from "./events.mjs";
import { bytes, integer, list, part, text, word } from "./forms.mjs";
import { parseStrict } from "./strict_json.mjs";
import { MAX_EVENTS } from "./submission.mjs";

export const MAX_EVIDENCE = 16 * 1024 * 1024;
const MAX_EVIDENCE_VALUES = 1_000_000;
const ANEW = "if an editor saved it, get it anew: `testamur evidence`";

const path = list(bytes(32), 0, 63);
const line = text(/^/, MAX_ENTRY);
const loggedEvent = part({ inclusion: path, line, number: integer(1, MAX_EVENTS), path });
const loggedSubmission = part({ entry: line, events: list(loggedEvent, 1, 1_000), inclusion: path, position });
const form = part(
  {
    checkpoint: text(/^/, 1 << 20),
    credential: id,
    format: word("testamur/evidence/1"),
    submissions: list(loggedSubmission, 1, 10_000),
  },
  { size: position },
);

const withoutLf = (data) => (data.at(-1) === 10 ? data.subarray(0, -1) : data);

// The evidence that `data` (bytes) spells, its hashes as bytes. There is one spelling, so that no
// two readers see two things. Its proofs are not looked at here.
export const parseEvidence = (data) => {
  let found;
  try {
    found = parseStrict(data, { maxBytes: MAX_EVIDENCE, maxValues: MAX_EVIDENCE_VALUES });
    form(found, "$");
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    throw new Refusal("evidence", `not an evidence file: ${error.message}; ${ANEW}`);
  }
  if (!equal(bytesOf(jcs(found)), withoutLf(data))) throw new Refusal("evidence", `not canonical JSON; ${ANEW}`);
  checkOrder(found.submissions.map((each) => each.position));
  found.submissions.forEach(({ events }) => checkOrder(events.map(({ number }) => number)));
  return { ...found, submissions: found.submissions.map(submissionOf) };
};

const checkOrder = (numbers) => {
  if (numbers.some((number, at) => at > 0 && numbers[at - 1] >= number)) {
    throw new Refusal("evidence", "submissions and their events must be in log order", numbers.join());
  }
};

const submissionOf = (each) => ({
  ...each,
  inclusion: each.inclusion.map(fromBase64),
  events: each.events.map((event) => ({
    ...event,
    inclusion: event.inclusion.map(fromBase64),
    path: event.path.map(fromBase64),
  })),
});
