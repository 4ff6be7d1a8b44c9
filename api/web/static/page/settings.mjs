// What the server tells the scripts of a page: {keys, asksRegister, log, language, words}. It stands in the page as
// data, which no policy has to allow. `words` has the translations by language; without a `language` the
// reader's own is taken.
import { speak } from "./words.mjs";

export const settings = () => {
  const told = JSON.parse(document.getElementById("settings").textContent);
  const language = told.language ?? navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in told.words) ?? "en";
  speak(language, told.words[language] ?? {});
  return told;
};
