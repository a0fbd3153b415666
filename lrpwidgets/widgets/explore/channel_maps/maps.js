// The pixels of the maps: a canvas holds one per position, or per pixel of the screen where that has fewer.

import { averaged, fitted } from "../../base/averaging.js";
import { colour, mapOn } from "../../base/common.js";
import { fill } from "../../base/maps.js";

/** @type {Record<string, (r: number) => number>} */
export const SIGNS = { "±": (r) => r, "+": (r) => Math.max(0, r), "−": (r) => Math.min(0, r) };

/** @typedef {(pixels: Uint8ClampedArray, value: number, at: number) => void} Put gives a value its colour, at a place among the pixels */

/**
 * Draw a map.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {ArrayLike<number>} values
 * @param {Put} put
 */
export function paint(canvas, size, values, put) {
  canvas.style.aspectRatio = String(Math.min(4, Math.max(2 / 3, size[1] / size[0]))); // a row of tokens is drawn as a band
  fitted(canvas, size, (shown) => {
    const all = averaged(values, size, shown);
    fill(canvas, shown, (pixels) => {
      for (let i = 0; i < all.length; i++) put(pixels, all[i], 4 * i);
    });
  });
}

/**
 * Relevance in red and blue.
 *
 * @param {string} sign
 * @param {number[]} paper
 * @returns {Put}
 */
export function hues(sign, paper) {
  const [part, map] = [SIGNS[sign], mapOn("red–blue", paper)];
  return (pixels, value, at) => colour(pixels, at, part(value), map, paper);
}

/**
 * Activation from paper to ink: red and blue mean relevance.
 *
 * @param {HTMLElement} node whose colour is the ink
 * @param {number[]} paper
 * @returns {Put}
 */
export function ink(node, paper) {
  const full = (getComputedStyle(node).color.match(/[\d.]+/g) ?? []).map(Number);
  return (pixels, value, at) => {
    for (let c = 0; c < 3; c++) pixels[at + c] = paper[c] + ((full[c] - paper[c]) * value) / 255;
    pixels[at + 3] = 255;
  };
}
