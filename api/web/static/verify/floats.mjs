// Which numbers were written with a point or an exponent. ECMAScript knows 3.0 and 3 as one number, and
// a version "3.0" is told as it was written.

const WRITTEN = new WeakMap();

// Takes note that the number at `name`, a member or an index, of an object or array was written so.
export const note = (holder, name) => {
  if (WRITTEN.has(holder)) WRITTEN.get(holder).add(name);
  else WRITTEN.set(holder, new Set([name]));
};

export const isFloat = (holder, name) => WRITTEN.get(holder)?.has(name) === true;
