// The code lists that the European Learning Model publishes, and our words for their entries:
// testamur/badges/elements.py. An entry is our word, its code, and the label that Europass shows.
import { casefolded, stripped } from "./texts.mjs";

const LONGEST = 100;
const SNB = "http://data.europa.eu/snb/";
export const EQF = `${SNB}eqf/`;
export const ECTS = `${SNB}education-credit/6fcec5c5af`;
export const HOUR = "http://qudt.org/vocab/unit/HR";
export const ESCO = "http://data.europa.eu/esco/";
// This page has no code list: what tells the cycle is the code.
export const QF_EHEA = "https://www.ehea.info/page-qualification-frameworks";
export const RECOMMENDATION = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32022H0627(02)";
export const SUPERVISION = ["none", "supervised", "supervisedOnline", "supervisedOnSiteWithIdentity"];

// `also` are codes told apart there and not by us.
const codeList = (url, framework, kind, entries, also = []) => {
  const words = new Map();
  for (const [word, code, label] of [...entries, ...also]) {
    for (const text of [casefolded(word), code, casefolded(label)]) {
      words.set(text, new Set([...(words.get(text) ?? []), word]));
    }
  }
  return { url, framework, kind, entries: new Map(entries.map(([word, code, label]) => [word, { code, label }])), words };
};

export const ASSESSMENT = codeList(
  `${SNB}assessment/`,
  "Europass learning assessment types",
  "ext:AssessmentType",
  [
    ["artefact", "de4d165a6c", "artefact assessment"],
    ["attendance", "7331eb4762", "level of attendance"],
    ["continuous", "3484bd7e51", "continuous evaluation"],
    ["groupPerformance", "56539a6507", "group performance"],
    ["markedAssignment", "2939dae15f", "marked assignment"],
    ["oralExamination", "d30284d7df", "oral examination"],
    ["peerAssessment", "19a2e5e671", "peer assessment"],
    ["portfolio", "4f03b91c0e", "portfolio"],
    ["practical", "6a4db9f11d", "practical assessment"],
    ["problemBased", "c4256a2726", "problem based learning"],
    ["project", "795dac4096", "project work"],
    ["quiz", "b1b68f6735", "quiz"],
    ["writtenExamination", "6e6cb2cc78", "written examination"],
  ],
  [["peerAssessment", "812e3b0ae1", "peer review"]],
);
export const PARTICIPATION = codeList(
  `${SNB}learning-assessment/`,
  "Europass modes of learning",
  "ext:ParticipationForm",
  [
    ["blended", "e92d221e4d", "Blended"],
    ["online", "920fbb3cbe", "Online"],
    ["presential", "9191af2ed9", "Presential"],
    ["projectBased", "7813801c77", "Project based"],
    ["research", "ed4c557045", "Research-Lab based"],
    ["workbased", "729f3bed4b", "Workbased"],
  ],
);
export const QUALITY = codeList(
  `${SNB}accreditation/`,
  "Europass accreditation types",
  "ext:QualityAssurance",
  [
    ["institutional", "bb4618238e", "Institutional Quality Assurance"],
    ["programme", "820101cba6", "Program Quality Assurance"],
  ],
  [
    ["institutional", "003293d2ce", "Institutional License"],
    ["programme", "e57dddfcf3", "Program License"],
  ],
);

// Our words, sorted, for the entries of a list that some alignment names.
export const stated = (codes, alignments) => {
  const found = new Set();
  for (const { url, kind, code, names } of alignments) {
    const isOf = url.startsWith(codes.url);
    if (!isOf && kind !== codes.kind) continue;
    for (const text of [isOf ? url.slice(codes.url.length) : url, code ?? "", ...names]) {
      const word = stripped(text);
      // Folding makes no text shorter, and a stranger's may be megabytes.
      if (word.length <= LONGEST) codes.words.get(casefolded(word))?.forEach((each) => found.add(each));
    }
  }
  return [...found].sort();
};
