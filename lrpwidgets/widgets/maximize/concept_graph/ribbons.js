// Where ribbons begin and end, and how wide they are; nothing here knows the page.

export const HEIGHT = 216; // pixels of a column
export const BETWEEN = 4; // pixels that are left free of a row
const TALLEST = 72; // pixels of a row
const [WIDEST, THINNEST] = [14, 0.5]; // pixels of a ribbon
const SEEN = 0.01; // which part of the widest is drawn at least

/**
 * @typedef {object} Edge
 * @property {number} above place in the upper column
 * @property {number} below place in the lower one
 * @property {number} relevance that flows
 * @property {number} width pixels
 *
 * @typedef {Edge & { from: number, to: number }} Ribbon with the heights of both ends, in pixels from the top
 */

/**
 * Pixels of each of `count` rows: where channels are few, they are taller, since more flows through each.
 *
 * @param {number} count
 */
export const step = (count) => Math.min(TALLEST, HEIGHT / count);

/**
 * The edges, as [above, below, relevance], that are wide enough to be seen, and the |relevance| of the widest.
 *
 * @param {number[][]} edges
 * @returns {[Edge[], number]}
 */
export function widths(edges) {
  const most = Math.max(1e-30, ...edges.map(([, , relevance]) => Math.abs(relevance)));
  const seen = edges.filter(([, , relevance]) => Math.abs(relevance) >= SEEN * most);
  return [seen.map(([above, below, relevance]) => ({ above, below, relevance, width: Math.max(THINNEST, (WIDEST * Math.abs(relevance)) / most) })), most];
}

/**
 * The ribbons of one gap between columns of so many channels, thin ones last, as they lie on top.
 *
 * @param {Edge[]} edges
 * @param {number[]} counts
 * @returns {Ribbon[]}
 */
export function ribbons(edges, counts) {
  const steps = counts.map(step);
  const middle = (/** @type {number} */ place, /** @type {number} */ side) => HEIGHT / 2 + (place + 0.5 - counts[side] / 2) * steps[side];
  const above = spread(edges, "above", "below", steps[0] - 2 * BETWEEN);
  const below = spread(edges, "below", "above", steps[1] - 2 * BETWEEN);
  const placed = edges.map((edge) => ({ ...edge, from: middle(edge.above, 0) + (above.get(edge) ?? 0), to: middle(edge.below, 1) + (below.get(edge) ?? 0) }));
  return placed.sort((a, b) => b.width - a.width);
}

/**
 * The place of each ribbon in its node of `side`, in pixels from the node's middle: in the order of the other ends, within
 * the node's height.
 *
 * @param {Edge[]} edges
 * @param {"above" | "below"} side
 * @param {"above" | "below"} other
 * @param {number} room
 */
export function spread(edges, side, other, room) {
  const places = /** @type {Map<Edge, number>} */ (new Map());
  for (const node of new Set(edges.map((edge) => edge[side]))) {
    const own = edges.filter((edge) => edge[side] === node).sort((a, b) => a[other] - b[other]);
    const total = own.reduce((sum, edge) => sum + edge.width, 0);
    const squeeze = Math.min(1, room / total);
    let at = -total / 2;
    for (const edge of own) {
      places.set(edge, squeeze * (at + edge.width / 2));
      at += edge.width;
    }
  }
  return places;
}
