// Steps 1 to 5: the credential opens what was logged, who signed what is shown, and that it is in the
// tree that the log and its witnesses signed. testamur/verification/steps/submission.py, log.py.
import { jcs } from "./canonical_json.mjs";
import { MAX_AHEAD, checkNotAhead, isAhead } from "./clock.mjs";
import { uncounted } from "./declared.mjs";
import { bytesOf, equal, fromBase64, hex } from "./encodings.mjs";
import { Refuted, Unavailable } from "./errors.mjs";
import { leafHash, sha256, verifyInclusion } from "./hashes.mjs";
import { finding } from "./finding.mjs";
import { formatTime } from "./submission.mjs";

// (1) The credential, with its blind, opens the commitment that was logged.
export const commitment = async ({ credential, blind }, { event, position }) => {
  const { proof: _, ...claims } = credential;
  const digest = await sha256(bytesOf(jcs(claims)));
  const opened = await sha256(bytesOf("testamur/credential/1\n"), blind, digest);
  const logged = fromBase64(event.commitment);
  if (!equal(opened, logged)) throw new Refuted(`credential and blind make commitment ${hex(opened)}, not ${hex(logged)}`);
  return finding(`credential and blind open the commitment logged at position ${position}`);
};

// (2) Every event shown is under the root its provider signed.
export const submission = async (submissions) => {
  let count = 0;
  for (const { header, events } of submissions) {
    for (const { line, number, path } of events) {
      await verifyInclusion(number - 1, header.events, await leafHash(line), path, header.root);
      count += 1;
    }
  }
  return finding(`all ${count} events shown lie under the roots their submitters signed`);
};

// (3) Every submission was signed by the key it names; the issuance's counts as of the size.
export const signature = (seen, tree, now) => {
  const { excerpt, register, issued, issuer } = seen;
  checkRecorded(excerpt.recordedAt, witnessedAt(tree, now), now);
  if (!register.counts(issued.signed)) throw uncounted(seen, issued);
  excerpt.checkListed();
  const name = seen.called(issuer);
  return finding(
    `${name} (${issuer}) signed the issuance at position ${issued.position} with a key that it had listed`,
    { subject: { issuer: name, issuerDid: issuer, position: String(issued.position) } },
  );
};

// The latest time (POSIX seconds) of a cosignature, leaving out future ones; or null.
export const witnessedAt = ({ witnesses }, now) => {
  const times = witnesses.map(([, time]) => time).filter((time) => !isAhead(time * 1000, now));
  return times.length > 0 ? Math.max(...times) : null;
};

// `recordedAt` is the operator's word; our clock and those of witnesses bound it from above.
const checkRecorded = (recordedAt, witnessed, now) => {
  checkNotAhead("the log recorded an entry", recordedAt, now);
  if (witnessed !== null && recordedAt > (witnessed + MAX_AHEAD) * 1000) {
    throw new Refuted(
      `the log says ${formatTime(recordedAt)} of an entry that witnesses saw at ${formatTime(witnessed * 1000)}`,
    );
  }
};

// The size that the evidence is as of; throws `Refuted` if the tree is smaller.
export const statedSize = ({ stated, checkpoint }) => {
  if (stated > checkpoint.size) {
    throw new Refuted(`the evidence is as of size ${stated}, its checkpoint is of ${checkpoint.size}`);
  }
  return stated;
};

// (4) Every entry shown is in the log, in a whole submission.
export const inclusion = async (submissions, tree) => {
  const { size, root } = tree.checkpoint;
  const asOf = statedSize(tree);
  let count = 0;
  for (const { position, entry, inclusion: path, header, events } of submissions) {
    // A submission is all or nothing: cut, one that issues and revokes could be shown without its
    // revocation.
    if (position < asOf && asOf <= position + header.events) {
      throw new Refuted(`size ${asOf} cuts the submission at ${position}, which has ${header.events} events`);
    }
    const shown = events.map((event) => [position + event.number, event.line, event.inclusion]);
    for (const [at, line, proof] of [[position, entry, path], ...shown]) {
      if (at >= asOf) throw new Refuted(`entry ${at} is shown as evidence as of size ${asOf}`);
      await verifyInclusion(at, size, await leafHash(line), proof, root);
      count += 1;
    }
  }
  return finding(`all ${count} entries shown are in the tree of size ${size}`);
};

// (5) The log, and the quorum of witnesses the policy asks for, signed the tree. `log` is the one that
// the holder file names, or null.
export const checkpoint = ({ checkpoint: { origin, size }, witnesses }, log) => {
  if (log !== null && log !== origin) throw new Unavailable(`the evidence is of log ${origin}, the holder file names ${log}`);
  const names = witnesses.map(([name]) => name).join(", ");
  const seen = names === "" ? "no witness is asked for by the policy" : `cosigned by ${names}`;
  return finding(`${origin} signed tree size ${size}; ${seen}`, { attested: true });
};
