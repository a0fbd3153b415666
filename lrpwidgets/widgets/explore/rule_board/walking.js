// The keys in a row's name: they walk from row to row, and fold blocks.

import { seen } from "./rows.js";

/** @param {ReturnType<typeof import("./rows.js").rowsOf>} rows */
export function walking(rows) {
  return (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const line = rows.all().find(({ row }) => row.contains(target));
    if (!line || !target.closest(".lrp-name") || event.ctrlKey || event.altKey || event.metaKey) return;
    const { block, inside } = line;
    const seeable = rows.all().filter(seen);
    const here = seeable.indexOf(line);
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: seeable.length - 1 };
    if (event.key in moves) focus(seeable[moves[event.key]]);
    else if (event.key === "ArrowRight" && block) rows.isFolded(block) ? rows.fold([line], false) : focus(seeable[here + 1]);
    else if (event.key === "ArrowLeft" && block) rows.fold([line], true);
    else if (event.key === "ArrowLeft" && inside) focus(rows.all().find((each) => each.block === inside));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** @param {import("./rows.js").Line | undefined} line */
function focus(line) {
  /** @type {HTMLElement | null | undefined} */ (line?.row.querySelector(".lrp-name"))?.focus();
}
