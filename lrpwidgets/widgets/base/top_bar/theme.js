// Light or dark. In Voilà it is that of the document, and remembered; in a notebook it is that of the page.

export const inVoila = () => "voila" in document.body.dataset;

/**
 * @param {HTMLElement} el
 * @param {() => HTMLElement} page
 */
export function themeOf(el, page) {
  /** @param {string} theme */
  function set(theme) {
    const rooms = el.closest(".lrp-rooms");
    const pages = rooms ? /** @type {NodeListOf<HTMLElement>} */ (rooms.querySelectorAll(":scope > .lrp-page")) : [page()];
    for (const each of pages) each.dataset.theme = theme;
    if (inVoila()) document.documentElement.dataset.theme = theme;
    window.dispatchEvent(new Event("lrp-theme"));
  }

  function toggle() {
    const other = getComputedStyle(el).colorScheme === "dark" ? "light" : "dark";
    set(other);
    if (inVoila()) localStorage.setItem("lrp-theme", other);
  }

  /** Have the theme that the document has, or another room of the page. */
  function begin() {
    const other = /** @type {HTMLElement | null | undefined} */ (el.closest(".lrp-rooms")?.querySelector(":scope > [data-theme]"));
    if (inVoila()) set(document.documentElement.dataset.theme ?? "light");
    else if (other) page().dataset.theme = other.dataset.theme;
  }

  return { toggle, begin };
}
