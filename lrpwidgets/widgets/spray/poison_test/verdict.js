// What a test found, in words, figures and pictures.

import { element, number } from "../../base/common.js";
import { show } from "../../base/maps.js";

/**
 * @typedef {object} Tested
 * @property {boolean} hans
 * @property {string} class
 * @property {string} source the cluster or the picture of which something was pasted
 * @property {boolean} drawn whether a person drew the box
 * @property {number[]} box top, left, height and width in pixels
 * @property {number[][]} sizes of what was pasted and of the picture with it, as [height, width]
 * @property {number} samples
 * @property {number} turned how many samples turned into the class
 * @property {number} turned_by_control
 * @property {number} before accuracy, from 0 to 1
 * @property {number} after
 * @property {number} control
 * @property {string} lender
 * @property {string} reason
 * @property {number} chance
 * @property {number} score_change
 */

/**
 * Words, pictures and bars for what was `tested`.
 *
 * @param {Tested} tested
 * @param {Uint8Array} patch
 * @param {Uint8Array} poisoned
 */
export function verdict(tested, patch, poisoned) {
  const { before, after, control, turned, turned_by_control: byControl, lender } = tested;
  const pictures = [picture("What was pasted", tested.sizes[0], patch), picture("It on a picture of another class", tested.sizes[1], poisoned)];
  const chance = `Probability of so many more turning, if a box of ${lender} did the same (McNemar's exact test, times the number of controls)`;
  return [
    element("div", { className: "lrp-poison-pictures" }, ...pictures),
    words(tested),
    element("div", { className: "lrp-poison-bars" }, ...bar("before", before), ...bar("with it", after, turned), ...bar(`with ${lender}`, control, byControl)),
    element("p", { className: "lrp-quiet", title: chance }, `p ${probability(tested.chance)} · score of “${tested.class}” ${number(tested.score_change, { sign: true })} on average`),
  ];
}

/**
 * @param {string} title
 * @param {number[]} size
 * @param {Uint8Array} pixels
 */
function picture(title, size, pixels) {
  const made = element("canvas", { title, style: { aspectRatio: `${size[1]} / ${size[0]}` } });
  show(made, size, pixels);
  return made;
}

/** @param {Tested} tested */
function words({ hans, source, drawn, box, samples, turned, turned_by_control: byControl, before, after, control, lender, reason, ...tested }) {
  const b = (/** @type {string | number} */ text) => element("b", {}, String(text));
  const [, , height, width] = box;
  const what = drawn ? [b(source), `, ${height} × ${width} pixels`] : ["what ", b(source), ` looks at, ${height} × ${width} pixels of its pictures`];
  return element(
    "div",
    {},
    element("p", {}, "Candidate: ", ...what, `. Pasted on ${samples.toLocaleString("en")} pictures of other classes: accuracy `, b(`${percent(before)} → ${percent(after)}`), ", ", b(turned), ` turned into “${tested.class}”; a box of ${lender} there: ${percent(control)}, ${byControl} turned.`),
    element("p", {}, b(hans ? "A Clever Hans: the model falls for it." : "Not convicted by this box at this place: "), reason),
  );
}

/**
 * @param {string} label
 * @param {number} share
 * @param {number | null} [turned]
 */
function bar(label, share, turned = null) {
  return [
    element("span", { className: "lrp-quiet", title: label }, label),
    element("span", { className: "lrp-bar" }, element("i", { style: { width: `${100 * share}%` } })),
    element("b", {}, percent(share)),
    element("span", { className: "lrp-quiet" }, turned === null ? "read right" : `${turned.toLocaleString("en")} turned`),
  ];
}

const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;
const probability = (/** @type {number} */ p) => (p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`);
