// How maps are drawn, and which part of them: values that a person chooses, checked and changed.

import { MAPS } from "../../base/colours.js";
import { LOOK } from "../../base/maps.js";

/** @typedef {import("../../base/maps.js").Look} Look */

export const CHOICES = {
  clip: [100, 99.9, 99.5, 99, 95],
  sign: ["both", "positive", "negative"],
  map: Object.keys(MAPS),
  contour: [0, 1, 5, 10, 20],
  strongest: [0, 1, 5, 10, 50, 100],
  scale: ["composite", "shared", "own"],
};

const MOST_ZOOM = 32;
const MOST_PINS = 5;

/** @type {Record<string, (value: any) => boolean>} */
const FINE = {
  gain: (value) => between(1, value, 100),
  overlay: (value) => between(0, value, 1),
  zoom: (value) => Array.isArray(value) && value.length === 3 && between(1, value[0], MOST_ZOOM) && between(0, value[1], 1) && between(0, value[2], 1),
  differences: (value) => Array.isArray(value) && value.every((each) => Number.isInteger(each) && between(0, each, MOST_PINS - 1)),
  ...Object.fromEntries(Object.entries(CHOICES).map(([key, values]) => [key, (value) => /** @type {unknown[]} */ (values).includes(value)])),
};

/**
 * @param {number} low
 * @param {unknown} value
 * @param {number} high
 */
function between(low, value, high) {
  return typeof value === "number" && value >= low && value <= high;
}

/**
 * A whole look from what is `given`; what makes no sense is as in `LOOK`.
 *
 * @param {Record<string, any> | null | undefined} given
 * @returns {Look}
 */
export function lookOf(given) {
  const taken = Object.keys(LOOK).filter((key) => FINE[key](given?.[key]));
  return { ...LOOK, ...Object.fromEntries(taken.map((key) => [key, given?.[key]])) };
}

/**
 * A `zoom` by another factor, at which the point (`x`, `y`) of the picture stays where it is.
 *
 * @param {number[]} zoom factor, then left and top in shares of the picture
 * @param {number} factor
 */
export function zoomed([before, left, top], factor, x = left + 0.5 / before, y = top + 0.5 / before) {
  const wanted = Math.min(MOST_ZOOM, Math.max(1, factor));
  return placed(wanted, x - ((x - left) * before) / wanted, y - ((y - top) * before) / wanted);
}

/**
 * A zoom whose left and top are as near to `x` and `y` as the picture goes.
 *
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 */
export function placed(factor, x, y) {
  const inside = (/** @type {number} */ value) => Math.min(1 - 1 / factor, Math.max(0, value));
  return [factor, inside(x), inside(y)];
}
