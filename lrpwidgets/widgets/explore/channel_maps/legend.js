// What the colours of the maps mean.

import { number } from "../../base/common.js";

/**
 * @typedef {object} Scale what full colour stands for
 * @property {number} whole relevance, in the map of the whole layer
 * @property {number} channels relevance, in all others
 * @property {number} low activation
 * @property {number} high activation
 * @property {number} pooled how many positions were pooled in each direction
 */

/**
 * @param {Scale} scale
 * @param {string} shows relevance, activation, or both
 * @param {number} [apart] relevance that is not on the map
 */
export function legendOf({ whole, channels, low, high, pooled }, shows, apart) {
  const said = [];
  if (shows !== "activation") said.push(`±${number(channels)} relevance per position, same scale in all channels; ±${number(whole)} in “all”`);
  if (shows !== "relevance") said.push(`activation ${number(low)} (paper) to ${number(high)} (ink), “all” stretched to its own`);
  if (apart !== undefined) said.push(`class token, not on the maps: Σ R = ${number(apart)}`);
  if (pooled > 1) said.push(`${pooled} × ${pooled} positions pooled`);
  return said.join(" · ");
}
