// What changes how maps are drawn. Nobody hears of it but who reads `data-look`.

import { placed, zoomed } from "./look.js";

/**
 * @param {HTMLElement} el
 * @param {import("./shown.js").Shown} shown
 * @param {() => void} changed called when maps are to be drawn in another way
 */
export function looking(el, shown, changed) {
  /** @param {Partial<import("../../base/maps.js").Look>} change */
  function setLook(change) {
    shown.look = { ...shown.look, ...change };
    note();
    changed();
  }

  /**
   * @param {number} factor
   * @param {number} [x] what stays where it is, in shares of the picture
   * @param {number} [y]
   */
  function zoomTo(factor, x, y) {
    show(zoomed(shown.look.zoom, factor, x, y));
  }

  /**
   * @param {number} x left, in shares of the picture
   * @param {number} y top
   */
  function moveTo(x, y) {
    show(placed(shown.look.zoom[0], x, y));
  }

  /** @param {number[]} zoom */
  function show(zoom) {
    shown.show(zoom);
    note();
  }

  function note() {
    el.dataset.look = JSON.stringify(shown.look);
  }

  note();
  return { setLook, zoomTo, moveTo };
}
