// Steps 9 to 11: what the credential says of achievement, issuer and dates, and what was logged.
// testamur/verification/steps/claims.py.
import { orYourClock } from "./clock.mjs";
import { uncounted } from "./declared.mjs";
import { Refuted, Unavailable, printable } from "./errors.mjs";
import { REFUTED, finding } from "./finding.mjs";
import { DID_KEY } from "./keys.mjs";
import { momentAt } from "./moments.mjs";
import { differences, isCalled, translations } from "./restated.mjs";

const SHOWN = 5;

// (9) What the credential says of the achievement is what was logged, as far as that goes.
export const achievement = (seen, badge) => {
  const { event } = seen.issued;
  const said = seen.excerpt.writtenDefinition(seen.issued);
  if (said === null) {
    throw new Unavailable(
      `the evidence leaves out version ${event.achievementVersion} of the achievement ${event.achievement}`,
    );
  }
  if (!seen.register.counts(said.signed)) throw uncounted(seen, said);
  const { definition } = said.event;
  // Else an accredited course could lend its standing to a credential that says anything.
  const found = differences(badge, event, definition);
  if (found.length > 0) {
    const more = found.length > SHOWN ? `; and ${found.length - SHOWN} more` : "";
    const listed = found.slice(0, SHOWN).map((each) => printable(each, 200)).join("; ");
    throw new Refuted(`the credential does not say what was logged: ${listed}${more}`);
  }
  const called = translated(translations(badge.achievement.names, definition.name));
  return finding(`${definition.name}, version ${event.achievementVersion}${formsOf(event)}${called}`);
};

// What a reader of another language sees, which nobody compared.
const translated = (names) => {
  const said = names.map(({ text, language }) => `${printable(text, 100)} (${language})`);
  const more = said.length > SHOWN ? ` and ${said.length - SHOWN} more` : "";
  const words = `${said.slice(0, SHOWN).join(", ")}${more}`;
  return said.length > 0 ? `; its issuer alone says that this is called ${words}` : "";
};

// How the issuer says that it was awarded, in brackets, as far as it says so.
const formsOf = (event) => {
  const words = ["assessment", "participation", "supervision"].filter((what) => event[what] !== undefined);
  return words.length > 0 ? ` (${words.map((what) => `${what} ${event[what]}`).join(", ")})` : "";
};

// (10) The credential names its issuer by its DID, or as the accreditor vouches for it.
export const issuer = (seen, badge) => {
  const did = seen.issuer;
  const { id: claimed, names } = badge.issuer;
  const word = seen.words.get(did);
  if (word === undefined) {
    // Anybody can call itself anything, so only the chain's accreditor is heard on a name.
    throw new Unavailable(
      `that ${did} is called ${printable(names[0]?.text ?? claimed, 200)} is said by no accreditor that leads to an anchor`,
    );
  }
  const by = seen.called(word.by);
  const other = names.find(({ text }) => !isCalled(text, word.names));
  if (other !== undefined) {
    return finding(
      `the credential calls its issuer ${printable(other.text, 200)}; its accreditor ${by} vouched at ${word.position} ` +
        `for the name ${word.names.join(" or ")}${lookalikes(other.text, word.names)}`,
      { verdict: REFUTED, lacking: true }, // of a restatement
    );
  }
  if (claimed !== did && !word.ids.includes(claimed)) {
    throw new Unavailable(`the credential names its issuer as ${claimed}, and ${by} does not vouch that this is ${did}`);
  }
  if (claimed.startsWith(DID_KEY) && ![did, `${DID_KEY}${seen.issued.signed.key}`].includes(claimed)) {
    // It may be another organization's, and nobody but the holder of the key can tell.
    throw new Unavailable(
      `the credential names its issuer as ${claimed}, a key that did not sign the issuance; that it is a key of ${did}, ` +
        `${by} cannot know`,
    );
  }
  return finding(`${word.name} (${claimed}), for which ${by} vouched at ${word.position}`, { attested: true });
};

// Which letters a name has instead of ASCII ones, since the two may look the same.
const lookalikes = (name, vouched) => {
  const known = new Set(vouched.flatMap((each) => [...each]));
  const found = [...new Set(name)].filter((char) => char > "\x7f" && !known.has(char));
  if (found.length < 1 || found.length > SHOWN) return "";
  const spelled = found.map((char) => `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  return `, which is without ${spelled.join(", ")}`;
};

// (11) The credential's own dates: those that were logged, and valid at the time asked for. Times are in Unix
// milliseconds.
export const validity = (seen, badge, at, now) => {
  const { validFrom, validUntil } = badge;
  const { micros } = momentAt(at);
  if (micros < validFrom.micros) {
    if (at === now) checkClock(seen.issued, validFrom, now);
    throw new Refuted(`it is not valid before ${validFrom.text}`);
  }
  if (validUntil !== null && micros > validUntil.micros) throw new Refuted(`it expired at ${validUntil.text}`);
  checkDates(badge, seen.issued.event);
  const end = validUntil === null ? ", without end" : ` until ${validUntil.text}`;
  return finding(`valid from ${validFrom.text}${end}`);
};

// Throws `Unavailable` if the log says that it was valid already when it was issued.
const checkClock = ({ signed }, validFrom, now) => {
  const isRecordedLater = now < signed.recordedAt && validFrom.micros <= BigInt(signed.recordedAt) * 1000n;
  if (isRecordedLater) throw orYourClock(`it is valid from ${validFrom.text} and was recorded after that`, now);
};

// Else a credential could be backdated under the eyes of its accreditor.
const checkDates = ({ validFrom, validUntil }, event) => {
  const [start, end] = [validFrom.day, validUntil?.day];
  if (start !== event.validFrom || end !== event.validUntil) {
    throw new Refuted(
      `the credential is valid from ${days(start, end)}, what was logged is valid from ` +
        `${days(event.validFrom, event.validUntil)}`,
    );
  }
};

const days = (start, end) => (end === undefined ? `${start} without end` : `${start} until ${end}`);
