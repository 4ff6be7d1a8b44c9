// A QR code of a text (ISO/IEC 18004), in the browser: the link holds a credential, which no server may see.
// Byte mode alone, the smallest version that has room, error correction L or better.
import { bytesOf } from "../verify/encodings.mjs";

// By level of error correction (L, M, Q, H) and version from 1: bytes of correction in a block, and blocks.
const CORRECTION = [
  [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
  [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30, 28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
  [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28, 30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
];
const BLOCKS = [
  [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
  [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
  [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68],
  [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81],
];
const LEVEL_BITS = [1, 0, 3, 2]; // of the format information, for L, M, Q, H

// The modules of the code, as rows of booleans: true is dark. Throws RangeError for a text without room.
export const qrModules = (text) => {
  const data = bytesOf(text);
  const version = versions.find((each) => fits(data.length, each, 0));
  if (version === undefined) throw new RangeError(`a QR code holds at most 2953 bytes, not ${data.length}`);
  const level = [3, 2, 1, 0].find((each) => fits(data.length, version, each));
  const symbol = new Symbol18004(version);
  symbol.place(withCorrection(codewords(data, version, level), version, level));
  return symbol.masked(level);
};

const versions = Array.from({ length: 40 }, (_, at) => at + 1);
const lengthBits = (version) => (version < 10 ? 8 : 16);
const capacity = (version, level) => Math.floor(rawModules(version) / 8) - CORRECTION[level][version - 1] * BLOCKS[level][version - 1];
const fits = (size, version, level) => 4 + lengthBits(version) + 8 * size <= 8 * capacity(version, level);

// Modules that are not taken by patterns and information.
const rawModules = (version) => {
  const alignments = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const taken = version === 1 ? 0 : (25 * alignments - 10) * alignments - 55;
  return (16 * version + 128) * version + 64 - taken - (version >= 7 ? 36 : 0);
};

// --- Data ---

const codewords = (data, version, level) => {
  const bits = [];
  const put = (value, count) => {
    for (let at = count - 1; at >= 0; at -= 1) bits.push((value >> at) & 1);
  };
  put(4, 4);
  put(data.length, lengthBits(version));
  data.forEach((byte) => put(byte, 8));
  const room = 8 * capacity(version, level);
  put(0, Math.min(4, room - bits.length));
  put(0, -bits.length & 7);
  for (let at = 0; bits.length < room; at += 1) put(at % 2 ? 0x11 : 0xec, 8);
  return Uint8Array.from({ length: room / 8 }, (_, at) => bits.slice(8 * at, 8 * at + 8).reduce((byte, bit) => 2 * byte + bit, 0));
};

// The data in blocks, each with its Reed-Solomon correction, interleaved.
const withCorrection = (data, version, level) => {
  const [count, size] = [BLOCKS[level][version - 1], CORRECTION[level][version - 1]];
  const divisor = generator(size);
  const short = Math.floor(data.length / count);
  const blocks = [];
  for (let at = 0, from = 0; at < count; at += 1) {
    const to = from + short + (at >= count - (data.length % count) ? 1 : 0);
    blocks.push(data.subarray(from, to));
    from = to;
  }
  const corrections = blocks.map((block) => remainder(block, divisor));
  return [...interleaved(blocks, short + 1), ...interleaved(corrections, size)];
};

const interleaved = (blocks, most) => {
  const found = [];
  for (let at = 0; at < most; at += 1) for (const block of blocks) if (at < block.length) found.push(block[at]);
  return found;
};

// In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
const times = (one, other) => {
  let product = 0;
  for (let at = 7; at >= 0; at -= 1) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((other >> at) & 1) * one);
  return product;
};

// (x - 1)(x - 2)(x - 4)..., without its leading coefficient.
const generator = (degree) => {
  let found = [...new Array(degree - 1).fill(0), 1];
  for (let at = 0, root = 1; at < degree; at += 1, root = times(root, 2)) {
    found = found.map((each, place) => times(each, root) ^ (found[place + 1] ?? 0));
  }
  return found;
};

const remainder = (data, divisor) => {
  const found = new Array(divisor.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ found.shift();
    found.push(0);
    divisor.forEach((each, at) => (found[at] ^= times(each, factor)));
  }
  return found;
};

// --- Modules ---

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

class Symbol18004 {
  constructor(version) {
    this.version = version;
    this.size = 17 + 4 * version;
    this.dark = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    this.fixed = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    this.patterns();
  }

  set(x, y, isDark) {
    this.dark[y][x] = isDark;
    this.fixed[y][x] = true;
  }

  patterns() {
    const { size, version } = this;
    for (let at = 0; at < size; at += 1) [this.set(6, at, at % 2 === 0), this.set(at, 6, at % 2 === 0)];
    for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) this.finder(x, y);
    const places = alignmentPlaces(version);
    const last = places.length - 1;
    places.forEach((x, one) =>
      places.forEach((y, other) => {
        const isFinder = (one === 0 && other === 0) || (one === 0 && other === last) || (one === last && other === 0);
        if (!isFinder) this.alignment(x, y);
      }),
    );
    this.format(0, 0);
    if (version >= 7) this.versionInformation();
  }

  finder(x, y) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const [at, ring] = [[x + dx, y + dy], Math.max(Math.abs(dx), Math.abs(dy))];
        if (at.every((each) => each >= 0 && each < this.size)) this.set(...at, ring !== 2 && ring !== 4);
      }
    }
  }

  alignment(x, y) {
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) this.set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }

  format(level, mask) {
    const told = (LEVEL_BITS[level] << 3) | mask;
    const bits = ((told << 10) | checked(told, 10, 0x537)) ^ 0x5412;
    const { size } = this;
    const bit = (at) => ((bits >> at) & 1) === 1;
    for (let at = 0; at < 6; at += 1) [this.set(8, at, bit(at)), this.set(5 - at, 8, bit(9 + at))];
    [this.set(8, 7, bit(6)), this.set(8, 8, bit(7)), this.set(7, 8, bit(8))];
    for (let at = 0; at < 8; at += 1) this.set(size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at += 1) this.set(8, size - 15 + at, bit(at));
    this.set(8, size - 8, true);
  }

  versionInformation() {
    const bits = (this.version << 12) | checked(this.version, 12, 0x1f25);
    for (let at = 0; at < 18; at += 1) {
      const [a, b] = [this.size - 11 + (at % 3), Math.floor(at / 3)];
      [this.set(a, b, ((bits >> at) & 1) === 1), this.set(b, a, ((bits >> at) & 1) === 1)];
    }
  }

  // In columns of two, from the right, up and down in turns.
  place(bytes) {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step += 1) {
        const y = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y][x] || at >= 8 * bytes.length) continue;
          this.dark[y][x] = ((bytes[at >> 3] >> (7 - (at & 7))) & 1) === 1;
          at += 1;
        }
      }
    }
  }

  // Under the mask with the least penalty.
  masked(level) {
    const tried = MASKS.map((mask, number) => {
      this.format(level, number);
      return this.dark.map((row, y) => row.map((isDark, x) => (this.fixed[y][x] ? isDark : isDark !== mask(x, y))));
    });
    const penalties = tried.map(penalty);
    return tried[penalties.indexOf(Math.min(...penalties))];
  }
}

