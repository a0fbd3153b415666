// Addresses of a view: what Python says of it, and what the browser alone knows, which is how maps are drawn.

/** @typedef {Record<string, any>} Look */

/**
 * How the maps and texts on a page are drawn.
 *
 * @param {HTMLElement} page
 * @returns {Look}
 */
export function lookOn(page) {
  const views = [".lrp-heatmap", ".lrp-tokens"].map((view) => /** @type {HTMLElement | null} */ (page.querySelector(view)));
  return Object.assign({}, ...views.map((view) => JSON.parse(view?.dataset.look ?? "{}")));
}

/**
 * How those are drawn that share a page with a view; nothing where it stands alone.
 *
 * @param {HTMLElement} view
 */
export function lookAround(view) {
  const page = /** @type {HTMLElement | null} */ (view.closest(".lrp-page"));
  return page ? lookOn(page) : {};
}

/**
 * @param {string} query the state
 * @param {Look} look
 * @param {string} room empty for the one in which the page was opened
 */
export function addressOf(query, look, room) {
  const more = Object.keys(look).length ? `&look=${encodeURIComponent(JSON.stringify(look))}` : "";
  return `${location.origin}${location.pathname}?${room && `room=${room}&`}${query}${more}`;
}
