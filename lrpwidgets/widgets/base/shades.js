// Cells in the colour of their relevance, with words that can be read on it.

import { colour, element, mapOn, number, paperOf } from "./common.js";
import { inkOn } from "./contrast.js";

export const MAP = "red–blue";

/**
 * What paints an element by relevance, `limit` being the end of the scale.
 *
 * @param {Element} el on whose paper
 */
export function painter(el) {
  const paper = paperOf(el);
  const map = mapOn(MAP, paper);
  const ink = (getComputedStyle(el).color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  const pixel = [0, 0, 0, 255];

  /**
   * @param {number} relevance
   * @param {number} limit
   */
  function hue(relevance, limit) {
    colour(pixel, 0, relevance / (limit || 1), map, paper);
    pixel.forEach((part, at) => (pixel[at] = Math.round(part)));
    return `rgb(${pixel.slice(0, 3).join()})`;
  }

  /**
   * @param {HTMLElement} cell
   * @param {number} relevance
   * @param {number} limit
   */
  function paint(cell, relevance, limit) {
    cell.style.background = hue(relevance, limit);
    cell.style.color = `rgb(${Array.from(inkOn(pixel, ink)).join()})`;
  }

  return { hue, paint, paper };
}

/**
 * Two digits behind the point, or one digit of what is smaller.
 *
 * @param {number} value
 */
export function short(value) {
  const size = Math.abs(value);
  if (size >= 100 || Number.isNaN(value)) return number(value);
  if (size && size < 0.005) return number(+value.toPrecision(1));
  return value.toFixed(2).replace("-", "−").replace("−0.00", "0.00");
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
  return (Math.ceil((2 * most) / unit - 1e-5) / 2) * unit; // float32 is as precise
}

/**
 * What the page's colours of these names are, for a canvas, which knows no variables.
 *
 * @param {Element} el on whose paper
 * @returns {Record<"ink" | "quiet" | "hairline" | "selected", string>}
 */
export function coloursOf(el) {
  const probe = element("i", { hidden: true });
  el.append(probe);
  const found = ["ink", "quiet", "hairline", "selected"].map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}
