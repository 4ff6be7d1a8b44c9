// What a page reads of a credential, and finds in it: as `questions.mjs` asks. An answer is what is read, or the
// sentence by which it is refused or cannot be checked.
import { added, unexamined } from "../../../api/web/static/verify/beyond.mjs";
import { readCredential } from "../../../api/web/static/verify/blockcert_badge.mjs";
import { bytesOf } from "../../../api/web/static/verify/encodings.mjs";
import { Refuted, Unavailable } from "../../../api/web/static/verify/errors.mjs";
import { checkLearner, namesNobody, readAsked } from "../../../api/web/static/verify/identities.mjs";
import { publicKey } from "../../../api/web/static/verify/keys.mjs";
import { examineProofs } from "../../../api/web/static/verify/proofs.mjs";
import { differences, isSameText, suiteDifference } from "../../../api/web/static/verify/restated.mjs";
import { parseStrict } from "../../../api/web/static/verify/strict_json.mjs";
import { casefolded, inTitleCase } from "../../../api/web/static/verify/texts.mjs";

const parsed = (text) => parseStrict(bytesOf(text));

const said = async (look) => {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Refuted) return `refuted: ${error.message}`;
    if (error instanceof Unavailable) return `could not check: ${error.message}`;
    throw error;
  }
};

const told = ({ achievement, elements, ...badge }) => ({
  ...badge,
  validFrom: badge.validFrom.text,
  validUntil: badge.validUntil?.text ?? null,
  creditsAvailable: badge.creditsAvailable?.text ?? null,
  creditsEarned: badge.creditsEarned?.text ?? null,
  ...elements,
  achievement: { ...achievement, hasNarrative: undefined },
});

const proven = ({ proven: all, unexamined: others }) => [
  ...all.map(({ signer, created, expires }) => [`did:key:${signer}`, created?.text ?? null, expires?.text ?? null]),
  ...others,
];

export const QUESTIONS = {
  badge: (text) => said(() => told(readCredential(parsed(text)))),
  compared: ({ credential, event, definition, names }) =>
    said(() => {
      const [found, issued, written] = [parsed(credential), parsed(event), parsed(definition)];
      const badge = readCredential(found);
      return {
        differences: differences(badge, issued, written),
        added: added(found, badge, issued, written, names),
        suite: suiteDifference(badge, issued),
      };
    }),
  unexamined: (text) => unexamined(parsed(text)),
  learner: ({ credential, learner }) => said(() => checkLearner(parsed(credential), readAsked(learner))),
  namesNobody: (text) => namesNobody(parsed(text)),
  proofs: ({ credential, known }) =>
    said(async () =>
      proven(await examineProofs(parsed(credential), (method) => (method in known ? publicKey(known[method]) : null))),
    ),
  same: ([one, other]) => isSameText(one, other),
  folded: (text) => [casefolded(text), inTitleCase(text).normalize("NFC")],
};
