// An e-mail address in its one spelling, and its domain in both forms of RFC 5890:
// testamur/badges/addresses.py. One mailbox has one spelling, since a verifier hashes what a person types.

const MACHINE = "xn--";

// The one spelling: the domain in small letters, in its own script; what stands before the @ is left as it is.
export const spelled = (address) => {
  const text = address.normalize("NFC");
  const at = text.lastIndexOf("@");
  return at < 0 ? text : `${text.slice(0, at + 1)}${text.slice(at + 1).toLowerCase().normalize("NFC")}`;
};

// The one spelling, and its domain as people and as machines write it: other programs write either form.
export const spellings = (address) => {
  const text = spelled(address);
  const at = text.lastIndexOf("@");
  if (at < 0) return [text];
  const labels = text.slice(at + 1).split(".");
  const forms = [labels, labels.map(forPeople), labels.map(forMachines)];
  return [...new Set(forms.map((form) => `${text.slice(0, at + 1)}${form.join(".")}`))];
};

const isAscii = (text) => /^[\x00-\x7f]*$/.test(text);
const forMachines = (label) => (isAscii(label) ? label : `${MACHINE}${encoded(label)}`);

const forPeople = (label) => {
  if (!label.startsWith(MACHINE)) return label;
  const found = decoded(label.slice(MACHINE.length));
  const isSame = found !== null && forMachines(found) === label && found === found.toLowerCase().normalize("NFC");
  return isSame && !/(?! )[\p{C}\p{Z}]/u.test(found) ? found : label;
};

// --- Punycode (RFC 3492) ---

const [BASE, LEAST, MOST, SKEW, DAMP, FIRST_BIAS, FIRST_POINT] = [36, 1, 26, 38, 700, 72, 128];
const DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789";

const adapted = (delta, points, isFirst) => {
  let rest = Math.floor(delta / (isFirst ? DAMP : 2));
  rest += Math.floor(rest / points);
  let weight = 0;
  for (; rest > ((BASE - LEAST) * MOST) / 2; weight += BASE) rest = Math.floor(rest / (BASE - LEAST));
  return weight + Math.floor(((BASE - LEAST + 1) * rest) / (rest + SKEW));
};

const threshold = (weight, bias) => Math.min(MOST, Math.max(LEAST, weight - bias));

const encoded = (text) => {
  const points = Array.from(text, (char) => char.codePointAt(0));
  const plain = points.filter((point) => point < FIRST_POINT);
  let written = plain.length > 0 ? `${String.fromCodePoint(...plain)}-` : "";
  let [point, delta, bias, done] = [FIRST_POINT, 0, FIRST_BIAS, plain.length];
  while (done < points.length) {
    const next = Math.min(...points.filter((each) => each >= point));
    delta += (next - point) * (done + 1);
    point = next;
    for (const each of points) {
      if (each < point) delta += 1;
      if (each !== point) continue;
      let rest = delta;
      for (let weight = BASE; ; weight += BASE) {
        const limit = threshold(weight, bias);
        if (rest < limit) break;
        written += DIGITS[limit + ((rest - limit) % (BASE - limit))];
        rest = Math.floor((rest - limit) / (BASE - limit));
      }
      written += DIGITS[rest];
      bias = adapted(delta, done + 1, done === plain.length);
      [delta, done] = [0, done + 1];
    }
    [delta, point] = [delta + 1, point + 1];
  }
  return written;
};

// The text that a label spells, or null if it spells none.
const decoded = (label) => {
  const dash = label.lastIndexOf("-");
  const points = Array.from(label.slice(0, Math.max(dash, 0)), (char) => char.codePointAt(0));
  if (points.some((point) => point >= FIRST_POINT)) return null;
  let [point, at, bias] = [FIRST_POINT, 0, FIRST_BIAS];
  for (let place = dash + 1; place < label.length; ) {
    const before = at;
    for (let [weight, value] = [BASE, 1]; ; weight += BASE) {
      const digit = DIGITS.indexOf(label[place]?.toLowerCase() ?? " ");
      if (digit < 0) return null;
      place += 1;
      at += digit * value;
      const limit = threshold(weight, bias);
      if (digit < limit) break;
      value *= BASE - limit;
    }
    bias = adapted(at - before, points.length + 1, before === 0);
    point += Math.floor(at / (points.length + 1));
    at %= points.length + 1;
    if (point > 0x10ffff) return null;
    points.splice(at, 0, point);
    at += 1;
  }
  return points.map((each) => String.fromCodePoint(each)).join("");
};
