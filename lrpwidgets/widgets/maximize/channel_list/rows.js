// The channels as rows that are buttons: what each sees, where it is, its number, bar and Σ R.

import { element, button, number } from "../../base/common.js";
import { paintRgb } from "../pictures.js";
import { paintRelevance } from "../tiles.js";

const TITLES = [["sees", "What it saw where it mattered most in the data"], ["where", "Where it is in this input"], ["", ""], ["Σ R", "Relevance, summed over positions"]];

/** What stands above the columns of rows. */
export function columns() {
  return element("div", { className: "lrp-columns-head lrp-quiet" }, ...TITLES.map(([text, title]) => element("span", { title }, text)));
}

/**
 * @typedef {object} Row
 * @property {number} channel
 * @property {number} sum of its relevance
 * @property {number} most the largest |sum| of all
 * @property {Uint8Array} face pixels of what it sees
 * @property {number[] | undefined} faceSize height and width; nothing where that is not known
 * @property {Int8Array} map
 * @property {number[]} size of the map
 */

/**
 * @param {Row} row
 * @param {boolean} wished
 * @param {number[]} paper
 * @param {() => void} choose
 */
export function row({ channel, sum, most, face, faceSize, map, size }, wished, paper, choose) {
  const [sees, where] = [element("canvas"), element("canvas")];
  if (faceSize?.[0]) paintRgb(sees, face, faceSize);
  paintRelevance(where, map, size, paper);
  const bar = element("i", { style: { width: `${(100 * Math.abs(sum)) / most}%` } });
  const made = button("", `What does #${channel} want?`, choose, { data: { channel }, ariaPressed: String(wished), ariaLabel: `channel ${channel}, Σ R ${number(sum)}` });
  made.append(sees, where, element("span", {}, element("b", {}, `#${channel}`), element("span", { className: "lrp-bar" }, bar)), element("b", {}, number(sum)));
  return made;
}
