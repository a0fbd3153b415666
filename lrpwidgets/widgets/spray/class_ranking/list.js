// The list of rows: one is chosen, arrow keys walk along it, and it scrolls by itself.

import { element } from "../../base/common.js";

export function listOf() {
  const made = element("div", { className: "lrp-ranks", role: "group", ariaLabel: "Classes, the most separable first" });
  let chosen = /** @type {HTMLElement | null} */ (null);

  /**
   * Show these rows, in this order.
   *
   * @param {HTMLElement[]} rows
   */
  function show(rows) {
    const focused = rows.find((row) => row === document.activeElement);
    if (rows.length === made.children.length && rows.every((row, place) => row === made.children[place])) return;
    made.replaceChildren(...rows); // and not otherwise: a row that moves loses the focus
    focused?.focus({ preventScroll: true });
  }

  /**
   * Tab reaches the chosen row, or else the `first` one; arrows reach the others.
   *
   * @param {HTMLElement | null} row
   * @param {HTMLElement} first
   */
  function choose(row, first) {
    first.tabIndex = (row ?? first) === first ? 0 : -1;
    if (row === chosen) return;
    for (const each of [chosen, row]) {
      if (!each) continue;
      each.classList.toggle("lrp-chosen", each === row);
      each.ariaCurrent = String(each === row);
      each.tabIndex = each === row ? 0 : -1;
    }
    chosen = row;
    if (row) reveal(row);
  }

  /**
   * Scroll the list to a row; scrollIntoView would move the page as well.
   *
   * @param {HTMLElement} row
   */
  function reveal({ offsetTop, offsetHeight }) {
    made.scrollTop = Math.min(offsetTop, Math.max(made.scrollTop, offsetTop + offsetHeight - made.clientHeight));
  }

  made.addEventListener("keydown", (event) => {
    /** @type {Record<string, number>} */
    const steps = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    const every = /** @type {HTMLElement[]} */ ([...made.children]);
    const place = every.findIndex((each) => each === document.activeElement) + steps[event.key];
    every[Math.min(every.length - 1, Math.max(0, place))].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return { made, show, choose };
}
