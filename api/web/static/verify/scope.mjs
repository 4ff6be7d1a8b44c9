// Which members of a scope do not cover an achievement: testamur/rules/scope.py.

// ISCED-F 06 and 061 hold 0612.
const widerFields = (field) => [2, 3].filter((digits) => digits < field.length).map((digits) => field.slice(0, digits));

// NL holds NL-UT, en holds en-GB; but ES-M (Madrid) does not hold ES-MA (Malaga).
const widerTags = (tag) => {
  const parts = tag.split("-");
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join("-"));
};

const covers = (allowed, name, wider) =>
  name !== undefined && (allowed.includes(name) || wider(name).some((each) => allowed.includes(each)));

const none = () => [];
const coversAll = (allowed, names = [], wider = none) =>
  names.length > 0 && names.every((name) => covers(allowed, name, wider));

const hasLevel = (levels, level) =>
  level !== undefined && levels.some(({ framework, value }) => framework === level.framework && value === level.value);

// A scope that limits a member does not cover a definition that leaves this member out.
const JUDGES = {
  achievementTypes: (allowed, { definition }) => allowed.includes(definition.achievementType),
  achievements: (allowed, { achievement }) => allowed.includes(achievement),
  fields: (allowed, { definition }) => covers(allowed, definition.field, widerFields),
  jurisdictions: (allowed, { country }) => covers(allowed, country, widerTags),
  languages: (allowed, { definition }) => coversAll(allowed, definition.languages, widerTags),
  levels: (allowed, { definition }) => hasLevel(allowed, definition.level),
  participation: (allowed, { definition }) => coversAll(allowed, definition.participation),
};

// `covered` is {achievement, definition, country}, the latter as it is vouched for.
export const uncovered = (scope, covered) =>
  Object.keys(JUDGES).filter((member) => scope?.[member] !== undefined && !JUDGES[member](scope[member], covered));
