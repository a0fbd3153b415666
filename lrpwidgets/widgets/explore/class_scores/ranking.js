// Which classes are listed, and how their scores are worded: numbers only.

/**
 * @typedef {object} State which classes are meant
 * @property {number} target
 * @property {number | null} [than] the class it is compared with
 * @property {number | null} [truth]
 * @property {boolean} [follows] whether the top class is explained, whatever it is
 */

/**
 * Classes from the highest score down, but for those without a name, which cannot be.
 *
 * @param {Float32Array} scores
 * @param {string[]} classes
 */
export function ranked(scores, classes) {
  return [...scores.keys()].filter((index) => classes[index]).sort((a, b) => scores[b] - scores[a]);
}

/**
 * The classes to list: the first `most`, with those that are explained; or those that have `words` in their name.
 *
 * @param {number[]} ranking
 * @param {string[]} classes
 * @param {State} state
 * @param {number} most
 * @param {string} words
 */
export function listed(ranking, classes, { target, than }, most, words) {
  const wanted = words.trim().toLowerCase();
  if (wanted) return ranking.filter((index) => classes[index].toLowerCase().includes(wanted)).slice(0, 2 * most);
  const always = [target, than ?? null].filter((index) => index !== null && ranking.indexOf(index) >= most);
  return [...ranking.slice(0, most - always.length), .../** @type {number[]} */ (always)];
}

/**
 * Where scores lie on a line from the lowest to the highest, with zero on it, in percent.
 *
 * @param {number[]} scores
 */
export function lineOf(scores) {
  const [lowest, highest] = [Math.min(0, ...scores), Math.max(0, ...scores)];
  return (/** @type {number} */ score) => (100 * (score - lowest)) / (highest - lowest || 1);
}

/**
 * A probability in percent; none looks certain that is not.
 *
 * @param {number} share
 */
export function percent(share) {
  return share > 0.995 && share < 1 ? "> 99%" : share < 0.005 && share > 0 ? "< 1%" : `${Math.round(100 * share)}%`;
}

/** @param {string} name */
export function shortened(name) {
  return name.length > 14 ? `${name.slice(0, 13)}…` : name;
}
