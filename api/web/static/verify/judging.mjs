// The report on a credential, from all the evidence that there is about it: testamur/cli/judging.py.
import { unread } from "./conclusion.mjs";
import { HOLDS } from "./finding.mjs";
import { verify } from "./findings.mjs";

const ENTRIES = ["submission", "inclusion", "checkpoint"];

// The report to show on `file`, as `read` returns it: on what `register` answered (`askRegister`), unless
// a file of `evidence` proves what that left out. `policy` says which log is believed: a file, too.
// `anchors` are the DIDs that the verifier trusts, without any the root authorities of the log; `at` and
// `now` are in Unix milliseconds; `learner` is the e-mail address, number or DID of a person. Throws
// `Refusal` (rule `anchor` or `learner`) for one that is none.
export const judge = async ({ file, register = null, evidence = [], policy, ...asked }) => {
  const { anchors = [], now = Date.now(), at = null, learner = null } = asked;
  if (file.kind !== "holder") return unread(file.why ?? "this is no credential", now);
  const about = evidence.filter((each) => each.evidence?.credential === file.holder.id);
  const files = about.map((each) => ({ evidenceFrom: "file", evidence: each.evidence, flags: null }));
  const given = [...(register === null ? [] : [register]), ...files];
  if (given.length === 0) return unread(`none of the files given is evidence about ${file.holder.id}`, now);
  if (policy?.kind !== "policy") return unread("without a policy, or the key of the log, no log is believed", now);
  const question = { holder: file.holder, policy: policy.policy, anchors, now, at, learner };
  return chosen(given, (one) => verify({ ...question, ...one }));
};

// What is fresh, unless a file refutes by entries that it leaves out, or of later.
const chosen = async ([fresh, ...files], judged) => {
  const report = await judged(fresh);
  if (report.verdict === "not-valid") return report;
  for (const file of files) {
    const shown = await judged(file);
    if (shown.verdict !== "not-valid") continue;
    const isSound = ENTRIES.every((name) => shown.checks.find((each) => each.name === name)?.verdict === HOLDS);
    if (!isSound) {
      report.notes.push(`The file does not hold, and is left aside: ${shown.why}`);
    } else if (shown.asOf > report.asOf || !(await isExplained(file, fresh, judged))) {
      return shown;
    }
  }
  return report;
};

// Whether a file refutes by entries that are all shown, with more, by what is fresh.
const isExplained = async (file, fresh, judged) => {
  const shared = shownByBoth(file.evidence, fresh.evidence);
  return shared !== null && (await judged({ ...file, evidence: shared })).verdict === "not-valid";
};

// `one` without the entries that `other` does not show; null if nothing is left.
const shownByBoth = (one, other) => {
  const known = new Map(other.submissions.map((each) => [each.position, each]));
  const shared = [];
  for (const submission of one.submissions) {
    const beside = known.get(submission.position);
    if (beside?.entry !== submission.entry) continue;
    const lines = new Map(beside.events.map(({ number, line }) => [number, line]));
    const events = submission.events.filter(({ number, line }) => lines.get(number) === line);
    if (events.length > 0) shared.push({ ...submission, events });
  }
  return shared.length > 0 ? { ...one, submissions: shared } : null;
};