const alignmentPlaces = (version) => {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => version * 4 + 10 - step * (count - 2 - at))];
};

// The remainder of a BCH code.
const checked = (value, bits, divisor) => {
  let found = value;
  for (let at = 0; at < bits; at += 1) found = (found << 1) ^ ((found >> (bits - 1)) * divisor);
  return found;
};

const penalty = (rows) => {
  const columns = rows.map((_, at) => rows.map((row) => row[at]));
  const lines = [...rows, ...columns].map((line) => line.map((isDark) => (isDark ? "1" : "0")).join(""));
  let found = 0;
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) found += run.length - 2;
    // A finder pattern with four light modules at one side; beyond the edge all is light.
    const wide = `0000${line}0000`;
    for (let at = wide.indexOf("1011101"); at >= 0; at = wide.indexOf("1011101", at + 1)) {
      if (wide.slice(at - 4, at) === "0000") found += 40;
      if (wide.slice(at + 7, at + 11) === "0000") found += 40;
    }
  }
  for (let y = 1; y < rows.length; y += 1) {
    for (let x = 1; x < rows.length; x += 1) {
      const isDark = rows[y][x];
      if (isDark === rows[y][x - 1] && isDark === rows[y - 1][x] && isDark === rows[y - 1][x - 1]) found += 3;
    }
  }
  const dark = rows.flat().filter((isDark) => isDark).length;
  return found + 10 * Math.floor((Math.abs(20 * dark - 10 * rows.length ** 2)) / rows.length ** 2);
};
