// The page /verify, and the file verify.html, which is the same page without a server.
import { reportFaults } from "./faults.mjs";
import { settings } from "./settings.mjs";
import { verifier } from "./verifier.mjs";

const { keys, asksRegister } = settings();
const place = document.getElementById("verifier");
reportFaults(place);
verifier(place, { keys, origin: asksRegister ? location.origin : null });
