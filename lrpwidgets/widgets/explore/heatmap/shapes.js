// Sets of pixels of a map, whose size is [height, width], and the paths that show them. A mask has a byte per pixel.

/** @typedef {(i: number) => unknown} Inside whether pixel i, counted row by row, is in a set */

/**
 * The path along the edges of the pixels that are `inside`.
 *
 * @param {number[]} size
 * @param {Inside} inside
 */
export function outline([height, width], inside) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => x >= 0 && y >= 0 && x < width && y < height && inside(y * width + x);
  const parts = /** @type {string[]} */ ([]);
  runs(height + 1, width, (y, x) => at(x, y - 1) !== at(x, y), (y, from, to) => parts.push(`M${from} ${y}H${to}`));
  runs(width + 1, height, (x, y) => at(x - 1, y) !== at(x, y), (x, from, to) => parts.push(`M${x} ${from}V${to}`));
  return parts.join("");
}

/**
 * The path that fills the pixels that are `inside`.
 *
 * @param {number[]} size
 * @param {Inside} inside
 */
export function area([height, width], inside) {
  const parts = /** @type {string[]} */ ([]);
  runs(height, width, (y, x) => inside(y * width + x), (y, from, to) => parts.push(`M${from} ${y}H${to}v1H${from}z`));
  return parts.join("");
}

/**
 * The path of a dot in the middle of each pixel.
 *
 * @param {number[]} size
 * @param {number[]} pixels
 */
export function dots([, width], pixels) {
  return pixels.map((i) => `M${(i % width) + 0.5} ${Math.floor(i / width) + 0.5}h0`).join("");
}

/**
 * Call `found` for each longest stretch of a line on which all `holds`.
 *
 * @param {number} lines
 * @param {number} length
 * @param {(line: number, place: number) => unknown} holds
 * @param {(line: number, from: number, to: number) => void} found
 */
function runs(lines, length, holds, found) {
  for (let line = 0; line < lines; line++) {
    for (let from = 0; from < length; from++) {
      if (!holds(line, from)) continue;
      let to = from;
      while (to < length && holds(line, to)) to++;
      found(line, from, to);
      from = to;
    }
  }
}

/**
 * Mark the pixels whose centre is within `radius` of the line between two points, as a stroke covers them.
 *
 * @param {Uint8Array} mask
 * @param {number[]} size
 * @param {number[]} start
 * @param {number[]} end
 * @param {number} radius
 */
export function stamp(mask, [height, width], [x1, y1], [x2, y2], radius) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy || 1;
  const clamp = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(most, Math.max(0, value));
  const bottom = clamp(Math.ceil(Math.max(y1, y2) + radius), height);
  const right = clamp(Math.ceil(Math.max(x1, x2) + radius), width);
  for (let y = clamp(Math.floor(Math.min(y1, y2) - radius), height); y < bottom; y++) {
    for (let x = clamp(Math.floor(Math.min(x1, x2) - radius), width); x < right; x++) {
      const [px, py] = [x + 0.5 - x1, y + 0.5 - y1];
      const along = clamp((px * dx + py * dy) / length, 1);
      if (Math.hypot(px - along * dx, py - along * dy) <= radius) mask[y * width + x] = 1;
    }
  }
}

/**
 * The pixels from the one under one point to the one under another.
 *
 * @param {number[]} size
 * @param {number[]} start
 * @param {number[]} end
 */
export function box([height, width], [x1, y1], [x2, y2]) {
  const mask = new Uint8Array(height * width);
  const [left, right] = [Math.floor(Math.min(x1, x2)), Math.floor(Math.max(x1, x2))];
  const [top, bottom] = [Math.floor(Math.min(y1, y2)), Math.floor(Math.max(y1, y2))];
  for (let y = top; y <= bottom; y++) mask.fill(1, y * width + left, y * width + right + 1);
  return mask;
}
