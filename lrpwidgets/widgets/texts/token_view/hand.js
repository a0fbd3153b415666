// What a person does with words: points at them, walks from one to the next, and strikes them.

import { stepTo } from "./cells.js";

/**
 * @typedef {object} Acts
 * @property {(at: number | null, token: number | null) => void} point at an item, and at a token in it
 * @property {(at: number) => void} strike
 *
 * @param {ReturnType<typeof import("./sentence.js").sentenceOf>} sentence
 * @param {Acts} acts
 */
export function handOf({ made, items, node }, { point, strike }) {
  let entrance = 0; // the item that the tab key leads to

  const itemAt = (/** @type {EventTarget | null} */ target) => {
    const word = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest?.(".lrp-word"));
    return word ? Number(word.dataset.item) : null;
  };
  const tokenAt = (/** @type {EventTarget | null} */ target) => {
    const token = /** @type {Element} */ (target).closest?.(".lrp-token");
    return token ? [...(token.parentElement?.children ?? [])].indexOf(token) : null;
  };

  made.addEventListener("pointerover", (event) => point(itemAt(event.target), tokenAt(event.target)));
  made.addEventListener("pointerleave", () => point(null, null));
  made.addEventListener("focusin", (event) => {
    const at = itemAt(event.target);
    if (at === null) return;
    enter(at);
    point(at, null);
  });
  made.addEventListener("focusout", () => point(null, null));
  made.addEventListener("click", (event) => {
    const at = itemAt(event.target);
    if (at !== null && getSelection()?.isCollapsed !== false) strike(at); // who marks words to copy them strikes none
  });
  made.addEventListener("keydown", (event) => {
    const at = itemAt(event.target);
    if (at === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = stepTo(event.key, at, items().length) ?? lineOf(event.key, at);
    if (to === null && !["Delete", "Backspace", " ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    if (to === null) strike(at);
    else node(to)?.focus();
  });

  /**
   * The item above or below.
   *
   * @param {string} key
   * @param {number} at
   */
  function lineOf(key, at) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (!step) return null;
    const from = node(at).getBoundingClientRect();
    let best = at;
    let nearest = Infinity;
    let line = NaN;
    for (let each = at + step; node(each); each += step) {
      const { top, left } = node(each).getBoundingClientRect();
      if (Math.abs(top - from.top) < from.height / 2) continue;
      if (Number.isNaN(line)) line = top;
      if (Math.abs(top - line) > from.height / 2) break;
      if (Math.abs(left - from.left) < nearest) [best, nearest] = [each, Math.abs(left - from.left)];
    }
    return best;
  }

  /** @param {number} at */
  function enter(at) {
    const old = node(entrance);
    if (old) old.tabIndex = -1;
    entrance = Math.min(at, items().length - 1);
    const now = node(entrance);
    if (now) now.tabIndex = 0;
  }

  return { refresh: () => enter(entrance) };
}
