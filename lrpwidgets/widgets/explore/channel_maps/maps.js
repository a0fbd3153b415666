// The pixels of the maps: a canvas holds one per position, so that a test can read the exact colours back.

import { colour, mapOn } from "../../base/common.js";
import { fill } from "../../base/maps.js";

/** @type {Record<string, (r: number) => number>} */
export const SIGNS = { "±": (r) => r, "+": (r) => Math.max(0, r), "−": (r) => Math.min(0, r) };

/** @typedef {(pixels: Uint8ClampedArray, i: number, at: number) => void} Put gives position i its colour, at a place among the pixels */

/**
 * The number that sixteen bits stand for.
 *
 * @param {number} bits
 */
export function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits & 0x8000 ? -size : size;
}

/**
 * Draw the map at `place` among all.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {number} place
 * @param {Put} put
 */
export function paint(canvas, [height, width], place, put) {
  canvas.style.aspectRatio = String(Math.min(4, Math.max(2 / 3, width / height))); // a row of tokens is drawn as a band
  const start = place * width * height;
  fill(canvas, [height, width], (pixels) => {
    for (let i = 0; i < width * height; i++) put(pixels, start + i, 4 * i);
  });
}

/**
 * Relevance in red and blue.
 *
 * @param {ArrayLike<number>} relevance
 * @param {string} sign
 * @param {number[]} paper
 * @returns {Put}
 */
export function hues(relevance, sign, paper) {
  const [part, map] = [SIGNS[sign], mapOn("red–blue", paper)];
  return (pixels, i, at) => colour(pixels, at, part(relevance[i]), map, paper);
}

/**
 * Activation from paper to ink: red and blue mean relevance.
 *
 * @param {ArrayLike<number>} activation
 * @param {HTMLElement} node whose colour is the ink
 * @param {number[]} paper
 * @returns {Put}
 */
export function ink(activation, node, paper) {
  const full = (getComputedStyle(node).color.match(/[\d.]+/g) ?? []).map(Number);
  return (pixels, i, at) => {
    for (let c = 0; c < 3; c++) pixels[at + c] = paper[c] + ((full[c] - paper[c]) * activation[i]) / 255;
    pixels[at + 3] = 255;
  };
}
