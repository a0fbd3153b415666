// Shortcuts: any control of the dashboard with `data-shortcut` is clicked by that key, as long as it is seen; one with
// `data-unseen` is there for its key alone.

/**
 * What hears keys for the controls on the `page`.
 *
 * @param {HTMLElement} el
 * @param {() => HTMLElement} page
 */
export function shortcuts(el, page) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (!el.checkVisibility()) return; // another room of the page is open
    const wanted = undoes(event) ? (event.shiftKey ? "r" : "u") : event.ctrlKey || event.metaKey ? "" : event.key;
    if (event.defaultPrevented || !wanted || event.altKey || types(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const found = controlsOn(page()).find(
      (control) => control.dataset.shortcut === wanted && !control.disabled && (control.dataset.unseen || control.checkVisibility()),
    );
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus();
    else found.click();
  };
}

/**
 * JupyterLab would add or delete cells: most of its shortcuts are for whatever has the focus in a notebook.
 *
 * @param {KeyboardEvent} event
 */
export function keep(event) {
  if (undoes(event) || (!event.ctrlKey && !event.metaKey && !event.altKey)) event.stopPropagation();
}

/**
 * Whether a key takes something back everywhere; with Shift it does it again.
 *
 * @param {KeyboardEvent} event
 */
function undoes(event) {
  return (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
}

/**
 * The keys of each control, by its title; those of like controls together.
 *
 * @param {HTMLElement} page
 * @returns {[string, string[]][]}
 */
export function keysOn(page) {
  const keys = /** @type {Map<string, string[]>} */ (new Map());
  for (const { dataset, title } of controlsOn(page)) {
    keys.set(title, [...new Set([...(keys.get(title) ?? []), dataset.shortcut ?? ""])]);
  }
  return [...keys];
}

/**
 * @param {HTMLElement} page
 * @returns {(HTMLButtonElement | HTMLInputElement)[]}
 */
function controlsOn(page) {
  return [...page.querySelectorAll(/** @type {"button"} */ ("[data-shortcut]"))];
}

/**
 * Whether keys that a node hears are text.
 *
 * @param {EventTarget | null} node
 */
function types(node) {
  return node instanceof Element && node.matches("select, textarea, [contenteditable], input:not([type=range], [type=checkbox], [type=radio])");
}
