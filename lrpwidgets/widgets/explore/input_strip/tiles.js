// The thumbnails that exist: those in view.

import { element } from "../../base/common.js";

/**
 * @typedef {object} Tiles
 * @property {import("./kinds.js").Kind} kind
 * @property {HTMLElement} spacer what they stand in
 * @property {(tile: HTMLElement, index: number) => void} dress labels one
 * @property {(index: number) => void} choose is called at a click
 * @property {(index: number) => boolean} removable whether an input is an upload
 * @property {(index: number) => void} remove is called for one that shall go
 * @property {(index: number) => string | undefined} address what it shows; empty if there is nothing
 */

/** @param {Tiles} given */
export function tilesOf({ kind, spacer, dress, choose, removable, remove, address }) {
  const tiles = /** @type {Map<number, HTMLButtonElement>} */ (new Map()); // by the index of their input
  let chosen = /** @type {number | null} */ (null);

  /**
   * Have thumbnails of the inputs at `places`, and no others.
   *
   * @param {Int32Array} order
   * @param {number[]} places
   * @param {number} shift pixels
   * @param {number} entrance the place that the tab key leads to
   */
  function draw(order, places, shift, entrance) {
    const stays = new Set(places.map((place) => order[place]));
    for (const [index, tile] of tiles) {
      if (stays.has(index)) continue;
      tile.remove();
      tiles.delete(index);
    }
    let next = spacer.firstChild;
    for (const place of places) {
      const tile = tileOf(order[place]);
      tile.style.left = `${place * kind.tile + shift}px`;
      tile.setAttribute("aria-posinset", String(place + 1));
      tile.setAttribute("aria-setsize", String(order.length));
      tile.tabIndex = place === entrance || (place === places[0] && !stays.has(order[entrance])) ? 0 : -1;
      if (tile === next) next = next.nextSibling;
      else spacer.insertBefore(tile, next); // a tile that stays is not moved: it would lose the focus
    }
  }

  /** @param {number} index */
  function tileOf(index) {
    const known = tiles.get(index);
    if (known) return known;
    const picture = kind.make();
    const tile = element("button", { type: "button", role: "option", data: { index } }, picture, element("span"));
    tile.addEventListener("click", () => choose(index));
    tile.ariaSelected = String(index === chosen);
    kind.show(picture, address(index));
    if (removable(index)) addRemover(tile, () => remove(index));
    dress(tile, index);
    tiles.set(index, tile);
    return tile;
  }

  /**
   * A cross for the pointer, and a key for who has the focus.
   *
   * @param {HTMLElement} tile
   * @param {() => void} act
   */
  function addRemover(tile, act) {
    const cross = element("i", { className: "lrp-remove", title: "Remove this upload, and what is pinned of it (Delete)", ariaHidden: "true" }, "×");
    cross.addEventListener("click", (event) => {
      event.stopPropagation(); // it is not looked at
      act();
    });
    tile.addEventListener("keydown", (event) => event.key === "Delete" && act());
    tile.setAttribute("aria-keyshortcuts", "Delete");
    tile.prepend(cross);
  }

  return {
    draw,
    has: (/** @type {number} */ index) => tiles.has(index),
    focus: (/** @type {number} */ index) => tiles.get(index)?.focus({ preventScroll: true }),
    /** Outline the input `index`. */
    mark: (/** @type {number | null} */ index) => {
      chosen = index;
      for (const [each, tile] of tiles) tile.ariaSelected = String(each === chosen);
    },
    /** Label all again: more is known. */
    dress: () => tiles.forEach(dress),
    /** Show what has come of an input. */
    picture: (/** @type {number} */ index) => {
      const picture = /** @type {HTMLElement | null | undefined} */ (tiles.get(index)?.querySelector("img, q"));
      if (picture) kind.show(picture, address(index) ?? "");
    },
  };
}
