// What the server tells the scripts of a page: {keys, asksRegister, language, words}. It stands in the page as
// data, which no policy has to allow. In verify.html the keys stand apart, in a line of their own: all else of it is
// the same on every register. `words` has the translations by language; without a `language`, as in verify.html,
// the one that the address asks for is taken, else the reader's own.
import { speakHere } from "./languages.mjs";

export const settings = () => {
  const told = JSON.parse(document.getElementById("settings").textContent);
  const asked = new URLSearchParams(location.search).get("lang");
  const liked = navigator.languages.map((each) => each.slice(0, 2));
  const language = told.language ?? [asked, ...liked].find((each) => Object.hasOwn(told.words, each)) ?? "en";
  speakHere(language, told.words[language] ?? {});
  return { keys: keysApart(), ...told };
};

const keysApart = () => (document.querySelector('meta[name="log-keys"]')?.content ?? "").replaceAll(" ", "\n");
