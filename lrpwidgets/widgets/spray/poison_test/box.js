// A box on a picture: top, left, height and width in pixels of the input. Nothing here knows the page.

/** @typedef {number[]} Box */

/**
 * The box with these pixels, each [row, column], in two corners.
 *
 * @param {number[]} one
 * @param {number[]} other
 * @returns {Box}
 */
export function spanned([y1, x1], [y2, x2]) {
  return [Math.min(y1, y2), Math.min(x1, x2), Math.abs(y1 - y2) + 1, Math.abs(x1 - x2) + 1];
}

/**
 * The box in the middle of a picture, with a quarter of its sides.
 *
 * @param {number[]} size height and width
 * @returns {Box}
 */
export function inMiddle(size) {
  const sides = size.map((length) => Math.max(1, Math.round(length / 4)));
  return [...size.map((length, axis) => Math.floor((length - sides[axis]) / 2)), ...sides];
}

/**
 * A box that was moved, or with `resize` made larger or smaller, within a picture of this size; 64 steps go across it.
 *
 * @param {Box} box
 * @param {number[]} by −1, 0 or 1 down and to the right
 * @param {boolean} resize
 * @param {number[]} size height and width
 * @returns {Box}
 */
export function moved(box, by, resize, size) {
  const made = [...box];
  size.forEach((length, axis) => {
    const pace = by[axis] * Math.max(1, Math.round(length / 64));
    const [start, side] = [box[axis], box[axis + 2]];
    if (resize) made[axis + 2] = Math.min(length - start, Math.max(1, side + pace));
    else made[axis] = Math.min(length - side, Math.max(0, start + pace));
  });
  return made;
}

/**
 * Where a box is, in per cent of the picture, as CSS has it.
 *
 * @param {Box} box
 * @param {number[]} size height and width
 */
export function placed(box, [height, width]) {
  return { top: `${(100 * box[0]) / height}%`, left: `${(100 * box[1]) / width}%`, height: `${(100 * box[2]) / height}%`, width: `${(100 * box[3]) / width}%` };
}
