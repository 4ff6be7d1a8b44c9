// Did the log only grow since a checkpoint that the reader kept? The proof is asked for by the two sizes alone, and leads
// to the root that was kept, whatever this server says that it was.
import { fromBase64 } from "../verify/encodings.mjs";
import { Refuted, Unavailable } from "../verify/errors.mjs";
import { parseStrict } from "../verify/strict_json.mjs";
import { el } from "./dom.mjs";
import { consistencyTree } from "./proof_tree.mjs";
import { _, number } from "./words.mjs";

const MAX_PROOF = 1 << 20;

// Put the form into `place`. `open` reads a signed checkpoint, `signed` is the one in the page, and `show` shows what
// is found: [sentence, tree or null].
export const kept = (place, open, signed, show) => {
  const field = el("textarea", { id: "kept-note", rows: 5, spellcheck: "false", required: true });
  const form = el(
    "form",
    {},
    el("label", { for: "kept-note" }, _("The signed checkpoint, as you kept it")),
    field,
    el("button", {}, _("Compare")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(place, async () => compared(await open(field.value), await signed));
  });
  place.prepend(form);
};

const compared = async (own, now) => {
  const sizes = { earlier: number(own.size), size: number(now.size) };
  if (own.size > now.size) {
    throw new Unavailable(_("yours is of {earlier} entries, this page's of {size}: load it anew; if that stays so, the log was set back", sizes));
  }
  if (own.size === 0) return [_("Every log extends the empty one."), null];
  const path = own.size === now.size ? [] : await proof(own.size, now.size);
  const tree = await consistencyTree({ earlier: own.size, size: now.size, earlierRoot: own.root, path, root: now.root });
  return [_("The log only grew, from your {earlier} entries to {size}.", sizes), tree];
};

const proof = async (earlier, size) => {
  const answer = await fetch(`/consistency?earlier=${earlier}&size=${size}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Unavailable(_("the register answered {status}", { status: answer.status }));
  const told = parseStrict(new Uint8Array(await answer.arrayBuffer()), { maxBytes: MAX_PROOF });
  if (!Array.isArray(told.path)) throw new Refuted(_("the register sent no proof"));
  return told.path.map((each) => fromBase64(each.hash));
};
