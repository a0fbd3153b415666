// The pictures on cards: the mean of a cluster, then its prototypes, one behind the other in what the kernel sends.

import { element } from "../../base/common.js";
import { LOOK, paint, show } from "../../base/maps.js";

/** @typedef {{ size: number, inputs: Uint8Array, relevance: Int8Array }} Pictures `size` is pixels of a side */

/**
 * Draw picture number `at` and its map.
 *
 * @param {HTMLCanvasElement} picture
 * @param {HTMLCanvasElement} map
 * @param {Pictures} pictures
 * @param {number} at
 * @param {number[]} paper
 */
export function drawPair(picture, map, { size, inputs, relevance }, at, paper) {
  const pixels = size * size;
  show(picture, [size, size], inputs.subarray(3 * at * pixels, 3 * (at + 1) * pixels));
  paint(map, [size, size], relevance.subarray(at * pixels, (at + 1) * pixels), 127, LOOK, null, paper);
}

/**
 * Draw the prototypes, the first of which is picture number `at`; `captions` say what they are.
 *
 * @param {HTMLElement} tiles
 * @param {string[]} captions
 * @param {Pictures} pictures
 * @param {number} at
 * @param {number[]} paper
 */
export function drawTiles(tiles, captions, pictures, at, paper) {
  while (tiles.children.length > captions.length) tiles.lastChild?.remove();
  while (tiles.children.length < captions.length) tiles.append(element("span", {}, element("canvas"), element("canvas")));
  captions.forEach((caption, place) => {
    const tile = /** @type {HTMLElement} */ (tiles.children[place]);
    const [picture, map] = tile.querySelectorAll("canvas");
    tile.title = caption;
    drawPair(picture, map, pictures, at + place, paper);
  });
}
