// The report on a credential, from all the evidence that there is about it: testamur/cli/judging.py.
import { examineAlone } from "./bare_blockcert.mjs";
import { versionOf } from "./blockcerts.mjs";
import { unread } from "./conclusion.mjs";
import { Unavailable } from "./errors.mjs";
import { HOLDS } from "./finding.mjs";
import { verify } from "./findings.mjs";

const ENTRIES = ["submission", "inclusion", "checkpoint"];

// The report to show on `file`, as `read` returns it: on what `register` answered (`askRegister`, or the error that
// it threw), unless a file of `evidence` proves what that left out. `policy` says which log is believed: a file, too.
// `anchors` are the DIDs that the verifier trusts, without any the root authorities of the log; `at` and
// `now` are in Unix milliseconds; `learner` is the e-mail address, number or DID of a person. Throws
// `Refusal` (rule `anchor` or `learner`) for one that is none.
export const judge = async ({ file, register = null, evidence = [], policy, ...asked }) => {
  const { anchors = [], now = Date.now(), at = null, learner = null } = asked;
  if (file.kind === "credential" && versionOf(file.credential) !== null) return examineAlone(file.credential, now);
  if (file.kind !== "holder") return unread(file.why ?? `this is no credential, but a file of kind ${file.kind}`, now);
  const about = evidence.filter((each) => each.evidence?.credential === file.holder.id);
  const files = about.map((each) => ({ evidenceFrom: "file", evidence: each.evidence, flags: null }));
  const isSilent = register instanceof Unavailable;
  const given = [...(register === null || isSilent ? [] : [register]), ...files];
  if (given.length === 0) {
    const none = `none of the files given is evidence about ${file.holder.id}`;
    return unread(isSilent ? elsewhere(register, file.holder, policy) : none, now);
  }
  if (policy?.kind !== "policy") return unread("without a policy, or the key of the log, no log is believed", now);
  const question = { holder: file.holder, policy: policy.policy, anchors, now, at, learner };
  const report = await chosen(given, (one) => verify({ ...question, ...one }));
  if (isSilent) report.notes.push(`${register.message}; ${file.holder.id} is judged by files alone`);
  return report;
};

// Why the register said nothing, with where else to ask if the file names another log: no more than a hint.
const elsewhere = ({ message }, { log }, policy) => {
  const isKnown = log === null || policy?.policy?.logs.some(({ name }) => name === log);
  return isKnown ? message : `${message}; its file says that it is on another log, ${log}`;
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

