// Whom the reader trusts: which log, by its key or a policy, and which authorities.
import { Refusal, Refuted } from "../verify/errors.mjs";
import { bytesOf } from "../verify/encodings.mjs";
import { read } from "../verify/verify.mjs";
import { code, el, english } from "./dom.mjs";
import { _ } from "./words.mjs";

const MAX_ANCHORS = 8;

// The policy that `text`, a policy or the keys of one log, spells. Throws `Refusal` for another text.
export const policyOf = async (text) => {
  const trimmed = text.trim().split("\n").map((line) => line.trimEnd()).join("\n");
  const found = await read(bytesOf(`${trimmed}\n`), "policy");
  if (found.kind !== "policy") throw new Refusal("policy", found.why ?? "this is neither a policy nor the key of a log");
  return found;
};

// The part of the page that shows and changes it. `keys` is the text that the page brought with it, or
// empty; `onChange({policy, anchors, isBrought})` is called first and after each change.
export const trustPart = (keys, onChange) => {
  const shown = el("p");
  const fault = el("p", { class: "fault", role: "alert" });
  const policy = el("textarea", { id: "trusted-log", rows: 3, spellcheck: "false", autocomplete: "off" });
  const anchors = el("textarea", { id: "trusted-anchors", rows: 2, spellcheck: "false", autocomplete: "off" });
  policy.value = keys;

  const apply = async () => {
    fault.replaceChildren();
    try {
      const named = anchors.value.split(/\s+/).filter((each) => each !== "");
      if (named.length > MAX_ANCHORS) return fault.replaceChildren(_("At most {most} are asked about.", { most: MAX_ANCHORS }));
      const found = policy.value.trim() === "" ? null : await policyOf(policy.value);
      const isBrought = policy.value.trim() === keys.trim();
      shown.replaceChildren(...said(found, isBrought, named));
      onChange({ policy: found, anchors: named, isBrought });
    } catch (error) {
      if (!(error instanceof Refuted)) throw error;
      fault.replaceChildren(english(error.message));
    }
  };

  const form = el(
    "form",
    { class: "trust-form", submit: (event) => [event.preventDefault(), apply()] },
    el("label", { for: "trusted-log" }, _("The key of the log, or a policy")),
    policy,
    el("label", { for: "trusted-anchors" }, _("Authorities that you trust (DIDs); without any, the log’s own root authorities")),
    anchors,
    fault,
    el("button", {}, _("Use these")),
  );
  const part = el("details", { class: "trust", open: keys.trim() === "" }, el("summary", {}, _("Whom you trust")), shown, form);
  return { part, ready: apply() };
};

const said = (found, isBrought, anchors) => {
  if (found === null) return [_("No log is trusted yet: state its key, which its register publishes at /log/vkey.")];
  const logs = found.policy.logs.flatMap(({ name }, at) => [at > 0 ? ", " : "", code(name)]);
  return [
    _("Trusted log:"),
    " ",
    ...logs,
    ". ",
    ...(isBrought ? [_("Its key came with this page, so compare it with another source."), " "] : []),
    anchors.length > 0 ? _("Authorities of yours: {count}.", { count: anchors.length }) : _("Authorities: those that the log began with."),
  ];
};
