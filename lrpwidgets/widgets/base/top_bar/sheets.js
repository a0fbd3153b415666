// Dialogs: keys and words, and this view as Python.

import { element } from "../common.js";
import { keysOn } from "./keys.js";
import { WORDS } from "../words.js";

const TIP = "Tab goes through all controls; sliders, lists and words move with the arrow keys, a map zooms with + and −. Ctrl+Z does what u does.";

/**
 * The keyboard shortcuts of a page and what its words mean; `open` shows those that there are now.
 *
 * @param {() => HTMLElement} page
 */
export function helpOf(page) {
  const made = element("dialog", { className: "lrp-sheet", ariaLabel: "Keys and words" });

  function open() {
    const rows = keysOn(page()).map(([title, keys]) => element("tr", {}, element("th", { scope: "row" }, ...capsOf(keys)), element("td", {}, title)));
    made.replaceChildren(
      element("div", { className: "lrp-head" }, element("h2", {}, "Keys"), element("span", { className: "lrp-space" }), closing(made)),
      element("table", {}, ...rows),
      element("p", { className: "lrp-quiet" }, TIP),
      element("h2", {}, "Words"),
      element("table", {}, ...WORDS.map(([word, meaning]) => element("tr", {}, element("th", { scope: "row" }, word), element("td", {}, meaning)))),
    );
    made.showModal();
  }

  return { made, open };
}

/** A listing of code; `open` copies it as well. */
export function listingOf() {
  const made = element("dialog", { className: "lrp-sheet", ariaLabel: "Copy as Python" });

  /** @param {string} text */
  async function open(text) {
    const close = closing(made);
    const did = await copied(text);
    const head = element("div", { className: "lrp-head" }, element("h2", {}, "This view as Python"), element("span", { className: "lrp-quiet" }, did ? "copied" : "select and copy"), element("span", { className: "lrp-space" }), close);
    made.replaceChildren(head, element("pre", { className: "lrp-mono", tabIndex: 0 }, text));
    made.showModal();
  }

  return { made, open };
}

/**
 * Whether the browser let us put `text` on its clipboard.
 *
 * @param {string} text
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** @param {HTMLDialogElement} dialog */
function closing(dialog) {
  const made = element("button", { type: "button", autofocus: true }, "close");
  made.addEventListener("click", () => dialog.close());
  return made;
}

/**
 * Keys as they look; of many the first and the last.
 *
 * @param {string[]} keys
 */
function capsOf(keys) {
  const cap = (/** @type {string} */ name) => element("kbd", {}, name);
  return keys.length > 2 ? [cap(keys[0]), " … ", cap(keys[keys.length - 1])] : keys.flatMap((key) => [cap(key), " "]);
}
