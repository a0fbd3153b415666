// The cells of a trace on a canvas: rows of depths, columns of words.

import { element, pen } from "../../base/common.js";
import { coloursOf, limitOf, painter, short } from "../../base/shades.js";

export const HIGH = 22; // pixels of a row

const [WIDE, NARROW, THIN, NAMES] = [30, 14, 5, 76]; // pixels: of a column, of a narrow one, of one of many, of their names
const MOST = 80; // columns that have names
const [FONT, LONG, TALL, OUT] = ["11px sans-serif", 82, 9, 4]; // of a name: pixels along it and across, and right of its column's middle
const SLANT = Math.SQRT1_2;

/**
 * @typedef {{ name: string, word: number, sink: boolean }} Column
 *
 * @typedef {Record<"ink" | "quiet" | "hairline" | "selected", string>} Colours of the page
 *
 * @typedef {object} Trace
 * @property {[label: string, layer: string, sum: number][]} rows
 * @property {Column[]} columns
 * @property {Float32Array} relevance row by row
 */

/** @param {Element} el on whose paper */
export function sheetOf(el) {
  const canvas = element("canvas", { role: "img" });
  const mark = element("div", { className: "lrp-trace-mark", hidden: true });
  const made = element("div", { className: "lrp-trace-sheet" }, canvas, mark);
  let [shown, step, left] = [/** @type {Trace} */ ({ rows: [], columns: [], relevance: new Float32Array() }), WIDE, 0];

  const stepIn = (/** @type {number} */ room) => Math.max(NARROW, Math.min(WIDE, Math.floor(room / shown.columns.length)));

  /**
   * Draw all cells; returns the end of their scale, which sinks do not set.
   *
   * @param {Trace} trace
   */
  function draw(trace) {
    shown = trace;
    const { rows, columns, relevance } = trace;
    const many = columns.length > MOST;
    const names = many ? [] : namesOf(pen(canvas), columns);
    const room = made.clientWidth || 560;
    left = marginOf(names, stepIn(room));
    step = many ? THIN : stepIn(room - left);
    left = marginOf(names, step);
    const limit = limitOf(relevance.filter((_, at) => !columns[at % columns.length].sink));
    const brush = enlarged(canvas, left + columns.length * step, rows.length * HIGH + (many ? 0 : NAMES));
    canvas.setAttribute("aria-label", `Relevance of ${columns.length} words at ${rows.length} depths`);
    const page = coloursOf(el);
    const { hue } = painter(el);
    rows.forEach((row, place) => columns.forEach((column, at) => cell(brush, page, column.sink, { x: left + at * step, y: place * HIGH, value: relevance[place * columns.length + at], sum: row[2] }, (value) => hue(value, limit))));
    names.forEach(({ name }, at) => write(brush, name, columns[at].sink ? page.quiet : page.ink, left + at * step + step / 2 + OUT, rows.length * HIGH + 8));
    return limit;
  }

  /**
   * @param {CanvasRenderingContext2D} brush
   * @param {Colours} page
   * @param {boolean} sink
   * @param {{ x: number, y: number, value: number, sum: number }} where
   * @param {(relevance: number) => string} hue
   */
  function cell(brush, page, sink, { x, y, value, sum }, hue) {
    const gap = step > THIN ? 1 : 0;
    const [wide, high] = [step - gap, HIGH - 1];
    brush.fillStyle = sink ? page.selected : hue(value);
    brush.fillRect(x, y, wide, high);
    if (!gap) return;
    brush.strokeStyle = page.hairline;
    if (!sink) {
      brush.lineWidth = 0.5;
      brush.strokeRect(x + 0.25, y + 0.25, wide - 0.5, high - 0.5);
      return;
    }
    hatch(brush, x, y, wide, high);
    if (Math.abs(value) < 0.005 * Math.abs(sum) || step < 20) return;
    brush.fillStyle = page.quiet;
    brush.font = "10px sans-serif";
    brush.textAlign = "center";
    brush.fillText(short(value).replace(/^(−?)0\./, "$1."), x + wide / 2, y + high / 2 + 4, wide);
  }

  return {
    made,
    canvas,
    draw,
    /**
     * The cell under the pointer; null beside them.
     *
     * @param {MouseEvent} event
     */
    at: (event) => {
      const box = canvas.getBoundingClientRect();
      const [column, row] = [Math.floor((event.clientX - box.left - left) / step), Math.floor((event.clientY - box.top) / HIGH)];
      return column >= 0 && column < shown.columns.length && row >= 0 ? { column, row } : null;
    },
    /**
     * Frame the column of a word.
     *
     * @param {number | null} word
     */
    mark: (word) => {
      const column = word === null || word < 0 ? -1 : shown.columns.findIndex((each) => each.word === word);
      mark.hidden = column < 0;
      Object.assign(mark.style, { left: `${left + column * step - 1}px`, width: `${step + 1}px`, height: `${shown.rows.length * HIGH}px` });
    },
  };
}

/** @typedef {{ name: string, wide: number }} Name as it is written, and how long it is in pixels */

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Column[]} columns
 * @returns {Name[]}
 */
function namesOf(brush, columns) {
  brush.font = FONT;
  const wide = (/** @type {string} */ text) => brush.measureText(text).width;
  return columns.map(({ name }) => {
    const letters = [...name];
    while (letters.length > 1 && wide(letters.join("")) > LONG) letters.splice(-2, 2, "…");
    return { name: letters.join(""), wide: wide(letters.join("")) };
  });
}

/**
 * How far names reach beyond the first column to the left, in pixels.
 *
 * @param {Name[]} names
 * @param {number} step
 */
export function marginOf(names, step) {
  return Math.max(0, ...names.map(({ wide }, at) => Math.ceil(SLANT * (wide + TALL) - (at + 0.5) * step - OUT)));
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {string} name
 * @param {string} colour
 * @param {number} x
 * @param {number} y
 */
function write(brush, name, colour, x, y) {
  brush.save();
  brush.font = FONT;
  brush.textAlign = "right";
  brush.fillStyle = colour;
  brush.translate(x, y);
  brush.rotate(-Math.PI / 4);
  brush.fillText(name, 0, 0);
  brush.restore();
}

/**
 * A canvas of that size in points of the page, as sharp as the screen.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
function enlarged(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.ceil(width * ratio), Math.ceil(height * ratio)];
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const brush = pen(canvas);
  brush.scale(ratio, ratio);
  return brush;
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x
 * @param {number} y
 * @param {number} wide
 * @param {number} high
 */
function hatch(brush, x, y, wide, high) {
  brush.save();
  brush.beginPath();
  brush.rect(x, y, wide, high);
  brush.clip();
  brush.lineWidth = 1.5;
  brush.beginPath();
  for (let at = x - high; at < x + wide; at += 5) {
    brush.moveTo(at, y + high);
    brush.lineTo(at + high, y);
  }
  brush.stroke();
  brush.restore();
}
