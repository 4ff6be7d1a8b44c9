// Verification of credentials where their reader is: all that a page calls. It sends nothing anywhere
// but the ids that `askRegister` asks about. testamur/verification and the command `verify` are the
// definition.
//
//     const files = [await read(bytes, name), ...]    or  await readLink(location.href)
//     const register = await askRegister(location.origin, files[0].holder.id)
//     const policy = await askPolicy(location.origin)
//     const report = await judge({ file: files[0], register, policy })
//
// A file, as `read` returns it, has its `name` and a `kind`:
//
//     holder       {holder: {id, log, credential, blind}, baked}  what a learner has, and `judge` takes;
//                  `baked` is "png" or "svg" where it was found in a picture, else null
//     credential   {credential, rule, why}  without its blind: nothing links it to a log
//     evidence     {evidence: {credential, size, checkpoint, submissions}}
//     policy       {policy: {logs, witnesses, groups, quorum}, isOwnWord}  a policy, or keys of one log
//     unreadable   {rule, why}
//
// A report, as `judge` returns it, is that of testamur/verification/report.py, as JSON, and `facts`:
//
//     verdict      "valid", "not-valid" or "could-not-tell"; `why` is its reason in one sentence
//     evidenceFrom, credential, log, size, asOf, root (hex), checkedAt, loggedAt, recordedAt,
//     witnessedAt  texts and numbers; null for a time that is not known, "" or 0 without a log
//     subject      {issuer, issuerDid, position, status, achievement, accreditor}, as far as shown
//     checks       [{name, verdict, basis, detail}], in the order of `CHECKS`; verdict is "holds",
//                  "refuted" or "could not check"; basis "proven", "attested", "stated by the
//                  register" or "the bearer's word"
//     flags        [{code, basis, meaning}]
//     issuerOnly, unexamined, notes     [text]
//     facts        what the checks that hold show (facts.mjs), or null
export { askPolicy, askRegister } from "./asking.mjs";
export { CHECKS } from "./finding.mjs";
export { judge } from "./judging.mjs";
export { read, readLink } from "./reading.mjs";
export { NOT_MADE } from "./receipts.mjs";
