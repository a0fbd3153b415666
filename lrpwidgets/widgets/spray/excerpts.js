// Excerpts of texts by the row of the store they are of, and how one is written.

import { array, element } from "../base/common.js";

const MOST = 5_000; // that are held

/** @typedef {[caption: string, words: [string, number | null][], cut: boolean, goesOn: boolean]} Excerpt as `Excerpt.said` in excerpts.py has it */

export function excerpts() {
  const known = /** @type {Map<number, Excerpt>} */ (new Map());

  /**
   * @param {{ excerpts: Excerpt[] }} message as `Excerpts.message` in excerpts.py sends it
   * @param {DataView[]} buffers rows of the store
   */
  function receive({ excerpts: came }, [rows]) {
    array(rows, Uint32Array).forEach((row, i) => known.set(row, came[i]));
    for (const row of known.keys()) {
      if (known.size <= MOST) break;
      known.delete(row); // the one that came longest ago
    }
  }

  return {
    receive,
    clear: () => known.clear(),
    has: (/** @type {number} */ row) => known.has(row),
    caption: (/** @type {number} */ row) => known.get(row)?.[0] ?? "",
    get: (/** @type {number} */ row) => known.get(row),
  };
}

/**
 * The words of an excerpt in their colours; those outside the scale are hatched.
 *
 * @param {HTMLElement} line
 * @param {Excerpt} excerpt
 * @param {ReturnType<typeof import("../base/shades.js").painter>} brush
 */
export function write(line, [, words, cut, goesOn], brush) {
  const made = words.flatMap(([word, share]) => {
    const cell = element("bdi", { className: share === null ? "lrp-tinted lrp-sunk" : "lrp-tinted" }, word);
    if (share !== null) brush.paint(cell, share, 1);
    return [cell, " "];
  });
  line.replaceChildren(...(cut ? ["… "] : []), ...made, ...(goesOn ? ["…"] : []));
}
