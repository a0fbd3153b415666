// What the parts of a map share: its points, and what a person does with them.

const NEAR = 8; // pixels from a point at which it is meant

/**
 * @typedef {object} Gesture in pixels of the map
 * @property {number[]} start
 * @property {number[]} last
 * @property {number[]} path x and y in turn
 * @property {Float64Array<ArrayBuffer> | null} corners of what is drawn, in the coordinates of the points
 * @property {boolean} moved
 */

export class Shown {
  xy = new Float32Array();
  groups = new Int16Array();
  seen = new Uint8Array(); // by position: whether it can be seen, and selected
  tints = new Uint8Array(); // by position: red, green and blue
  selection = new Uint32Array();
  chosen = new Uint8Array(); // by position: whether it is selected
  here = false; // whether the mouse is over the map

  /** @type {import("./tools.js").Tool} */
  tool = "lasso";

  /** @type {DataView | null} */
  isolated = null;

  /** @type {number | null} the point that is looked at */
  hovered = null;

  /** @type {Gesture | null} */
  gesture = null;

  /** @type {Float64Array<ArrayBuffer> | null} corners of the newest gesture, in the coordinates of the points */
  outline = null;

  /** @type {{ from: Float32Array, start: number } | null} where points come from while they move, and since when */
  glide = null;
}

/**
 * By position, whether it is seen: 1 if it is among the `isolated`, if any are, and its group is not `hidden`.
 *
 * @param {number} count
 * @param {Int16Array} groups
 * @param {Uint32Array | null} isolated
 * @param {Set<number>} hidden
 */
export function seenOf(count, groups, isolated, hidden) {
  const seen = new Uint8Array(count).fill(isolated ? 0 : 1);
  if (isolated) for (const p of isolated) seen[p] = 1;
  if (hidden.size) groups.forEach((group, p) => hidden.has(group) && (seen[p] = 0));
  return seen;
}

/**
 * The point that is meant at (`px`, `py`), or null.
 *
 * @param {Shown} shown
 * @param {import("./axes.js").Axes} axes
 * @param {number} px
 * @param {number} py
 */
export function nearest({ xy, seen }, axes, px, py) {
  let [found, best] = [/** @type {number | null} */ (null), NEAR ** 2];
  for (let p = 0; p < seen.length; p++) {
    const [dx, dy] = [axes.across(xy[2 * p]) - px, axes.down(xy[2 * p + 1]) - py];
    const distance = dx * dx + dy * dy;
    if (distance < best && seen[p]) [found, best] = [p, distance];
  }
  return found;
}
