// What a view heeds of the notebook around it: whether its kernel still knows it, and light or dark.

const ENDS = ["restarting", "autorestarting", "terminating", "dead"];
const GONE = "The kernel that drew this has ended: run the cell again to go on.";

/** @typedef {{ status: string, statusChanged: { connect: (act: () => void) => void, disconnect: (act: () => void) => void } }} Kernel as JupyterLab has it */

/**
 * Say above the view, or the page that it is on, when its kernel ends; returns what stops that. Voilà's page says it itself.
 *
 * @param {Kernel | null | undefined} kernel unknown outside of JupyterLab
 * @param {HTMLElement} el
 */
export function heedKernel(kernel, el) {
  if (!kernel || "voila" in document.body.dataset) return () => {};
  function look() {
    if (!ENDS.includes(/** @type {Kernel} */ (kernel).status)) return;
    const all = el.closest(".lrp-rooms") ?? el.closest(".lrp-page") ?? el;
    if (all.querySelector(":scope > .lrp-gone")) return;
    const words = document.createElement("p");
    Object.assign(words, { className: "lrp lrp-gone lrp-error", role: "alert", textContent: GONE });
    all.prepend(words);
  }
  kernel.statusChanged.connect(look);
  return () => kernel.statusChanged.disconnect(look);
}

/** Let all views know when the notebook turns light or dark, and leave what a page chose for itself. */
export function heedTheme() {
  const once = /** @type {{ lrpTheme?: MutationObserver }} */ (/** @type {unknown} */ (window));
  if (once.lrpTheme || "voila" in document.body.dataset) return;
  once.lrpTheme = new MutationObserver(() => {
    const pages = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".lrp-page[data-theme]"));
    for (const page of pages) delete page.dataset.theme;
    window.dispatchEvent(new Event("lrp-theme"));
  });
  once.lrpTheme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
}
