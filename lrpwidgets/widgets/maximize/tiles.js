// Small pictures of any sizes, and maps of relevance on one scale.

import { colour, mapOn, pen } from "../base/common.js";

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
 * Relevance of −127 to 127 on a canvas, one pixel each.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Int8Array} values
 * @param {number[]} size
 * @param {number[]} paper
 */
export function paintRelevance(canvas, values, [height, width], paper) {
  Object.assign(canvas, { width, height });
  canvas.style.imageRendering = "pixelated";
  if (!height || values.length < height * width) return;
  const image = new ImageData(width, height);
  const colours = mapOn("red–blue", paper);
  for (let i = 0; i < height * width; i++) colour(image.data, 4 * i, values[i] / 127, colours, paper);
  pen(canvas).putImageData(image, 0, 0);
}
