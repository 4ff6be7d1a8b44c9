// Decimal numbers, compared exactly and told as they were written: {text, billionths}.

const PLACES = 9;

// Of a text such as -12.50, with at most nine places.
export const decimal = (text) => {
  const [, sign, whole, , places = ""] = /^(-?)([0-9]+)(\.([0-9]+))?$/.exec(text);
  const digits = `${whole}${places}`.replace(/^0+(?=[0-9])/, "");
  const billionths = BigInt(`${whole}${places.padEnd(PLACES, "0")}`) * (sign === "-" ? -1n : 1n);
  return { text: `${sign}${spelledOf(digits, places.length)}`, billionths };
};

// As Python's Decimal: a number below a millionth has an exponent.
const spelledOf = (digits, places) => {
  const power = digits.length - 1 - places;
  if (places > 0 && power < -6) {
    return `${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ""}E${power}`;
  }
  const padded = digits.padStart(places + 1, "0");
  return places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`;
};
