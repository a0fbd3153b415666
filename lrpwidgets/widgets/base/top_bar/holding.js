// Whether a state file holds the uploads that it speaks of.

import { element, button } from "../common.js";

/** @typedef {[name: string, bytes: number]} Held */

/**
 * A dialog that asks; it calls `save` with the state that speaks of the uploads, or `whole`.
 *
 * @param {(text: string) => void} save
 * @param {() => void} whole
 */
export function holdingOf(save, whole) {
  const made = element("dialog", { className: "lrp-sheet lrp-holding", ariaLabel: "Save this view as a file" });

  /**
   * @param {string} text the state
   * @param {Held[]} held
   * @param {number} most bytes of all of them
   * @param {string} brought what one of them is
   */
  function ask(text, held, most, brought) {
    const bytes = held.reduce((sum, [, size]) => sum + size, 0);
    const act = (/** @type {() => void} */ what) => () => {
      made.close();
      what();
    };
    const [many, were] = held.length > 1 ? [`${brought}s`, "were"] : [brought, "was"];
    made.replaceChildren(
      element("h2", {}, "Save this view as a file"),
      element("p", {}, `It is of what you uploaded: ${held.map(([name]) => name).join(", ")}.`),
      element("p", { className: "lrp-quiet" }, `With the ${many} (${megabytes(bytes)}; ${megabytes(most)} at most) the file opens anywhere; without, wherever the same ${many} ${were} uploaded. Links never hold any.`),
      element(
        "div",
        { className: "lrp-head" },
        button(`with the ${many}`, "Save a file that opens anywhere", act(whole), { disabled: bytes > most, autofocus: true }),
        button("without", "Save a file that names what was uploaded", act(() => save(text))),
        button("close", "Save nothing", act(() => {})),
      ),
    );
    made.showModal();
  }

  return { made, ask };
}

/** @param {number} bytes */
function megabytes(bytes) {
  const size = bytes / 2 ** 20;
  return size < 0.1 ? "less than 0.1 MB" : `${size.toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}
