// Which pictures or texts the kernel is asked for: those in view, then those nearby, and none twice in a row.

/**
 * @param {import("./shown.js").Shown} shown
 * @param {{ has: (row: number) => boolean }} held what the browser has
 * @param {(positions: number[]) => void} want
 */
export function asking(shown, held, want) {
  let asked = new Set(); // rows

  /**
   * Ask for what lacks of the places that are `visible`, and of those `from` and up to `to`.
   *
   * @param {number[]} visible
   * @param {number[]} around
   */
  function ask(visible, [from, to]) {
    const missing = inTurn(shown.order, visible, from, to).filter((position) => !held.has(shown.rows[position]));
    if (missing.every((position) => asked.has(shown.rows[position]))) return;
    asked = new Set(missing.map((position) => shown.rows[position]));
    want(missing);
  }

  return { ask, forget: () => (asked = new Set()) };
}

/**
 * Positions in the order in which they are wanted: in view, below, above.
 *
 * @param {Uint32Array} order
 * @param {number[]} visible
 * @param {number} from
 * @param {number} to
 */
export function inTurn(order, visible, from, to) {
  const [above, below] = [order.subarray(from, visible[0] ?? from), order.subarray((visible[visible.length - 1] ?? from) + 1, to)];
  return [...visible.map((place) => order[place]), ...below, ...above];
}
