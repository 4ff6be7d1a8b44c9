// What a name on the log may be made of: testamur/catalogue/names.py, by the same pattern.
import { COLON_LIKE, D_LIKE, I_LIKE, JOINED, JOINERS, MARKS, MAX_MARKS, UNSEEN } from "./name_ranges.mjs";

const code = (point) => `\\u{${point.toString(16)}}`;
const within = (ranges) => ranges.map(([from, to]) => (from === to ? code(from) : `${code(from)}-${code(to)}`)).join("");

const joinerAlone = `(?<![${within(JOINED)}])[${within(JOINERS)}]|[${within(JOINERS)}](?![${within(JOINED)}])`;
const markAlone = `(?:^| )[${within(MARKS)}]`;
const pile = `[${within(MARKS)}]{${MAX_MARKS + 1}}`;
// A DID in a name would be taken for that of the organization, whatever its letters and colon.
const aDid = [D_LIKE, I_LIKE, D_LIKE, COLON_LIKE].map((each) => `[${within(each)}]`).join(`[${within(MARKS)}]*`);
const plain = "[!-9;-~]+(?: [!-9;-~]+)*";

// A text without line ends that matches is a name; its length is bounded elsewhere.
export const NAME = new RegExp(
  `^${plain}$|^(?! |[^\\n]*(?:  |${aDid}[^ ]|${joinerAlone}|${markAlone}|${pile}))[^${within(UNSEEN)}]+(?<! )$`,
  "u",
);
