// What changed since one looked last.

/**
 * A function that says whether the kernel sent one of some traits since it was asked for it last, and the traits as they
 * were then.
 *
 * @param {import("../base/common.js").Model} model
 */
export function news(model) {
  /** @type {Record<string, any>} */
  const got = {};
  const came = (/** @type {string[]} */ ...traits) => traits.filter((trait) => got[trait] !== (got[trait] = model.get(trait))).length > 0;
  return { got, came };
}
