// The rows that are shown: which blocks are folded, and which row the keys are in.

const FOLD_FROM = 4; // blocks

/** @typedef {import("./line.js").Line} Line */

/**
 * @param {HTMLElement} body of the table
 * @param {() => void} changed called when blocks were folded
 */
export function rowsOf(body, changed) {
  let lines = /** @type {Line[]} */ ([]);
  let folded = /** @type {Set<string> | null} */ (null); // paths of blocks; null: not decided yet
  let active = /** @type {HTMLElement | null} */ (null); // the row whose controls Tab reaches

  /**
   * Show other rows; to begin with, many blocks are folded.
   *
   * @param {Line[]} made
   * @param {string[]} paths of the blocks
   */
  function replace(made, paths) {
    folded ??= new Set(paths.length >= FOLD_FROM ? paths : []);
    lines = made;
    active = null;
    body.replaceChildren(...lines.map(({ row }) => row));
    if (lines.length) activate(lines[0].row);
  }

  /**
   * Tab reaches the controls of one row only; arrows lead to the others.
   *
   * @param {HTMLElement} row
   */
  function activate(row) {
    if (active && active !== row) for (const each of controlsOf(active)) each.tabIndex = -1;
    active = row;
    for (const each of controlsOf(row)) each.tabIndex = 0;
  }

  /**
   * @param {Line[]} blocks
   * @param {boolean} shut
   */
  function fold(blocks, shut) {
    for (const { block = "" } of blocks) shut ? folded?.add(block) : folded?.delete(block);
    changed();
    const first = lines.find(seen);
    if (active && first && !seen({ row: active })) activate(first.row);
  }

  /**
   * Hide what is folded, and mark the `chosen` layer.
   *
   * @param {string | null} chosen
   */
  function show(chosen) {
    for (const { row, block, inside, layer } of lines) {
      if (block) row.ariaExpanded = String(!isFolded(block));
      else row.hidden = isFolded(inside ?? "");
      row.ariaCurrent = layer && layer === chosen ? "true" : null;
    }
  }

  const isFolded = (/** @type {string} */ path) => Boolean(folded?.has(path));

  return {
    replace,
    activate,
    /** Let Tab reach the new controls of a row, if it is in it. */
    renew: (/** @type {HTMLElement} */ row) => {
      if (row === active) activate(row);
    },
    fold,
    foldAll: (/** @type {boolean} */ shut) => fold(lines.filter(({ block }) => block), shut),
    isFolded,
    show,
    update: (/** @type {import("./told.js").Told} */ told) => lines.forEach(({ update }) => update(told)),
    all: () => lines,
  };
}

/**
 * Whether a row is on the page.
 *
 * @param {{ row: HTMLElement }} line
 */
export function seen({ row }) {
  return row.getClientRects().length > 0;
}

/**
 * @param {HTMLElement} row
 * @returns {NodeListOf<HTMLElement>}
 */
function controlsOf(row) {
  return row.querySelectorAll("button, select, input, .lrp-name");
}
