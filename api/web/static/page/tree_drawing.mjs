// A proof as a picture: from the root down the way that was computed here, and beside it the hashes that were given.
import { hex } from "../verify/encodings.mjs";
import { svg } from "./dom.mjs";
import { _, number } from "./words.mjs";

const [WIDTH, ROW, BOX_WIDTH, BOX_HEIGHT] = [320, 60, 100, 38];
const CENTRE = WIDTH / 2;
const SIDE = BOX_WIDTH / 2 + 2;

// Draw the tree of `proof_tree.mjs`; `told` says in a sentence what it shows.
export const drawing = (tree, told) => {
  const rows = rowsOf(tree);
  const height = rows.length * ROW - (ROW - BOX_HEIGHT);
  const lines = rows.slice(1).flatMap((row, at) => row.map(({ x }) => edge(at, x)));
  const boxes = rows.flatMap((row, at) => row.map(({ node, x }) => box(node, x, at * ROW)));
  return svg(
    "svg",
    { class: "proof-tree", role: "img", viewBox: `0 0 ${WIDTH} ${height}`, "aria-label": told },
    ...lines,
    ...boxes,
  );
};

// Row by row what to draw where: at the centre the computed way, and what stands beside it on its side.
const rowsOf = (tree) => {
  const rows = [[{ node: tree, x: CENTRE }]];
  for (let node = tree; node.parts.length > 0; ) {
    const [left, right] = node.parts;
    rows.push(
      left.way
        ? [{ node: left, x: CENTRE }, { node: right, x: WIDTH - SIDE }]
        : [{ node: left, x: SIDE }, { node: right, x: CENTRE }],
    );
    node = left.way ? left : right;
  }
  return rows;
};

const edge = (row, x) => svg("line", { x1: CENTRE, y1: row * ROW + BOX_HEIGHT, x2: x, y2: (row + 1) * ROW });

const box = (node, x, y) =>
  svg(
    "g",
    { class: node.given ? "given" : "computed" },
    svg("rect", { x: x - BOX_WIDTH / 2, y: y + 1, width: BOX_WIDTH, height: BOX_HEIGHT - 2, rx: 6 }),
    svg("text", { x, y: y + 16, class: "hash" }, `${hex(node.hash).slice(0, 8)}…`),
    svg("text", { x, y: y + 30 }, covered(node)),
  );

const covered = ({ start, end }) =>
  end - start === 1 ? _("entry {position}", { position: number(start) }) : `${number(start)}–${number(end - 1)}`;
