// The tiles, and how keys walk among them.

import { element } from "../../base/common.js";
import { tileOf } from "./tile.js";

/**
 * @param {(place: number, add: boolean) => void} choose
 * @param {(place: number) => void} wish asks what the channel at a place would like to see
 */
export function gridOf(choose, wish) {
  const made = element("div", { className: "lrp-tiles", role: "listbox", ariaLabel: "Channels", ariaMultiSelectable: "true" });
  const tiles = /** @type {import("./tile.js").Tile[]} */ ([]);
  let focused = 0; // the tile that Tab reaches
  made.addEventListener("keydown", key);

  /**
   * Have so many tiles.
   *
   * @param {number} count
   */
  function resize(count) {
    for (const gone of tiles.splice(count)) gone.made.remove();
    while (tiles.length < count) add(tiles.length);
    focused = Math.min(focused, count - 1);
    tiles.forEach((tile, place) => (tile.made.tabIndex = place === focused ? 0 : -1));
  }

  /** @param {number} place */
  function add(place) {
    tiles.push(tileOf({ pick: (event) => pick(place, event), focus: () => focus(place), wish: () => wish(place) }));
    made.append(tiles[place].made);
  }

  /**
   * @param {number} place
   * @param {MouseEvent | KeyboardEvent} event
   */
  function pick(place, event) {
    choose(place, event.shiftKey || event.ctrlKey || event.metaKey);
    focus(place);
  }

  /** @param {number} place */
  function focus(place) {
    tiles[focused]?.made.setAttribute("tabindex", "-1");
    focused = place;
    tiles[focused].made.setAttribute("tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const [last, columns] = [tiles.length - 1, getComputedStyle(made).gridTemplateColumns.split(" ").length];
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -last, End: last };
    if (event.key === "Enter" || event.key === " ") pick(focused, event);
    else if (event.key in moves) {
      focus(Math.min(last, Math.max(0, focused + moves[event.key])));
      tiles[focused].made.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // arrows would open the next input
  }

  return { made, tiles, resize };
}
