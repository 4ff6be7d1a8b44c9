// SHA-256, and the Merkle tree hashes of RFC 6962 section 2.1.
import { bytesOf, equal, hex, joined } from "./encodings.mjs";
import { Refuted } from "./errors.mjs";

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

export const leafHash = (text) => sha256(Uint8Array.of(0), bytesOf(text));

export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

// Throws `Refuted` unless leaf hash `leaf` is at `index` in the tree of `size` leaves with `root`:
// RFC 9162 section 2.1.3.2. Numbers reach 2^53, so nothing here shifts 32 bits.
export const verifyInclusion = async (index, size, leaf, path, root) => {
  const computed = await impliedRoot(index, size, leaf, path);
  if (!equal(computed, root)) {
    throw new Refuted(`leaf ${index} of ${size} leads to root ${hex(computed)}, not ${hex(root)}`);
  }
};

const half = (number) => Math.floor(number / 2);

const impliedRoot = async (index, size, leaf, path) => {
  if (index < 0 || index >= size) throw new Refuted(`leaf index ${index} is outside a tree of ${size} leaves`);
  let [node, at, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    if (last === 0) throw new Refuted(`path of ${path.length} hashes goes on above the root`);
    // The last node of a level, at an even index, has no sibling: it rises unhashed.
    while (at === last && at % 2 === 0) [at, last] = [half(at), half(last)];
    node = await (at % 2 ? nodeHash(sibling, node) : nodeHash(node, sibling));
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new Refuted(`path of ${path.length} hashes stops below the root`);
  return node;
};
