// The holder's page: what a learner has, from a link that carries it in its fragment, or from a file. Nothing of it is
// sent anywhere: the register is asked by the credential's id alone.
import { sortedOut } from "./checking.mjs";
import { el } from "./dom.mjs";
import { givenLink, listen, readFiles, readText } from "./given.mjs";
import { HolderView } from "./holder_view.mjs";
import { reportFaults } from "./faults.mjs";
import { settings } from "./settings.mjs";
import { policyOf } from "./trust.mjs";
import { _ } from "./words.mjs";

const { keys } = settings();
const place = document.getElementById("holder");
reportFaults(place);

const show = async (file) => {
  const view = new HolderView(file, await policyOf(keys), location.origin);
  place.replaceChildren(...(await view.parts()));
};

const field = () => {
  const chosen = el("input", { type: "file", id: "files", change: () => take(readFiles(chosen.files)) });
  return el(
    "section",
    { class: "intake", "aria-labelledby": "yours" },
    el("h1", { id: "yours" }, _("Your credential")),
    el("p", { class: "lead" }, _("Open the link that your provider sent to you, or give the file here. It stays in your browser.")),
    el("div", { class: "drop" }, el("label", { for: "files" }, _("Drop your file here, paste it, or choose it")), chosen),
  );
};

const take = async (reading) => {
  const [file] = sortedOut(await reading).subjects;
  if (file !== undefined) await show(file);
};

const begin = async () => {
  if (location.hash.length > 1) await show(await givenLink(location.href));
  else place.replaceChildren(field());
};

listen({ files: (files) => take(readFiles(files)), text: (text) => take(readText(text).then((file) => [file])) });
addEventListener("hashchange", begin);
await begin();
