// The pages of the log: their proofs are computed again here, of what stands in the page, and drawn as a tree.
import { fromHex, hex } from "../verify/encodings.mjs";
import { Refuted, Unavailable } from "../verify/errors.mjs";
import { leafHash } from "../verify/hashes.mjs";
import { believed, parsePolicy } from "../verify/policy.mjs";
import { el } from "./dom.mjs";
import { kept } from "./kept_checkpoint.mjs";
import { consistencyTree, inclusionTree } from "./proof_tree.mjs";
import { drawing } from "./tree_drawing.mjs";
import { _, number } from "./words.mjs";

const hashIn = (place, name) => fromHex(place.querySelector(`[${name}]`).textContent);
const pathIn = (place) => [...place.querySelectorAll(".hashes td code")].map((each) => fromHex(each.textContent));
const numberOf = (place, name) => Number(place.dataset[name]);

// --- What is computed ---

// The checkpoint in a note, if the keys of the log that stand in the page signed it.
const opened = async (note) => {
  const lines = document.querySelector("[data-keys]").dataset.keys.split("\n").map((key) => `log ${key}\n`);
  return (await believed(await parsePolicy(`${lines.join("")}quorum none\n`), note)).checkpoint;
};

// Throws `Refuted` if the signed checkpoint is of this size and has another root.
const fits = (signed, size, root) => {
  if (signed.size === size && hex(signed.root) !== hex(root)) {
    throw new Refuted(`the log signed root ${hex(signed.root)} for ${size} entries, not ${hex(root)}`);
  }
};

const inclusion = async (place, signed) => {
  const [position, size] = [numberOf(place, "position"), numberOf(place, "size")];
  const leaf = await leafHash(document.querySelector("[data-entry]").textContent);
  if (hex(leaf) !== hex(hashIn(place, "data-leaf"))) throw new Refuted(`the hash of the entry is ${hex(leaf)}`);
  const root = hashIn(place, "data-root");
  fits(signed, size, root);
  const tree = await inclusionTree({ position, size, leaf, path: pathIn(place), root });
  const told =
    signed.size === size
      ? _("Entry {position} leads to the root that the log signed for {size} entries.", { position: number(position), size: number(size) })
      : _("Entry {position} leads to the root of {size} entries, which the signed tree extends.", { position: number(position), size: number(size) });
  return [told, tree];
};

const growth = async (place, signed) => {
  const [earlier, size] = [numberOf(place, "earlier"), numberOf(place, "size")];
  const [earlierRoot, root] = [hashIn(place, "data-earlier-root"), hashIn(place, "data-root")];
  fits(signed, size, root);
  fits(signed, earlier, earlierRoot);
  if (earlier === 0) return [_("Every log extends the empty one."), null];
  const tree = await consistencyTree({ earlier, size, earlierRoot, path: pathIn(place), root });
  const told = _("The tree of {size} entries begins with the tree of {earlier}.", { size: number(size), earlier: number(earlier) });
  return [told, tree];
};

// --- How it is shown ---

// Show in `place` what `compute` finds: [sentence, tree or null]. Refuted and could not check are never the same.
const shown = async (place, compute) => {
  const found = place.querySelector(".recomputed");
  try {
    const [told, tree] = await compute();
    found.replaceChildren(
      el("p", { class: "found holds", role: "status" }, _("Computed in this browser:"), " ", told),
      ...(tree === null ? [] : [picture(tree, told)]),
    );
  } catch (error) {
    found.replaceChildren(el("p", { class: failed(error), role: "alert" }, outcome(error)));
  }
};

const picture = (tree, told) =>
  el(
    "figure",
    {},
    drawing(tree, told),
    el("figcaption", { class: "own" }, _("Each box is a hash, with the entries that it covers. Those with a dashed edge were given by the proof, all others were computed here.")),
  );

const failed = (error) => (error instanceof Unavailable ? "found" : "found refuted");

const outcome = (error) => {
  if (error instanceof Refuted) return _("It does not hold: {why}", { why: error.message });
  if (error instanceof Unavailable) return _("Could not check: {why}", { why: error.message });
  return _("This page failed, so nothing was computed: {why}", { why: error.message });
};

// --- The page ---

const note = document.querySelector("[data-note]");
const signed = opened(note.textContent);
shown(note.closest("section"), async () => {
  const { size } = await signed;
  return [_("The log signed this checkpoint of {size} entries.", { size: number(size) }), null];
});
for (const [name, compute] of [["data-inclusion", inclusion], ["data-growth", growth]]) {
  for (const place of document.querySelectorAll(`[${name}]`)) shown(place, async () => compute(place, await signed));
}
const place = document.getElementById("kept");
if (place !== null) kept(place, opened, signed, shown);
