// Where tiles are: rows from top to bottom, as many columns as there is room for. Nothing here knows the page.

const GAP = 8; // pixels between tiles
const EDGE = 4; // pixels beside them, for outlines
const LINE = 62; // pixels of an excerpt of a text with what is told of it
const WIDTHS = { input: 52, heatmap: 52, both: 96, overlay: 52 }; // of a tile, at least: a shrunk one would mix colours in place of relevance

/** @typedef {keyof typeof WIDTHS} Mode what is shown of each */

/** Tiles in pixels from the top left of all; a place counts them row by row. */
export class Layout {
  columns = 1;
  width = 0; // of a tile
  height = 0;
  pitch = 1; // from tile to tile
  down = 1; // from row to row

  /**
   * Tiles of this kind in a wall that is `across` pixels wide; before it has a width, there is no layout.
   *
   * @param {Mode} [mode]
   */
  constructor(mode = "both", across = 0) {
    const room = across - 2 * EDGE;
    if (room <= 0) return;
    this.columns = Math.max(1, Math.floor((room + GAP) / (WIDTHS[mode] + GAP)));
    const fill = Math.floor((room + GAP) / this.columns) - GAP;
    this.height = mode === "both" ? Math.floor(fill / 2) : fill;
    this.width = mode === "both" ? 2 * this.height : this.height;
    this.pitch = (room - this.width) / Math.max(1, this.columns - 1);
    this.down = this.height + GAP;
  }

  /** @param {number} place */
  left(place) {
    return EDGE + Math.round((place % this.columns) * this.pitch);
  }

  /** @param {number} place */
  top(place) {
    return Math.floor(place / this.columns) * this.down + GAP / 2;
  }

  /**
   * How far one must have scrolled for the row of a place to be the first.
   *
   * @param {number} place
   */
  scrolled(place) {
    return this.top(place) - GAP / 2;
  }

  /**
   * The pixels from above to below a tile, with the gaps.
   *
   * @param {number} place
   */
  span(place) {
    return [this.top(place) - GAP, this.top(place) + this.height + GAP];
  }

  /**
   * Pixels of all rows of so many tiles.
   *
   * @param {number} count
   */
  tall(count) {
    return Math.ceil(count / this.columns) * this.down;
  }

  /**
   * How many whole rows there are in so many pixels, one at least.
   *
   * @param {number} high
   */
  wholeRows(high) {
    return Math.max(1, Math.floor(high / this.down));
  }

  /**
   * The first of `count` places between two heights, and the first one behind them.
   *
   * @param {number} from
   * @param {number} to
   * @param {number} count
   */
  between(from, to, count) {
    const first = (/** @type {number} */ y) => Math.max(0, Math.floor(y / this.down)) * this.columns;
    return [Math.min(count, first(from)), Math.min(count, first(to) + this.columns)];
  }

  /**
   * The place of the tile at (`x`, `y`), or null.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} count
   */
  placeAt(x, y, count) {
    const below = y - GAP / 2;
    const [column, row] = [Math.min(this.columns - 1, Math.floor((x - EDGE) / this.pitch)), Math.floor(below / this.down)];
    const place = row * this.columns + column;
    return x >= this.left(place) && x <= this.left(place) + this.width && below >= 0 && place < count ? place : null;
  }
}

/**
 * Lines of texts in a wall that is `across` pixels wide.
 *
 * @param {number} across
 */
export function linesOf(across) {
  const width = Math.max(0, across - 2 * EDGE);
  return Object.assign(new Layout(), { width, height: LINE, pitch: Math.max(1, width), down: LINE + GAP });
}
