// Small pictures of any sizes, and maps of relevance on one scale.

import { fitted } from "../base/averaging.js";
import { LOOK, paint } from "../base/maps.js";

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
  if (size[0] > 0 && values.length >= size[0] * size[1]) paint(canvas, size, values, 127, LOOK, null, paper);
  else fitted(canvas, size, ([height, width]) => Object.assign(canvas, { width, height })); // empty, whatever was drawn before
}
