// The input in which channels are looked for: its picture, its name, and where in it that is which is wished for.

import { element, button, number } from "../../base/common.js";
import { paintRgb, picture } from "../pictures.js";
import { paintRelevance } from "../tiles.js";

/**
 * @typedef {object} Looked what the kernel says of the input and of what is wished for
 * @property {number} item
 * @property {number} count of all inputs
 * @property {string} name
 * @property {string} says
 * @property {string | null} where what is wished for; null if it has no place in the input
 * @property {number} sum
 * @property {number | null} share of the score
 * @property {string | null} wished
 */

/**
 * @param {(step: number) => void} go to the input before or to the next one
 * @param {(item: number) => void} choose
 */
export function inputOf(go, choose) {
  const canvas = picture("Input");
  const map = element("canvas", { role: "img" });
  const name = element("span", { className: "lrp-quiet lrp-name" });
  const says = element("b");
  const before = button("‹", "The input before", () => go(-1), { ariaLabel: "The input before" });
  const after = button("›", "The next input", () => go(1), { ariaLabel: "The next input" });
  const item = element("input", { type: "number", min: 0, step: 1, className: "lrp-figure", ariaLabel: "Number of the input", title: "Number of the input" });
  const where = element("div", { className: "lrp-quiet lrp-located" });
  const made = element("div", { className: "lrp-input" }, element("div", {}, canvas, map), element("div", { className: "lrp-choose" }, before, item, after, name), element("div", { className: "lrp-quiet" }, "said to be ", says), where);
  item.addEventListener("change", () => item.value !== "" && choose(Number(item.value)));

  /**
   * @param {Looked} looked
   * @param {Uint8Array} pixels
   * @param {number[]} size
   */
  function show(looked, pixels, size) {
    paintRgb(canvas, pixels, size);
    canvas.ariaLabel = `Input ${looked.item}: ${looked.name}`;
    name.textContent = name.title = looked.name;
    says.textContent = looked.says;
    item.max = String(looked.count - 1);
    if (document.activeElement !== item) item.value = String(looked.item);
  }

  /**
   * Show where in the input that is which is wished for.
   *
   * @param {Looked} looked
   * @param {Int8Array} relevance
   * @param {number[]} size
   * @param {number[]} paper
   */
  function locate({ where: what, sum, share, wished }, relevance, size, paper) {
    map.hidden = what === null;
    where.textContent = what === null ? "What is wished for has no place in it." : `${wished === null ? "for" : "where"} ${what}: ${wished === null ? "score" : "Σ R"} ${number(sum)}${share === null ? "" : `, ${number(100 * share)} % of the score`}`;
    if (what === null) return;
    paintRelevance(map, relevance, size, paper);
    map.ariaLabel = where.textContent;
  }

  return { made, show, locate };
}
