// Thumbnails and their heatmaps on offscreen sheets, each made once.

import { GAMMA } from "../base/colours.js";
import { mapOn, array } from "../base/common.js";

const BESIDE = 16; // tiles in a row of a sheet, and rows
const BUDGET = 256e6; // bytes of pixels that sheets take at most

/**
 * @typedef {{ tiles: number, channels: number, captions: string[] }} TileMessage as `Tiles.message` in tiles.py sends it
 * @typedef {"inputs" | "heatmaps"} Part
 * @typedef {Record<Part, OffscreenCanvasRenderingContext2D> & { rows: number[] }} Sheet
 * @typedef {{ sheet: Sheet, x: number, y: number, caption: string }} Place
 */

/**
 * Tiles by the row of the store they show. A heatmap's pixel is a pure hue, as opaque as its relevance is strong: over
 * paper it has the colours of every other map, over a picture it is an overlay.
 */
export function sprites() {
  let places = /** @type {Map<number, Place>} */ (new Map()); // by row
  let sheets = /** @type {Sheet[]} */ ([]); // the one used longest ago first
  let size = 0; // pixels of a tile's side
  let hues = /** @type {number[][]} */ ([]); // by relevance + 127

  /**
   * Forget all tiles; new ones get the colours for this `paper`.
   *
   * @param {number[]} paper
   */
  function clear(paper) {
    [places, sheets] = [new Map(), []];
    hues = huesOn(paper);
  }

  /**
   * Take tiles.
   *
   * @param {TileMessage} message
   * @param {DataView[]} buffers rows of the store, pixels, relevance
   */
  function receive({ tiles, channels, captions }, [rows, inputs, relevance]) {
    if (tiles !== size) [places, sheets, size] = [new Map(), [], tiles];
    const pixels = tiles * tiles;
    const [colours, strengths] = [array(inputs, Uint8Array), array(relevance, Int8Array)];
    array(rows, Uint32Array).forEach((row, i) => {
      const place = places.get(row) ?? next(row);
      place.caption = captions[i] ?? "";
      put(place.sheet.inputs, place, size, (data) => picture(data, colours.subarray(i * pixels * channels), channels));
      put(place.sheet.heatmaps, place, size, (data) => heatmap(data, strengths.subarray(i * pixels), hues));
    });
  }

  /** @param {number} row */
  function next(row) {
    const sheet = sheets.findLast((each) => each.rows.length < BESIDE ** 2) ?? another();
    const place = { sheet, ...spotOf(sheet.rows.push(row) - 1, size), caption: "" };
    places.set(row, place);
    return place;
  }

  function another() {
    const sheet = { inputs: sheetOf(BESIDE * size), heatmaps: sheetOf(BESIDE * size), rows: [] };
    sheets.push(sheet);
    if (sheets.length > mostSheets(size)) sheets.shift()?.rows.forEach((each) => places.delete(each));
    return sheet;
  }

  /**
   * Have the sheets of these rows count as used.
   *
   * @param {number[]} rows
   */
  function use(rows) {
    const used = new Set(rows.map((row) => places.get(row)?.sheet));
    sheets = [...sheets.filter((each) => !used.has(each)), ...sheets.filter((each) => used.has(each))];
  }

  /**
   * Draw one part of a tile; the caller knows that it is there.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Part} part
   * @param {number} row
   * @param {number} left
   * @param {number} top
   * @param {number} side
   */
  function draw(context, part, row, left, top, side) {
    const { sheet, x, y } = /** @type {Place} */ (places.get(row));
    context.drawImage(sheet[part].canvas, x, y, size, size, left, top, side, side);
  }

  return {
    clear,
    receive,
    use,
    draw,
    has: (/** @type {number} */ row) => places.has(row),
    caption: (/** @type {number} */ row) => places.get(row)?.caption ?? "",
    size: () => size,
  };
}

/**
 * Where on its sheet the tile is that comes after `count` others.
 *
 * @param {number} count
 * @param {number} size pixels of a tile's side
 */
export function spotOf(count, size) {
  return { x: (count % BESIDE) * size, y: Math.floor(count / BESIDE) * size };
}

/**
 * How many sheets there may be: four at least, whatever they take.
 *
 * @param {number} size pixels of a tile's side
 */
export function mostSheets(size) {
  return Math.max(4, BUDGET / (8 * (BESIDE * size) ** 2));
}

/** @param {number} side */
function sheetOf(side) {
  return /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(side, side).getContext("2d"));
}

/**
 * Have a tile painted on its sheet.
 *
 * @param {OffscreenCanvasRenderingContext2D} context
 * @param {{ x: number, y: number }} place
 * @param {number} size
 * @param {(data: Uint8ClampedArray) => void} paint
 */
function put(context, { x, y }, size, paint) {
  const image = new ImageData(size, size);
  paint(image.data);
  context.putImageData(image, x, y);
}

/**
 * Write a picture of one channel or of three as red, green, blue and opacity.
 *
 * @param {Uint8ClampedArray} data
 * @param {Uint8Array} from
 * @param {number} channels
 */
export function picture(data, from, channels) {
  for (let i = 0, at = 0; at < data.length; at += 4, i += channels) {
    data[at] = from[i];
    data[at + 1] = from[channels === 1 ? i : i + 1];
    data[at + 2] = from[channels === 1 ? i : i + 2];
    data[at + 3] = 255;
  }
}

/**
 * @param {Uint8ClampedArray} data
 * @param {Int8Array} from
 * @param {number[][]} hues
 */
function heatmap(data, from, hues) {
  for (let i = 0; 4 * i < data.length; i++) data.set(hues[from[i] + 127], 4 * i);
}

/**
 * Colours of relevance from −127 to 127, as opaque as they are strong.
 *
 * @param {number[]} paper
 */
export function huesOn(paper) {
  const map = mapOn("red–blue", paper);
  return Array.from({ length: 255 }, (_, i) => {
    const r = (i - 127) / 127;
    return [...(r > 0 ? map.positive : map.negative)[0], 255 * Math.abs(r) ** GAMMA];
  });
}
