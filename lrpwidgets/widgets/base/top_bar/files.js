// Files of a view: what is saved, and a state that is opened.

import { element, download } from "../common.js";
import { sendPieces } from "../pieces.js";

const MOST_STATE = 32 * 2 ** 20; // bytes of a state file, of which pictures have 20 MB at most, and a third more as text

/** @param {import("../common.js").Model} model hears a state file, and an empty one if it is too large */
export function stateFile(model) {
  const made = element("input", { type: "file", accept: ".json,application/json", hidden: true, ariaLabel: "State file" });
  made.addEventListener("change", async () => {
    const [chosen] = made.files ?? [];
    made.value = ""; // so that the same file can be chosen again
    if (chosen) await sendPieces(model, chosen.size > MOST_STATE ? new File([], chosen.name) : chosen);
  });
  return made;
}

/**
 * Save a state, with how maps are drawn.
 *
 * @param {string} text
 * @param {import("./address.js").Look} look
 */
export function saveState(text, look) {
  const state = JSON.parse(text);
  const blob = new Blob([JSON.stringify({ ...state, look }, null, 1)], { type: "application/json" });
  download(blob, `lrpwidgets-${state.subject.replace(/[^\w-]+/g, "_")}.json`);
}

/**
 * Save a picture.
 *
 * @param {string} text base64
 * @param {string} name
 */
export function savePicture(text, name) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  download(new Blob([bytes], { type: "image/png" }), name);
}
