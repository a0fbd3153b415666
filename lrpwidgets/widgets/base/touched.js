// The word that somebody points at, which all views of a page mark.

const EVENT = "lrp-word";

/**
 * @typedef {object} Touched
 * @property {number} word its number in the text; −1 for tokens that the tokenizer adds
 * @property {number[]} places its tokens, or the one that is meant, by number
 */

/**
 * Tell all views of the page of `el`; null: nothing is pointed at any more.
 *
 * @param {HTMLElement} el
 * @param {Touched | null} touched
 */
export function touch(el, touched) {
  window.dispatchEvent(new CustomEvent(EVENT, { detail: { page: pageOf(el), touched } }));
}

/**
 * Hear what is pointed at on the page of `el`, in `el` too; returns what undoes it.
 *
 * @param {HTMLElement} el
 * @param {(touched: Touched | null) => void} act
 */
export function heedTouch(el, act) {
  const hear = (/** @type {Event} */ event) => {
    const { page, touched } = /** @type {CustomEvent<{ page: Element, touched: Touched | null }>} */ (event).detail;
    if (page === pageOf(el)) act(touched);
  };
  window.addEventListener(EVENT, hear);
  return () => window.removeEventListener(EVENT, hear);
}

/** @param {HTMLElement} el */
function pageOf(el) {
  return el.closest(".lrp-page") ?? document.body; // cells of a notebook are one page
}
