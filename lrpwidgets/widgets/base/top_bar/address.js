// Addresses of a view: what Python says of it, and what the browser alone knows, which is how maps are drawn.

/** @typedef {Record<string, any>} Look */

/**
 * How the maps on a page are drawn.
 *
 * @param {HTMLElement} page
 * @returns {Look}
 */
export function lookOn(page) {
  const view = /** @type {HTMLElement | null} */ (page.querySelector(".lrp-heatmap"));
  return view?.dataset.look ? JSON.parse(view.dataset.look) : {};
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
