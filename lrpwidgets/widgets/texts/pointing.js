// The word under the pointer, which all views of a page mark.

const TOLD = "lrp-word";

/** @param {Element} el */
function home(el) {
  return el.closest(".lrp-page") ?? el; // alone in a cell a view tells itself
}

/**
 * Tell the page which word is pointed at.
 *
 * @param {Element} el
 * @param {number | null} word its number, null for none
 */
export function point(el, word) {
  home(el).dispatchEvent(new CustomEvent(TOLD, { detail: word }));
}

/**
 * Call `mark` with the word that is pointed at anywhere on the page; returns what ends that.
 *
 * @param {Element} el
 * @param {(word: number | null) => void} mark
 */
export function pointed(el, mark) {
  let place = /** @type {Element | null} */ (null);
  const heard = (/** @type {Event} */ event) => mark(/** @type {CustomEvent<number | null>} */ (event).detail);
  const begin = requestAnimationFrame(() => {
    place = home(el); // a view is put onto its page after it is made
    place.addEventListener(TOLD, heard);
  });
  return () => {
    cancelAnimationFrame(begin);
    place?.removeEventListener(TOLD, heard);
  };
}
