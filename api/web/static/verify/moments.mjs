// Moments as XML Schema spells them (dateTimeStamp, with a zone), told as Python tells them. A moment is
// {micros, day, text}: microseconds of Unix time (a BigInt), the day in its own zone, and ISO 8601 text.

const FORM =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(Z|([+-])([0-9]{2}):([0-9]{2}))$/;
const MINUTE = 60_000;
const EARLIEST = BigInt(Date.parse("0001-01-01T00:00:00Z")) * 1000n;
const AFTER = BigInt(Date.parse("+010000-01-01T00:00:00Z")) * 1000n;

// The moment that a text spells, or null: one that the calendar does not have is none.
export const momentOf = (text) => {
  const [, year, month, day, hours, minutes, seconds, fraction = "", zone, sign, ahead, past] = FORM.exec(text) ?? [];
  if (year === undefined) return null;
  const local = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  // A day that the month does not have would be taken for one of the next.
  if (Number.isNaN(local.getTime()) || local.getUTCDate() !== Number(day) || year === "0000") return null;
  const offset = zone === "Z" ? 0 : (sign === "-" ? -1 : 1) * (Number(ahead) * 60 + Number(past));
  if (Math.abs(offset) >= 24 * 60) return null;
  const micro = fraction.slice(0, 6).padEnd(6, "0");
  return { ...shaped(local.getTime() - offset * MINUTE, micro, offset), offset };
};

// Whether Python has the moment in UTC, and XML Schema the zone (1.1 section 3.3.7).
export const isWithinCalendar = ({ micros, offset }) =>
  micros >= EARLIEST && micros < AFTER && Math.abs(offset) <= 14 * 60;

// The moment of a Unix time in milliseconds, in UTC.
export const momentAt = (milliseconds) => {
  const second = Math.floor(milliseconds / 1000) * 1000;
  return shaped(second, String(Math.round((milliseconds - second) * 1000)).padStart(6, "0"), 0);
};

const two = (number) => String(number).padStart(2, "0");

// `time` is of a whole second.
const shaped = (time, micro, offset) => {
  const local = new Date(time + offset * MINUTE).toISOString().slice(0, 19);
  const size = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  const text = `${local}${micro === "000000" ? "" : `.${micro}`}${zone}`;
  return { micros: BigInt(time) * 1000n + BigInt(micro), day: local.slice(0, 10), text };
};
