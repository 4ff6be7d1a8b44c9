// What somebody gives to a page: files that are dropped, chosen or pasted, and texts. They are read
// here and go nowhere.
import { bytesOf } from "../verify/encodings.mjs";
import { read, readLink } from "../verify/verify.mjs";
import { isHolderLink } from "./holder_link.mjs";
import { _, number } from "./words.mjs";

export const MAX_FILES = 5_000;
const MAX_BYTES = 20 * 1024 * 1024; // above all that `read` takes

// The files of a drop, of a paste or of a field, as `read` returns them; the others are left off.
export const readFiles = async (files) => {
  const found = [];
  for (const file of [...files].slice(0, MAX_FILES)) found.push(await readFile(file));
  return found;
};

export const readText = async (text) => (isHolderLink(text) ? givenLink(text) : read(bytesOf(text), _("what was pasted")));

// Whether a text is a credential or a link to one, and nothing to be looked up.
export const isCredential = (text) => /^\s*[{[<]/.test(text) || isHolderLink(text) || text.length > 200;

export const givenLink = async (link) => ({ ...(await readLink(link)), name: _("the link") });

const readFile = async (file) => {
  const unreadable = (why) => ({ name: file.name, kind: "unreadable", rule: "other-file", why, isInWords: true });
  if (file.size > MAX_BYTES) return unreadable(_("It is larger than any credential: {size} bytes.", { size: number(file.size) }));
  try {
    return await read(new Uint8Array(await file.arrayBuffer()), file.name);
  } catch (error) {
    // A folder that was dropped has no bytes.
    if (error instanceof DOMException) return unreadable(_("The browser cannot read it. If it is a folder, choose the files in it."));
    throw error;
  }
};

// Tell `take` what is dropped anywhere on the page or pasted outside of a field: [file], or a text.
export const listen = ({ files, text }) => {
  const held = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => held(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!held(event)) return;
    event.preventDefault();
    files(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    if (event.clipboardData.files.length > 0) files(event.clipboardData.files);
    else if (event.clipboardData.getData("text").trim() !== "") text(event.clipboardData.getData("text"));
  });
};
