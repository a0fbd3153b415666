// Pictures as raw bytes, and how they are drawn.

import { element, pen } from "../base/common.js";

const SMALL = 100; // pixels of a side from which on pictures are smoothed

/**
 * Draw RGB bytes (height, width, 3) on a canvas, one pixel each.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} bytes
 * @param {number[]} size
 */
export function paintRgb(canvas, bytes, [height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.style.imageRendering = Math.max(height, width) < SMALL ? "pixelated" : "auto";
  if (!height || bytes.length < 3 * height * width) return;
  const image = new ImageData(width, height);
  for (let i = 0, j = 0; j < image.data.length; i += 3, j += 4) {
    image.data[j] = bytes[i];
    image.data[j + 1] = bytes[i + 1];
    image.data[j + 2] = bytes[i + 2];
    image.data[j + 3] = 255;
  }
  pen(canvas).putImageData(image, 0, 0);
}

/**
 * A canvas that is a picture for those who hear the page.
 *
 * @param {string} label
 */
export function picture(label) {
  return element("canvas", { width: 0, height: 0, role: "img", ariaLabel: label });
}

const listed = new WeakMap(); // by choice, what it offers

/**
 * Fill a choice with [value, words], if these are others than before.
 *
 * @param {HTMLSelectElement} node
 * @param {string[][]} pairs
 * @param {string} value
 */
export function fill(node, pairs, value) {
  const text = JSON.stringify(pairs);
  if (listed.get(node) !== text) {
    node.replaceChildren(...pairs.map(([key, words]) => element("option", { value: key }, words)));
    listed.set(node, text);
  }
  node.value = value;
}
