// How a row of thumbnails scrolls sideways.

const WIDEST = 16e6; // pixels: browsers lay out no more (Firefox 17.9 million); what is wider scrolls faster
const BESIDE = 6; // thumbnails that are ready on either side

/**
 * Where a row is, whose thumbnails have places from 0 to `count`.
 *
 * @param {HTMLElement} row
 * @param {number} tile pixels from one thumbnail to the next
 */
export function scrollOf(row, tile) {
  let count = 0;
  const width = () => Math.min(count * tile, WIDEST);
  /** Pixels of the row for one pixel of scrolling: 1 but for rows that no browser could lay out. */
  const speed = () => (count * tile - row.clientWidth) / Math.max(1, width() - row.clientWidth);
  const position = () => (width() < WIDEST ? row.scrollLeft : row.scrollLeft * speed());

  /**
   * Scroll so that `place` is in view: to the middle or, while keys move along, no further than needed.
   *
   * @param {number} place
   */
  function reveal(place, middle = true) {
    const [at, start] = [place * tile, position()];
    const end = at + tile - row.clientWidth;
    if (at >= start && end <= start) return;
    const to = middle ? at - (row.clientWidth - tile) / 2 : at < start ? at : end;
    row.scrollLeft = width() < WIDEST ? to : to / speed();
  }

  return {
    width,
    position,
    reveal,
    resize: (/** @type {number} */ places) => {
      count = places;
    },
    inView: (/** @type {number} */ start) => placesIn(start, row.clientWidth, count, tile),
    page: () => Math.max(1, Math.floor(row.clientWidth / tile) - 1),
  };
}

/**
 * The places of `count` that are in view, or nearly.
 *
 * @param {number} start pixels
 * @param {number} width pixels
 * @param {number} count
 * @param {number} tile pixels
 */
export function placesIn(start, width, count, tile) {
  const from = Math.max(0, Math.floor(start / tile) - BESIDE);
  const to = Math.min(count, Math.ceil((start + width) / tile) + BESIDE);
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

/**
 * How many places a key leads on; 0 for other keys.
 *
 * @param {string} key
 * @param {number} page
 */
export function stepOf(key, page) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
  return steps[key] ?? 0;
}
