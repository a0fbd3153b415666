// The numbers of relevance maps. A map is a Float32Array, row by row.

/** @typedef {import("../../base/maps.js").Sign} Sign */

/** @type {Record<Sign, (r: number) => number>} */
const STRENGTHS = {
  both: (r) => Math.abs(r) || 0,
  positive: (r) => Math.max(r, 0) || 0,
  negative: (r) => Math.max(-r, 0) || 0,
};
const sortedMaps = /** @type {WeakMap<Float32Array, Partial<Record<Sign, Float32Array>>>} */ (new WeakMap());

/**
 * How strong the pixels are, in rising order; kept as long as the map.
 *
 * @param {Float32Array} values
 * @param {Sign} sign
 */
function sorted(values, sign) {
  const known = sortedMaps.get(values) ?? {};
  sortedMaps.set(values, known);
  return (known[sign] ??= values.map(STRENGTHS[sign]).sort());
}

/**
 * The percentile as NumPy has it: between two values, in proportion.
 *
 * @param {ArrayLike<number>} rising
 * @param {number} percent
 */
export function percentile(rising, percent) {
  const place = (percent / 100) * (rising.length - 1);
  const below = Math.floor(place);
  return rising[below] + (place - below) * ((rising[below + 1] ?? rising[below]) - rising[below]);
}

/**
 * The |r| at which the scale of a map ends, before gain.
 *
 * @param {Float32Array} values
 * @param {number} clip percentile of |r|
 */
export function limitOf(values, clip) {
  if (clip < 100) return percentile(sorted(values, "both"), clip);
  return values.reduce((most, r) => Math.max(most, Math.abs(r) || 0), 0);
}

/**
 * Whether pixel i is among the strongest `percent` of all; nothing is never strong.
 *
 * @param {Float32Array} values
 * @param {Sign} sign
 * @param {number} percent
 * @returns {(i: number) => boolean}
 */
export function strongOf(values, sign, percent) {
  const least = percentile(sorted(values, sign), 100 - percent);
  return (i) => STRENGTHS[sign](values[i]) >= least && STRENGTHS[sign](values[i]) > 0;
}

/**
 * Numbers of the `count` strongest pixels.
 *
 * @param {Float32Array} values
 * @param {Sign} sign
 * @param {number} count
 */
export function strongest(values, sign, count) {
  const rising = sorted(values, sign);
  const least = rising[Math.max(0, rising.length - count)];
  const found = [];
  for (let i = 0; i < values.length && found.length < count; i++) {
    const strength = STRENGTHS[sign](values[i]);
    if (strength > 0 && strength >= least) found.push(i);
  }
  return found;
}

/**
 * Pearson's correlation of two maps; NaN where one of them is constant.
 *
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function correlation(a, b) {
  let [sumA, sumB, squaresA, squaresB, products] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    sumA += a[i];
    sumB += b[i];
    squaresA += a[i] * a[i];
    squaresB += b[i] * b[i];
    products += a[i] * b[i];
  }
  const [varianceA, varianceB] = [squaresA - (sumA * sumA) / a.length, squaresB - (sumB * sumB) / a.length];
  return (products - (sumA * sumB) / a.length) / Math.sqrt(varianceA * varianceB);
}

/**
 * Relevance inside and outside of a region, its share of the area, the context ratio (Lapuschkin et al. 2016), and the
 * share of all positive relevance that lies inside; NaN where there is none.
 *
 * @param {Float32Array} values
 * @param {(i: number) => boolean} inside
 */
export function sumsOf(values, inside) {
  let [within, without, area, forIt, all] = [0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (inside(i)) area += 1;
    if (values[i] > 0) all += values[i];
    if (values[i] > 0 && inside(i)) forIt += values[i];
    if (inside(i)) within += values[i];
    else without += values[i];
  }
  const context = within > 0 && without >= 0 ? without / (values.length - area) / (within / area) : NaN;
  return { within, without, share: area / values.length, context, evidence: forIt / all };
}
