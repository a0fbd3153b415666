// Small pictures of any sizes, and maps of relevance on one scale.

import { averaged, fitted } from "../base/averaging.js";
import { colour, mapOn } from "../base/common.js";
import { fill } from "../base/maps.js";

/**
 * Parts of `bytes` one behind the other, of `depth` bytes for each pixel of `sizes`.
 *
 * @template {Uint8Array | Int8Array} Bytes
 * @param {Bytes} bytes
 * @param {number[][]} sizes
 * @param {number} depth
 */
export function parts(bytes, sizes, depth) {
  let at = 0;
  return sizes.map(([height, width]) => /** @type {Bytes} */ (bytes.subarray(at, (at += depth * height * width))));
}

/**
 * Relevance of −127 to 127 on a canvas, with as many pixels as are shown of it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Int8Array} values
 * @param {number[]} size
 * @param {number[]} paper
 */
export function paintRelevance(canvas, values, size, paper) {
  canvas.style.imageRendering = "pixelated";
  const known = size[0] > 0 && values.length >= size[0] * size[1];
  if (!known) Object.assign(canvas, { width: size[1], height: size[0] });
  const colours = mapOn("red–blue", paper);
  fitted(canvas, size, (shown) => {
    if (!known) return;
    const relevance = averaged(values, size, shown);
    fill(canvas, shown, (pixels) => {
      for (let i = 0; i < relevance.length; i++) colour(pixels, 4 * i, relevance[i] / 127, colours, paper);
    });
  });
}
