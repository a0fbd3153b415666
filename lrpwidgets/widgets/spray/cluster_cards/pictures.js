// The pictures on cards: the mean of a cluster, then its prototypes, one behind the other in what the kernel sends.

import { element } from "../../base/common.js";
import { LOOK, paint, show } from "../../base/maps.js";

/** @typedef {{ size: number, inputs: Uint8Array, relevance: Int8Array, large: Uint8Array }} Pictures `size` is pixels of a side */

const LARGE = [
  ["mean", "Mean of its pictures"],
  ["− others", "What it has beyond the mean of the other clusters' pictures: grey where they are alike, full contrast where they differ most"],
  ["relevance", "Mean of its maps"],
];

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
 * Draw the mean, what it has beyond the others, and map number `at`, large.
 *
 * @param {HTMLElement} row
 * @param {Pictures} pictures
 * @param {number} at
 * @param {Uint8Array} pixels of the mean and the difference
 * @param {number[]} shape how many of these there are, and pixels of a side
 * @param {number[]} paper
 */
export function drawLarge(row, { size, relevance }, at, pixels, [count, side], paper) {
  const captions = [...LARGE.slice(0, count), LARGE[2]];
  while (row.children.length > captions.length) row.lastChild?.remove();
  while (row.children.length < captions.length) row.append(element("figure", {}, element("canvas"), element("figcaption", { className: "lrp-quiet" })));
  captions.forEach(([caption, title], place) => {
    const figure = /** @type {HTMLElement} */ (row.children[place]);
    const canvas = /** @type {HTMLCanvasElement} */ (figure.firstChild);
    figure.title = title;
    /** @type {HTMLElement} */ (figure.lastChild).textContent = caption;
    if (place < count) show(canvas, [side, side], pixels.subarray(3 * place * side * side, 3 * (place + 1) * side * side));
    else paint(canvas, [size, size], relevance.subarray(at * size * size, (at + 1) * size * size), 127, LOOK, null, paper);
  });
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
