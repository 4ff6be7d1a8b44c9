// The page /verify, and the file verify.html, which is the same page without a server.
import { settings } from "./settings.mjs";
import { verifier } from "./verifier.mjs";

const { keys, asksRegister } = settings();
verifier(document.getElementById("verifier"), { keys, origin: asksRegister ? location.origin : null });
