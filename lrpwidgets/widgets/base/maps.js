// Relevance maps on canvases. A map is an array, row by row, and its size is [height, width].

import { averaged, fitted } from "./averaging.js";
import { MAPS, GAMMA } from "./colours.js";
import { colour, mapOn, pen } from "./common.js";

/**
 * @typedef {Float32Array | Int8Array} Values of a map, row by row
 *
 * @typedef {"both" | "positive" | "negative"} Sign
 *
 * @typedef {object} Look how maps are drawn
 * @property {number} gain brightens what is faint
 * @property {number} overlay how much of the picture shines through, 0 to 1
 * @property {number} clip percentile of |r| at which the scale ends
 * @property {Sign} sign
 * @property {keyof typeof MAPS} map
 * @property {number} contour percent of the pixels that a line surrounds; 0 for no line
 * @property {number} strongest number of pixels with a dot
 * @property {"composite" | "shared" | "own"} scale which maps have one together: those of one composite, all, or none
 * @property {number[]} zoom factor, then left and top in shares of the picture
 * @property {number[]} differences pins, by number, that show the live map less their own
 */

/** @type {Look} */
export const LOOK = {
  gain: 1,
  overlay: 0,
  clip: 99.5,
  sign: "both",
  map: "red–blue",
  contour: 0,
  strongest: 0,
  scale: "composite",
  zoom: [1, 0, 0],
  differences: [],
};

const STEPS = 2048; // of a colour table: at equal steps of √|r|, since colours change fastest near 0
const tables = /** @type {Map<string, Float32Array>} */ (new Map());

/**
 * For negative, then for positive r, by √|r|: red, green, blue without the colour of nothing, and the share of that.
 *
 * @param {keyof typeof MAPS} name
 * @param {number[]} paper
 */
function tableOf(name, paper) {
  const { positive, negative } = mapOn(name, paper);
  const key = `${positive}`; // one table on light paper, another one on dark
  const known = tables.get(key);
  if (known) return known;
  const table = new Float32Array(8 * STEPS);
  const map = { positive, negative, zero: [0, 0, 0] };
  for (let i = 0; i < 2 * STEPS; i++) {
    const size = ((i % STEPS) / (STEPS - 1)) ** 2;
    colour(table, 4 * i, i < STEPS ? -size : size, map, map.zero);
    table[4 * i + 3] = Math.max(0, 1 - size ** GAMMA * (i < STEPS ? map.negative : map.positive).length);
  }
  tables.set(key, table);
  return table;
}

/**
 * Draw `values` on a canvas; ±`limit` gets the full hues, and the grey of an RGB `picture` shines through where `look`
 * says so. There is one pixel for each value, or for the average of those that share a pixel of the screen.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {Values} values
 * @param {number} limit
 * @param {Look} look
 * @param {Uint8Array | null} picture
 * @param {number[]} paper the colour of nothing
 */
export function paint(canvas, size, values, limit, look, picture, paper) {
  fitted(canvas, size, (shown) => {
    drawMap(canvas, shown, averaged(values, size, shown), limit, look, picture && averaged(picture, size, shown, 3), paper);
  });
}

/**
 * The same, one pixel for each value.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {Values} values
 * @param {number} limit
 * @param {Look} look
 * @param {ArrayLike<number> | null} picture
 * @param {number[]} paper
 */
export function drawMap(canvas, size, values, limit, look, picture, paper) {
  const [table, zero, through] = [tableOf(look.map, paper), MAPS[look.map].zero ?? paper, picture ? look.overlay : 0];
  const [low, high] = [look.sign === "positive" ? 0 : -Infinity, look.sign === "negative" ? 0 : Infinity];
  fill(canvas, size, (pixels) => {
    for (let i = 0; i < values.length; i++) {
      const r = values[i] < low || values[i] > high ? 0 : values[i] / limit;
      const step = Math.round(Math.min(1, Math.sqrt(Math.abs(r))) * (STEPS - 1)) || 0; // NaN counts as nothing
      const at = 4 * (r > 0 ? STEPS + step : step);
      const nothing = table[at + 3];
      const grey = picture && through ? (picture[3 * i] + picture[3 * i + 1] + picture[3 * i + 2]) / 3 : 0;
      for (let c = 0; c < 3; c++) {
        pixels[4 * i + c] = table[at + c] + nothing * (zero[c] + (grey - zero[c]) * through);
      }
      pixels[4 * i + 3] = 255;
    }
  });
}

/**
 * Draw an RGB picture, with as many pixels as are shown of it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {Uint8Array} picture
 */
export function show(canvas, size, picture) {
  fitted(canvas, size, (shown) => drawPicture(canvas, shown, averaged(picture, size, shown, 3)));
}

/**
 * The same, one pixel for each colour.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {ArrayLike<number>} colours
 */
export function drawPicture(canvas, size, colours) {
  fill(canvas, size, (pixels) => {
    for (let i = 0, from = 0; i < pixels.length; i += 4) {
      pixels[i] = colours[from++];
      pixels[i + 1] = colours[from++];
      pixels[i + 2] = colours[from++];
      pixels[i + 3] = 255;
    }
  });
}

/**
 * Give a canvas the pixels that `write` puts down: red, green, blue and opacity in turn.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {(pixels: Uint8ClampedArray) => void} write
 */
export function fill(canvas, [height, width], write) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height); // rounds and clamps to 0..255
  write(image.data);
  pen(canvas).putImageData(image, 0, 0);
}
