// How far the pass over the data is, in words.

/**
 * @typedef {object} Pass
 * @property {number} done inputs
 * @property {number} total
 * @property {boolean} going
 * @property {boolean} waits whether it goes on when the film has ended
 * @property {string} takes how long the others take; empty if that is not known
 */

/** @param {{ pass?: Pass, problem: string, none: boolean }} told */
export function progress({ pass, problem, none }) {
  if (none) return "There are no real inputs to find samples in.";
  if (problem || !pass) return problem;
  const counts = `${pass.done.toLocaleString("en")} of ${pass.total.toLocaleString("en")} inputs`;
  if (pass.going) return `Looking for reference samples: ${counts}${pass.waits ? ", on when the film has ended" : ""}`;
  return `Reference samples: ${counts} looked at${pass.takes ? `; the others take about ${pass.takes}` : ""}`;
}
