// The one canonical form of a JSON value (RFC 8785), for which ECMAScript is the reference: its
// number printing and its order of UTF-16 units. For values that `parseStrict` returns.

export const jcs = (value) => {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(",")}}`;
};
