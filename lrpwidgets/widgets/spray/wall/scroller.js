// What scrolls is an empty spacer; the stage stays in view. A hidden option tells of one tile to those who hear the page.

import { element } from "../../base/common.js";

/** @typedef {import("./layout.js").Layout} Layout */

/** @param {import("./pictures.js").Kind} kind */
export function scrollerOf({ stage, name, fit: resize }) {
  const spacer = element("div", { className: "lrp-wall-spacer" });
  const id = `lrp-wall-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const option = element("div", { role: "option", id, className: "lrp-unseen" });
  const made = element("div", { className: "lrp-wall-scroller", tabIndex: 0, role: "listbox", ariaLabel: `The ${name}s: arrow keys walk along them, Enter opens one` }, stage, spacer, option);

  /**
   * Give the spacer the height of `count` tiles, and the stage that of what is in view.
   *
   * @param {Layout} layout
   * @param {number} count
   */
  function fit(layout, count) {
    spacer.style.height = `${layout.tall(count)}px`;
    stage.style.height = `${made.clientHeight}px`;
    spacer.style.marginTop = `${-made.clientHeight}px`; // the stage takes no room of its own
    resize(made.clientWidth, made.clientHeight);
  }

  /**
   * The first of `count` places in view and the first one behind it, `windows` further on both sides.
   *
   * @param {Layout} layout
   * @param {number} count
   */
  function inView(layout, count, windows = 0) {
    const [top, high] = [made.scrollTop, made.clientHeight];
    return layout.between(top - windows * high, top + (1 + windows) * high, count);
  }

  /**
   * The place under the mouse, or null.
   *
   * @param {Layout} layout
   * @param {number} count
   * @param {MouseEvent} event
   */
  function placeAt(layout, count, { clientX, clientY }) {
    const { left, top } = stage.getBoundingClientRect();
    return layout.placeAt(clientX - left, clientY - top + made.scrollTop, count);
  }

  /**
   * Scroll no further than it takes to see all of a tile.
   *
   * @param {Layout} layout
   * @param {number} place
   */
  function reveal(layout, place) {
    const [upper, lower] = layout.span(place);
    if (upper < made.scrollTop) made.scrollTop = upper;
    if (lower > made.scrollTop + made.clientHeight) made.scrollTop = lower - made.clientHeight;
  }

  /**
   * Say which tile keys start from.
   *
   * @param {number | null} place
   * @param {number} count
   * @param {string} caption
   */
  function describe(place, count, caption) {
    option.textContent = place === null ? "" : caption || `${name} ${place + 1}`;
    option.ariaSelected = "true";
    option.ariaPosInSet = String((place ?? 0) + 1);
    option.ariaSetSize = String(count);
    if (place === null) made.removeAttribute("aria-activedescendant");
    else made.setAttribute("aria-activedescendant", id);
  }

  return { made, stage, fit, inView, placeAt, reveal, describe };
}
