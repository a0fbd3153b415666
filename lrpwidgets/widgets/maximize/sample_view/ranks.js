// A row of real inputs, each a button: its picture, where in it the channel mattered, and how much.

import { element, button, number } from "../../base/common.js";
import { paintRgb, picture } from "../pictures.js";
import { paintRelevance } from "../tiles.js";

/** @typedef {[number, string, string, number, number]} Sample its number, name, what it is said to be, its rank's value, Σ R */

/**
 * @typedef {object} Pictures of one sample
 * @property {Uint8Array} pixels
 * @property {number[]} size
 * @property {Int8Array} map
 * @property {number[]} mapSize
 */

/** @param {string} title */
export function rank(title) {
  const said = element("span", { className: "lrp-quiet" });
  const row = element("div", { className: "lrp-sample-row", role: "group", ariaLabel: title });
  return { said, row, section: element("section", {}, heading(title, said), row) };
}

/**
 * @param {string} title
 * @param {HTMLElement} said what is said of it
 */
export function heading(title, said) {
  return element("div", { className: "lrp-head" }, element("h2", {}, title), said);
}

/**
 * @param {Sample} sample
 * @param {boolean} fired whether its rank's value is an activation
 * @param {boolean} isClass whether what is looked at is a class
 * @param {Pictures} pictures
 * @param {number[]} paper
 * @param {() => void} choose
 */
export function tile([item, name, says, value, relevance], fired, isClass, { pixels, size, map, mapSize }, paper, choose) {
  const [shown, heat] = [picture(""), element("canvas")];
  paintRgb(shown, pixels, size);
  paintRelevance(heat, map, mapSize, paper);
  const label = `${name}, said to be ${says}: ${fired ? "activation" : "relevance"} ${number(value)}${fired ? `, Σ R ${number(relevance)}` : ""}`;
  const made = button("", `${label}. Look into this input`, choose, { ariaLabel: label, data: { item } });
  made.append(shown, heat, pair(says, number(value)), ...(fired && !isClass ? [pair("Σ R", number(relevance), "lrp-quiet")] : []));
  return made;
}

const pair = (/** @type {string} */ left, /** @type {string} */ right, look = "") => element("span", { className: `lrp-pair ${look}` }, element("span", {}, left), element("b", {}, right));

/**
 * Whether both have the same samples in the same order.
 *
 * @param {Sample[]} one
 * @param {Sample[]} other
 */
export const same = (one, other) => one.length === other.length && one.every(([item], place) => item === other[place][0]);
