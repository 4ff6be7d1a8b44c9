// What the alignments of a badge say of the elements of 2022/C 243/02, and the alignments that state a
// definition: testamur/badges/elements.py.
import {
  ASSESSMENT,
  ECTS,
  EQF,
  ESCO,
  HOUR,
  PARTICIPATION,
  QF_EHEA,
  QUALITY,
  RECOMMENDATION,
  SUPERVISION,
  stated,
} from "./code_lists.mjs";
import { cut, stripped } from "./texts.mjs";

// --- What is stated for certain ---

// How it was awarded, as far as the alignments say.
export const awarded = (alignments) => ({
  assessment: stated(ASSESSMENT, alignments),
  participation: stated(PARTICIPATION, alignments),
  supervision:
    SUPERVISION.find((word) => alignments.some(({ kind, code }) => kind === "ext:Supervision" && code === word)) ?? null,
});

// --- What a reader takes it to say, who sees a name before an address ---

// A letter, digit or underscore of any script ends a word; the letters i are one to a reader who looks past case.
const EDGE = "(?<![\\p{L}\\p{N}_])";
const END = "(?![\\p{L}\\p{N}_])";
const I = "[i\\u0130\\u0131]";
const LEVEL_NAMES = {
  EQF: new RegExp(`${EDGE}EQF${END}|European Qual${I}f${I}cat${I}ons? Framework`, "iu"),
  "QF-EHEA": new RegExp(`${EDGE}QF-EHEA${END}|European H${I}gher Educat${I}on Area`, "iu"),
};
const LEVEL_NUMBER = /(?:level|cycle|EQF|EHEA|Framework|Area)[^0-9]{0,10}([0-9])(?![0-9])/giu;
const NAMES_ECTS = new RegExp(`${EDGE}ECTS${END}`, "u");
const LONGEST = 1000;

// {levels, assessment, participation, qualityAssurance, supervision, fields, units, isOutcome}
export const readClaims = (alignment) => {
  const names = alignment.names.map((each) => cut(each, LONGEST)).join(" ");
  const text = `${cut(alignment.framework ?? "", LONGEST)} ${names}`;
  const code = stripped(alignment.code ?? "");
  const { url, kind } = alignment;
  const isCredit = kind === "ext:CreditSystem";
  const isEcts = url === ECTS || (isCredit && (code === "ECTS" || NAMES_ECTS.test(text)));
  return {
    levels: levelsIn(alignment, text, names, code),
    assessment: stated(ASSESSMENT, [alignment]),
    participation: stated(PARTICIPATION, [alignment]),
    qualityAssurance: stated(QUALITY, [alignment]),
    supervision: kind === "ext:Supervision" && SUPERVISION.includes(code) ? [code] : [],
    fields: text.toUpperCase().includes("ISCED") && /^[0-9]{2,4}$/.test(code) ? [code] : [],
    units: [...(isEcts ? ["tenthOfEcts"] : []), ...(url === HOUR ? ["hour"] : [])],
    isOutcome:
      ["CFItem", "ceasn:Competency", "ext:LearningOutcome"].includes(kind) ||
      url.startsWith(ESCO) ||
      ["ESCO", "CASE", "CTDL-ASN"].includes((alignment.framework ?? "").toUpperCase()),
  };
};

const DIGIT = { EQF: /^[1-8]$/, "QF-EHEA": /^[0-3]$/ };

// In order, and each once.
const levelsIn = (alignment, text, names, code) => {
  const found = new Map();
  const add = (framework, value) => found.set(`${framework} ${value}`, { framework, value });
  const certain = levelOf(alignment);
  if (certain !== null) add(certain.framework, certain.value);
  for (const [framework, named] of Object.entries(LEVEL_NAMES)) {
    if (!named.test(text)) continue;
    const numbers = [code, ...Array.from(names.matchAll(LEVEL_NUMBER), ([, digit]) => digit)];
    for (const each of numbers) if (DIGIT[framework].test(each)) add(framework, Number(each));
  }
  return [...found.keys()].sort().map((key) => found.get(key));
};

const levelOf = ({ url, kind, code }) => {
  if (url.startsWith(EQF) || kind === "ext:EQF") {
    const rest = url.startsWith(EQF) ? url.slice(EQF.length) : url;
    const digit = DIGIT.EQF.test(rest) ? rest : code ?? "";
    if (DIGIT.EQF.test(digit)) return { framework: "EQF", value: Number(digit) };
  }
  if (kind === "ext:QF-EHEA" && DIGIT["QF-EHEA"].test(code ?? "")) return { framework: "QF-EHEA", value: Number(code) };
  return null;
};

// --- What a definition says, as alignments ---

// The [name, address] of each alignment that states a definition, of which an accreditation may be at `url`.
export const alignmentsOf = (definition, url = null) => {
  const { outcomes = [], level, assessment, participation, workload, qualityAssurance, supervision } = definition;
  return [
    ...outcomes.filter((each) => each.url !== undefined).map((each) => [each.name, each.url]),
    ...(level === undefined ? [] : [levelObject(level)]),
    ...entriesOf(ASSESSMENT, assessment),
    ...entriesOf(PARTICIPATION, participation),
    ...(workload === undefined ? [] : [workloadObject(workload)]),
    ...entriesOf(QUALITY, qualityAssurance, url),
    ...(supervision === undefined ? [] : [["Supervision and identity verification", RECOMMENDATION]]),
  ];
};

const entriesOf = (codes, words = [], url = null) =>
  words
    .filter((word) => codes.entries.has(word))
    .map((word) => codes.entries.get(word))
    .map(({ code, label }) => [label, url ?? `${codes.url}${code}`]);

const levelObject = ({ framework, value }) =>
  framework === "EQF" ? [`EQF level ${value}`, `${EQF}${value}`] : [`QF-EHEA cycle ${value}`, QF_EHEA];

const workloadObject = ({ unit }) =>
  unit === "hour" ? ["Hours of notional workload", HOUR] : ["European Credit Transfer System", ECTS];
