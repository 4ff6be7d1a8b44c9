// The tree that a proof stands for, split from the root down as RFC 6962 section 2.1 says. Its nodes are
// {start, end, hash, given, way, parts}: the entries [start, end) beneath, whether the proof gave the hash or it was
// computed here, whether the proof leads this way, and of which two it was computed. Numbers reach 2^53, so nothing here
// shifts 32 bits.
import { equal, hex } from "../verify/encodings.mjs";
import { Refuted } from "../verify/errors.mjs";
import { nodeHash } from "../verify/hashes.mjs";

// The greatest power of two below the number of entries: where a tree is split.
const half = (entries) => {
  let found = 1;
  while (found * 2 < entries) found *= 2;
  return found;
};

const kept = (start, end, hash) => ({ start, end, hash, given: true, way: false, parts: [] });

const above = async (left, right) => ({
  start: left.start,
  end: right.end,
  hash: await nodeHash(left.hash, right.hash),
  given: false,
  way: true,
  parts: [left, right],
});

// The tree of `size` entries with the one at `position`, whose hash is `leaf`; `path` is its audit path, from the entry
// up. Throws `Refuted` unless it leads to `root`.
export const inclusionTree = async ({ position, size, leaf, path, root }) => {
  if (position < 0 || position >= size) throw new Refuted(`position ${position} is not among ${size} entries`);
  const below = async (start, end, given) => {
    if (end - start === 1) {
      if (given.length > 0) throw new Refuted(`the proof has ${given.length} hashes too many`);
      return { ...kept(start, end, leaf), given: false, way: true };
    }
    if (given.length === 0) throw new Refuted("the proof has too few hashes");
    const [middle, beside, rest] = [start + half(end - start), given.at(-1), given.slice(0, -1)];
    if (position < middle) return above(await below(start, middle, rest), kept(middle, end, beside));
    return above(kept(start, middle, beside), await below(middle, end, rest));
  };
  return checked(await below(0, size, path), root);
};

// The tree of `size` entries that extends the one of `earlier`, 1 to `size`, whose root is `earlierRoot`; `path` is the
// consistency proof. Throws `Refuted` unless it leads to both roots.
export const consistencyTree = async ({ earlier, size, earlierRoot, path, root }) => {
  if (earlier < 1 || earlier > size) throw new Refuted(`a tree of ${size} entries extends none of ${earlier}`);
  // Each node along the edge of the earlier tree has its hash in that tree too.
  const below = async (start, end, given) => {
    if (end === earlier) {
      if (given.length !== (start > 0 ? 1 : 0)) throw new Refuted("the proof has too few or too many hashes");
      const node = kept(start, end, start > 0 ? given[0] : earlierRoot);
      return { ...node, way: true, before: node.hash };
    }
    if (given.length === 0) throw new Refuted("the proof has too few hashes");
    const [middle, beside, rest] = [start + half(end - start), given.at(-1), given.slice(0, -1)];
    if (earlier <= middle) {
      const left = await below(start, middle, rest);
      return { ...(await above(left, kept(middle, end, beside))), before: left.before };
    }
    const right = await below(middle, end, rest);
    return { ...(await above(kept(start, middle, beside), right)), before: await nodeHash(beside, right.before) };
  };
  const tree = await below(0, size, path);
  if (!equal(tree.before, earlierRoot)) {
    throw new Refuted(`the proof leads to root ${hex(tree.before)} of ${earlier} entries, not ${hex(earlierRoot)}`);
  }
  return checked(tree, root);
};

const checked = (tree, root) => {
  if (equal(tree.hash, root)) return tree;
  throw new Refuted(`the proof leads to root ${hex(tree.hash)} of ${tree.end} entries, not ${hex(root)}`);
};
