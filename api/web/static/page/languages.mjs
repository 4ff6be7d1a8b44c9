// The language that a page speaks, and its links to the same page in others.
import { _, speak } from "./words.mjs";

// Speak a language from now on. What the server wrote in English for want of knowing better (`data-words`) is said again.
export const speakHere = (language, words) => {
  speak(language, words);
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-words]")) part.textContent = _(part.textContent);
  const choice = document.querySelector(".languages");
  choice.setAttribute("aria-label", _("Language"));
  for (const link of choice.querySelectorAll("a")) link.ariaCurrent = link.lang === language ? "true" : null;
  // What follows the # is a learner's credential: it goes along, and browsers send it to nobody.
  choice.addEventListener("click", ({ target }) => {
    if (target.localName === "a") target.hash = location.hash;
  });
};
