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
// `now` are in Unix milliseconds; `learner` is the e-mail address, name, number or DID of a person. Throws
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

// The report on what is fresh, unless a file proves what that left out. Of files alone it is on one that
// refutes, unless another shows what takes that back.
const chosen = async (given, judged) => {
  const alone = async (one, asked = one) => ({ given: one, report: await judged(asked) });
  const first = await alone(given[0]);
  const isFresh = first.given.evidenceFrom !== "file";
  if (given.length === 1 || (isFresh && refutes(first))) return first.report;
  const others = [];
  for (const each of given.slice(1)) others.push(await alone(each));
  const files = isFresh ? others : [first, ...others];
  const sound = files.filter(isSound);
  const known = isFresh ? [first] : sound.filter((each) => !refutes(each));
  if (known.length === 0 && sound.length === 0) return first.report;
  const aside = files.filter((each) => refutes(each) && !isSound(each));
  const notes = aside.map(({ report }) => `The file does not hold, and is left aside: ${report.why}`);
  const told = (report) => ({ ...report, notes: [...report.notes, ...notes] });
  for (const each of sound.filter(refutes)) {
    if (!(await isTakenBack(each, known, judged))) return told(each.report);
  }
  return told(known[0].report);
};

const refutes = ({ report }) => report.verdict === "not-valid";
const verdictOf = (report, name) => report.checks.find((each) => each.name === name)?.verdict;
// Whether the entries shown are on the log, whatever they say.
const isSound = ({ report }) => ENTRIES.every((name) => verdictOf(report, name) === HOLDS);

const isTakenBack = async (refuting, known, judged) => {
  for (const other of known) if (await takesBack(other, refuting, judged)) return true;
  return false;
};

// Whether all that refutes is made up for by what other evidence shows besides. Then the two together,
// taken for complete, say what the other one says alone.
const takesBack = async (other, refuting, judged) => {
  const isFile = other.given.evidenceFrom === "file";
  const given = isFile ? { ...other.given, evidenceFrom: "register" } : other.given;
  const report = isFile ? await judged(given) : other.report;
  const [earlier, later] = [other, refuting].sort((one, two) => one.report.asOf - two.report.asOf);
  const both = await judged({ ...given, evidence: later.given.evidence, beside: earlier.given.evidence });
  const verdicts = ({ checks }) => checks.map(({ name, verdict }) => `${name} ${verdict}`).join();
  // What could not be read takes nothing back.
  const isRead = verdictOf(report, "signature") === HOLDS;
  return isRead && verdicts(both) === verdicts(report) && both.verdict !== "not-valid";
};
