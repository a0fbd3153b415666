// Cells in the colour of their relevance, with words that can be read on it.

import { colour, mapOn, number, paperOf } from "../base/common.js";

export const MAP = "red–blue";

/**
 * What paints an element by relevance, `limit` being the end of the scale.
 *
 * @param {Element} el on whose paper
 */
export function painter(el) {
  const paper = paperOf(el);
  const map = mapOn(MAP, paper);
  const pixel = [0, 0, 0, 255];

  /**
   * @param {number} relevance
   * @param {number} limit
   */
  function hue(relevance, limit) {
    colour(pixel, 0, relevance / (limit || 1), map, paper);
    return `rgb(${pixel.slice(0, 3).map(Math.round).join(" ")})`;
  }

  /**
   * @param {HTMLElement} cell
   * @param {number} relevance
   * @param {number} limit
   */
  function paint(cell, relevance, limit) {
    cell.style.background = hue(relevance, limit);
    cell.style.color = inkOn(pixel);
  }

  return { hue, paint };
}

/**
 * Black or white, whichever stands out more.
 *
 * @param {number[]} pixel
 */
export function inkOn(pixel) {
  const [r, g, b] = pixel.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return light > 0.179 ? "#14171a" : "#ffffff";
}

/**
 * Two digits behind the point, or what there is of a smaller number.
 *
 * @param {number} value
 */
export function short(value) {
  const text = Math.abs(value) >= 100 || (value && Math.abs(value) < 0.005) ? number(value) : value.toFixed(2).replace("-", "−");
  return text === "−0.00" ? "0.00" : text;
}

/**
 * The end of the scale of some relevance: its largest amount, rounded up so that it can be read.
 *
 * @param {Iterable<number>} relevance
 */
export function limitOf(relevance) {
  let most = 0;
  for (const each of relevance) if (Number.isFinite(each)) most = Math.max(most, Math.abs(each));
  if (!most) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return (Math.ceil((2 * most) / unit) / 2) * unit;
}
