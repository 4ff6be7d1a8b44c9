// The box of the front page: a text is looked up by the server, and a credential is checked here, whatever the way it came.
import { reportFaults } from "./faults.mjs";
import { isCredential } from "./given.mjs";
import { settings } from "./settings.mjs";
import { boxVerifier } from "./verifier.mjs";

const { keys } = settings();
const place = document.getElementById("verifier");
reportFaults(place);
const made = boxVerifier(place, document.getElementById("answers"), { keys, origin: location.origin });

// A credential that lands in a field for names is not sent from there.
const take = (event) => {
  const { files } = event.clipboardData;
  const text = event.clipboardData.getData("text");
  if (files.length === 0 && !isCredential(text)) return;
  event.preventDefault();
  if (files.length > 0) made.takeFiles(files);
  else made.takeText(text);
};
for (const field of document.querySelectorAll("input[type=search]")) field.addEventListener("paste", take);
