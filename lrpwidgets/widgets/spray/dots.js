// Many small discs as pixels: a hundred thousand paths would take a canvas a second, these take it milliseconds.

const PHASES = 4; // a disc is drawn to a quarter of a pixel

/** @typedef {(x: number, y: number, red: number, green: number, blue: number) => void} Brush puts a disc on the picture */

/**
 * A picture of `width` × `height` pixels in one colour, onto which `draw(x, y, rgb)` puts discs and which `show` copies
 * to a canvas. Discs of different size need a `brush` each.
 *
 * @param {number} width
 * @param {number} height
 * @param {number[]} paper
 * @param {number} widest pixels of the largest radius
 */
export function dots(width, height, [r, g, b], widest) {
  const margin = Math.ceil(widest) + 2; // what is cut off at an edge is drawn beside the picture
  const [across, down] = [width + 2 * margin, height + 2 * margin];
  const image = new ImageData(across, down);
  const whole = new Uint32Array(image.data.buffer);
  const parts = new Uint8Array(image.data.buffer);
  parts.set([r, g, b, 255]);
  whole.fill(whole[0]);

  /**
   * What draws discs of this radius; `opacity` from 0 to 1.
   *
   * @param {number} radius
   * @param {number} opacity
   * @returns {Brush}
   */
  function brush(radius, opacity) {
    const discs = Array.from({ length: PHASES * PHASES }, (_, phase) => disc(radius, opacity, (phase % PHASES) / PHASES, Math.floor(phase / PHASES) / PHASES, across));
    return (x, y, red, green, blue) => {
      if (!(x > -margin + 1 + radius && y > -margin + 1 + radius && x < width + margin - 2 - radius && y < height + margin - 2 - radius)) return;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const { offsets, shares } = discs[Math.floor((y - top) * PHASES) * PHASES + Math.floor((x - left) * PHASES)];
      const start = (top + margin) * across + left + margin;
      for (let i = 0; i < offsets.length; i++) {
        const at = 4 * (start + offsets[i]);
        const share = shares[i];
        parts[at] += ((red - parts[at]) * share) >> 8;
        parts[at + 1] += ((green - parts[at + 1]) * share) >> 8;
        parts[at + 2] += ((blue - parts[at + 2]) * share) >> 8;
      }
    };
  }

  return { brush, show: (/** @type {CanvasRenderingContext2D} */ context) => context.putImageData(image, -margin, -margin) };
}

/**
 * The pixels of a disc around (`x`, `y`) as offsets in a picture that is `across` pixels wide, and their shares of 256.
 *
 * @param {number} radius
 * @param {number} opacity
 * @param {number} x
 * @param {number} y
 * @param {number} across
 */
export function disc(radius, opacity, x, y, across) {
  const [offsets, shares] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  const reach = Math.ceil(radius) + 1;
  for (let row = -reach; row <= reach; row++) {
    for (let column = -reach; column <= reach; column++) {
      const share = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
      if (share) offsets.push(row * across + column);
      if (share) shares.push(Math.round(256 * share * opacity));
    }
  }
  return { offsets: Int32Array.from(offsets), shares: Int32Array.from(shares) };
}
