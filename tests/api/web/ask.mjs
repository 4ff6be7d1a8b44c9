// Asks the page's own modules: {kind, cases} on standard input, an answer for each case on standard output.
import { readFileSync } from "node:fs";
import { answers } from "./questions.mjs";

globalThis.crypto ??= (await import("node:crypto")).webcrypto; // Node before 19

process.stdout.write(JSON.stringify(await answers(JSON.parse(readFileSync(0, "utf8")))));
