// Whether a state file holds the uploaded pictures that it speaks of.

import { element, button } from "../common.js";

/** @typedef {[name: string, bytes: number]} Held */

/**
 * A dialog that asks; it calls `save` with the state that speaks of the pictures, or `whole`.
 *
 * @param {(text: string) => void} save
 * @param {() => void} whole
 */
export function holdingOf(save, whole) {
  const made = element("dialog", { className: "lrp-sheet lrp-holding", ariaLabel: "Save this view as a file" });

  /**
   * @param {string} text the state
   * @param {Held[]} pictures
   * @param {number} most bytes of all pictures
   */
  function ask(text, pictures, most) {
    const bytes = pictures.reduce((sum, [, size]) => sum + size, 0);
    const act = (/** @type {() => void} */ what) => () => {
      made.close();
      what();
    };
    const many = pictures.length > 1 ? "pictures" : "picture";
    made.replaceChildren(
      element("h2", {}, "Save this view as a file"),
      element("p", {}, `It is of what you uploaded: ${pictures.map(([name]) => name).join(", ")}.`),
      element("p", { className: "lrp-quiet" }, `With the ${many} the file opens anywhere: it has ${megabytes(bytes)} MB of them, and ${megabytes(most)} MB is the most. Without, it opens wherever the same ${many} were uploaded. Links never hold any.`),
      element(
        "div",
        { className: "lrp-head" },
        button(`with the ${many}`, "Save a file that opens anywhere", act(whole), { disabled: bytes > most, autofocus: true }),
        button(`without`, "Save a file that names what was uploaded", act(() => save(text))),
        button("close", "Save nothing", act(() => {})),
      ),
    );
    made.showModal();
  }

  return { made, ask };
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return (bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: bytes < 2 ** 20 ? 2 : 0 });
}
