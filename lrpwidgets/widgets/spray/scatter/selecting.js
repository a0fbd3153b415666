// Which points are selected, here and in the kernel.

/**
 * @typedef {{ shiftKey?: boolean, altKey?: boolean }} Keys
 * @typedef {ArrayLike<number> & Iterable<number>} Positions
 */

/**
 * @param {import("../../base/common.js").Model} model
 * @param {import("./shown.js").Shown} shown
 * @param {(what: "points" | "marks") => void} soon
 * @param {() => void} changed called when another selection is shown
 */
export function selecting(model, shown, soon, changed) {
  /** @param {Uint32Array<ArrayBuffer>} positions */
  function take(positions) {
    shown.selection = positions;
    shown.chosen = masked(positions, shown.seen.length);
    if (!positions.length) shown.outline = null;
    changed();
    soon("points");
  }

  /**
   * The kernel says what is selected, be it what it was told here.
   *
   * @param {Uint32Array<ArrayBuffer>} positions
   */
  function hear(positions) {
    const { chosen, seen, selection } = shown;
    const same = chosen.length === seen.length && positions.length === selection.length && positions.every((p, i) => p === selection[i]);
    if (same) return;
    shown.outline = null;
    take(positions);
  }

  /**
   * Select these positions, by an `around` of corners or without; the kernel hears of it.
   *
   * @param {Positions} positions
   */
  function select(positions, around = new Float64Array()) {
    shown.outline = around.length ? around : null;
    take(Uint32Array.from(positions));
    soon("marks");
    model.send({ selected: model.get("edition") }, null, [shown.selection.buffer, around.buffer]);
  }

  return { hear, select };
}

/**
 * By position, whether it is among `positions`.
 *
 * @param {Positions} positions
 * @param {number} count
 */
function masked(positions, count) {
  const mask = new Uint8Array(count);
  for (const p of positions) mask[p] = 1;
  return mask;
}

/**
 * Positions that are seen and not chosen.
 *
 * @param {Uint8Array} seen
 * @param {Uint8Array} chosen
 */
export function others(seen, chosen) {
  const found = [];
  for (let p = 0; p < seen.length; p++) if (seen[p] && !chosen[p]) found.push(p);
  return found;
}

/**
 * The chosen ones with these positions: in their place, beside them with shift, without them with alt.
 *
 * @param {Uint8Array} chosen
 * @param {Positions} positions
 * @param {Keys} keys
 * @returns {Positions}
 */
export function joined(chosen, positions, { shiftKey, altKey }) {
  if (!shiftKey && !altKey) return positions;
  const mask = chosen.slice();
  for (const p of positions) mask[p] = altKey ? 0 : 1;
  /** @type {number[]} */
  const found = [];
  mask.forEach((on, p) => on && found.push(p));
  return found;
}
