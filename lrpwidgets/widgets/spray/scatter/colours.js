// Colours of points, by group or by value.

import { DARK, SHINING } from "../../base/colours.js";

/**
 * Red, green and blue of every point: of its group or, where there are `values`, along `colours`; `none` has no colour.
 *
 * @param {Int16Array} groups
 * @param {Float32Array} values
 * @param {number[][]} colours
 * @param {number[]} none
 */
export function tintsOf(groups, values, colours, none) {
  const tints = new Uint8Array(3 * groups.length);
  for (let p = 0; p < groups.length; p++) {
    const [r, g, b] = (values.length ? along(colours, values[p]) : colours[groups[p]]) ?? none;
    tints[3 * p] = r;
    tints[3 * p + 1] = g;
    tints[3 * p + 2] = b;
  }
  return tints;
}

/**
 * The colour at a place from 0 to 1 between `stops` at equal distances; none if it is no number.
 *
 * @param {number[][]} stops
 * @param {number} place
 */
export function along(stops, place) {
  if (!(place >= 0 && place <= 1)) return undefined;
  const at = place * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  return stops[below].map((part, c) => part + (stops[below + 1][c] - part) * (at - below));
}

/**
 * Colours as they are on light `paper`; on dark one each is as bright as it gets.
 *
 * @param {number[][]} colours
 * @param {number[]} paper
 */
export function onPaper(colours, [r, g, b]) {
  const bright = (/** @type {number[]} */ colour) => colour.map((part) => Math.round((part * SHINING) / Math.max(...colour)));
  return r + g + b > DARK ? colours : colours.map(bright);
}

/**
 * Red, green and blue of a CSS colour, be it a variable of the theme, as `probe` would have it.
 *
 * @param {string} colour
 * @param {HTMLElement} probe
 */
export function rgbOf(colour, probe) {
  probe.style.color = colour;
  return (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}
