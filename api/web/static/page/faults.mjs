// What a page says when its script fails: never nothing, and never a verdict.
import { el, english } from "./dom.mjs";
import { _, pieces } from "./words.mjs";

// Tell of every error that nobody caught, at the head of an element.
export const reportFaults = (place) => {
  const tell = (error) => {
    const said = pieces(_("This page failed, so nothing was told about the credential: {why}"), { why: english(String(error?.message ?? error)) });
    place.prepend(el("p", { class: "notice fault", role: "alert" }, said));
  };
  addEventListener("unhandledrejection", ({ reason }) => tell(reason));
  addEventListener("error", ({ error, message }) => tell(error ?? message));
};
