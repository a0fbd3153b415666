// Parts of a page that has the whole window, for those who jump from one to the next. A notebook has its own.

/**
 * Let `el` be a part of the page.
 *
 * @param {HTMLElement} el
 * @param {"banner" | "contentinfo"} role
 */
export function markOut(el, role) {
  if ("voila" in document.body.dataset) el.role = role;
}

/**
 * Let what is between bar and status line be the main part, once a view in it is in the page.
 *
 * @param {HTMLElement} el
 */
export function markMain(el) {
  requestAnimationFrame(() => el.closest("[data-voila] .lrp-page > .lrp-columns")?.setAttribute("role", "main"));
}
