// Maps and pictures on canvases that are shown with fewer pixels than they have. What falls into one shown pixel is
// averaged, and its colour comes afterwards: a browser would leave rows and columns out, and of fine structure with both
// signs another pattern would be left.

const drawings = /** @type {WeakMap<Element, Drawing>} */ (new WeakMap());
let observer = /** @type {ResizeObserver | undefined} */ (undefined);

/**
 * @typedef {{ first: number, weights: number[] }} Share the pixels that one shown pixel averages, from the first on
 *
 * @typedef {object} Drawing
 * @property {number[]} size of what is drawn: height and width in pixels
 * @property {(size: number[]) => void} draw draws it with so many pixels
 * @property {number[]} drawn with how many it was drawn last
 * @property {number} factor how far one has zoomed in
 */

/**
 * What each of `to` shown pixels averages of `from` pixels: neighbours first, two by two, then by the area that it
 * covers. So stripes of one pixel vanish whatever the ratio, and the mean over all pixels stays what it is.
 *
 * @param {number} from
 * @param {number} to
 * @returns {Share[]}
 */
export function sharesOf(from, to) {
  if (to === from) return Array.from({ length: to }, (_, place) => ({ first: place, weights: [1] }));
  const step = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [left, right] = [place * step, (place + 1) * step];
    const within = (/** @type {number} */ pixel) => Math.min(from - 1, Math.max(0, pixel));
    const [lowest, highest] = [Math.floor(left + 0.5), Math.ceil(right - 0.5)]; // of the edges between neighbours
    const first = within(lowest - 1);
    const weights = new Array(within(highest) - first + 1).fill(0);
    for (let edge = lowest; edge <= highest; edge++) {
      const covered = Math.min(right, edge + 0.5) - Math.max(left, edge - 0.5);
      for (const pixel of [edge - 1, edge]) weights[within(pixel) - first] += covered / (2 * step);
    }
    return { first, weights };
  });
}

/**
 * `values` with fewer pixels; as they are where the size is the same. What is not finite counts as 0.
 *
 * @template {ArrayLike<number>} Values
 * @param {Values} values row by row, `channels` for each pixel
 * @param {number[]} size height and width
 * @param {number[]} shown height and width, neither larger
 * @param {number} [channels]
 * @returns {Values | Float32Array}
 */
export function averaged(values, [height, width], [shownHeight, shownWidth], channels = 1) {
  if (shownHeight === height && shownWidth === width) return values;
  const narrow = weighed(values, height, width, shownWidth, channels);
  return weighed(narrow, 1, height, shownHeight, shownWidth * channels);
}

/**
 * The same with fewer pixels in one direction.
 *
 * @param {ArrayLike<number>} values `lines` of `from` pixels of `channels` numbers
 * @param {number} lines
 * @param {number} from
 * @param {number} to
 * @param {number} channels
 */
function weighed(values, lines, from, to, channels) {
  const all = sharesOf(from, to);
  const result = new Float32Array(lines * to * channels);
  for (let line = 0, at = 0; line < lines; line++) {
    for (const { first, weights } of all) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          const value = values[(line * from + first + i) * channels + c];
          if (Number.isFinite(value)) sum += weights[i] * value;
        }
        result[at++] = sum;
      }
    }
  }
  return result;
}

/**
 * Draw on a canvas with as many pixels as it is shown with, and `size` at most; again whenever that changes.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size
 * @param {(size: number[]) => void} draw
 */
export function fitted(canvas, size, draw) {
  observer ??= new ResizeObserver((entries) => entries.forEach(({ target }) => refit(/** @type {HTMLCanvasElement} */ (target))));
  if (!drawings.has(canvas)) observer.observe(canvas);
  const factor = drawings.get(canvas)?.factor ?? 1;
  const drawn = roomOf(canvas, size, factor);
  drawings.set(canvas, { size, draw, drawn, factor });
  draw(drawn);
}

/**
 * Say how far one has zoomed into a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} factor
 */
export function magnify(canvas, factor) {
  const drawing = drawings.get(canvas);
  if (drawing) drawing.factor = factor;
  refit(canvas);
}

/** @param {HTMLCanvasElement} canvas */
function refit(canvas) {
  const drawing = drawings.get(canvas);
  if (!drawing) return;
  const room = roomOf(canvas, drawing.size, drawing.factor);
  if (String(room) === String(drawing.drawn)) return;
  drawing.drawn = room;
  drawing.draw(room);
}

/**
 * Height and width of what is shown, in pixels of the screen; as they are where there is room for all, or no page yet.
 *
 * @param {HTMLCanvasElement} canvas whose style says how large it is
 * @param {number[]} size
 * @param {number} factor
 */
function roomOf(canvas, [height, width], factor) {
  const share = factor * devicePixelRatio * Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
  return share > 0 && share < 1 ? [height, width].map((side) => Math.max(1, Math.round(side * share))) : [height, width];
}
