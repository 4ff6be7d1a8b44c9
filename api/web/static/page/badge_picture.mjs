// The picture of a badge: what was awarded, by whom, at which level and when, and no person's name. Drawn as
// testamur/pages does for a cohort.
import { bytesOf } from "../verify/encodings.mjs";
import { svg } from "./dom.mjs";

export const SIZE = 600;
const WIDTH = 500;
const MIDDLE = 285; // of the title
// Dark enough for white text: contrast of 7 and more (WCAG 2.2, 1.4.6).
const COLOURS = [
  ["#1b4965", "#12344a"],
  ["#4a2545", "#321a2f"],
  ["#1f5134", "#143522"],
  ["#5b2c1a", "#3d1d11"],
  ["#2d3473", "#1d224d"],
  ["#5a1f36", "#3b1423"],
  ["#124e52", "#0b3437"],
  ["#3f3a1c", "#2a2713"],
];
const FONTS = "DejaVu Sans, Noto Sans, Liberation Sans, Arial, sans-serif";
// Each a size, and how many lines of it there is room for.
const TITLE = [[52, 2], [44, 3], [36, 4], [30, 5], [24, 6]];

// An <svg> of {title, kind, issuer, issuerDid, foot}: texts, `foot` a list of up to two; `description` is for those who do
// not see it.
export const badgePicture = async ({ title, kind, issuer, issuerDid, foot }, description) => {
  const [ground, head] = await coloursOf(issuerDid);
  const titled = fitted(title, TITLE);
  const step = titled[0].size * 1.2;
  const first = MIDDLE - (step * (titled.length - 1)) / 2;
  const footed = foot.map((text) => ({ text, size: 26 }));
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, height: SIZE, role: "img", class: "badge-picture" },
    svg("title", {}, title),
    svg("desc", {}, description),
    svg("rect", { x: 12, y: 12, width: 576, height: 576, rx: 48, fill: ground }),
    svg("path", { d: "M60 12H540A48 48 0 0 1 588 60V96L12 152V60A48 48 0 0 1 60 12Z", fill: head }),
    svg("path", { d: "M12 470H588V540A48 48 0 0 1 540 588H60A48 48 0 0 1 12 540Z", fill: "#ffffff" }),
    svg("rect", { x: 12, y: 12, width: 576, height: 576, rx: 48, fill: "none", stroke: head, "stroke-width": 8 }),
    svg(
      "g",
      { "font-family": FONTS, "text-anchor": "middle" },
      placed(fitted(kind.toUpperCase(), [[20, 1], [14, 1]]), 74, { fill: "#ffffff", "letter-spacing": 2 }),
      placed(titled, first, { fill: "#ffffff", "font-weight": "bold" }),
      placed(fitted(issuer, [[26, 1], [22, 2], [18, 2]]), first + step * (titled.length - 1) + 56, { fill: "#ffffff" }),
      placed(footed, 540 - 18 * (footed.length - 1), { fill: "#1d2733" }),
    ),
  );
};

export const svgText = (picture) => new XMLSerializer().serializeToString(picture);

// The picture in pixels, as the browser draws it.
export const pngBytes = async (picture) => {
  const image = new Image(SIZE, SIZE);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(picture))}`;
  await image.decode();
  const canvas = new OffscreenCanvas(SIZE, SIZE);
  canvas.getContext("2d").drawImage(image, 0, 0, SIZE, SIZE);
  return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
};

// An issuer has the same colours always.
const coloursOf = async (issuer) => {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(issuer)));
  return COLOURS[digest[0] % COLOURS.length];
};

const placed = (lines, first, look) =>
  lines.map(({ text, size }, at) => svg("text", { x: SIZE / 2, y: Math.round(first + at * size * 1.2), "font-size": size, direction: isFromRight(text) ? "rtl" : null, ...look }, text));

const isFromRight = (text) => /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(text);

// The text in lines, as large as there is room for it; cut if there is none.
const fitted = (text, sizes) => {
  let lines = [];
  for (const [size, most] of sizes) {
    lines = broken(text, WIDTH / size);
    if (lines.length <= most) return lines.map((line) => ({ text: line, size }));
  }
  const [size, most] = sizes.at(-1);
  return lines.slice(0, most).map((line, at) => ({ text: at === most - 1 ? `${line.slice(0, -1)}…` : line, size }));
};

const broken = (text, room) => {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (widthOf(longer) <= room) lines[lines.length - 1] = longer;
    else if (widthOf(word) <= room) lines.push(word);
    else pieces(word, room).forEach((piece) => lines.push(piece));
  }
  return lines.filter((line) => line !== "");
};

// A word that is wider than a line; a mark stays with the letter before it.
const pieces = (word, room) => {
  const found = [""];
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(word)) {
    if (widthOf(found.at(-1) + segment) > room) found.push("");
    found[found.length - 1] += segment;
  }
  return found;
};

// How wide a text is at most in any font, in sizes of it.
const widthOf = (text) => [...text].reduce((sum, char) => sum + widthOfChar(char), 0);

const widthOfChar = (char) => {
  if (/[\p{M}\p{C}]/u.test(char)) return 0;
  if (/[fijlrtI.,:;'|!()[\] -]/.test(char)) return 0.42;
  if (/[mwMW@%]/.test(char)) return 1;
  if (/[QOGCDNHU&]/.test(char)) return 0.86;
  if (char.codePointAt(0) >= 0x1100 && /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}]/u.test(char)) return 1.2;
  return /\p{Lu}/u.test(char) ? 0.78 : 0.69;
};
