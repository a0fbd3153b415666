// Relevance as bars: what layers received, handed on and lost. Amounts are received, handed, bias, stabilizer, rules.

import { element, number } from "../../base/common.js";

const WORDS = ["received", "handed on", "bias took", "stabilizer took", "rule dropped"];

/**
 * How far a bar's parts reach: what is handed on, lost, dropped by the rule, and created.
 *
 * @param {number[]} amounts
 * @returns {Record<string, number>}
 */
export function partsOf([received, , bias, stabilizer, rules]) {
  const absorbed = bias + stabilizer;
  const lost = Math.max(0, absorbed);
  const dropped = Math.max(0, rules);
  return { handed: received - lost - dropped, lost, dropped, created: Math.max(0, -absorbed) + Math.max(0, -rules) };
}

/**
 * The amounts of several layers together.
 *
 * @param {ArrayLike<number>[]} every
 * @param {number[]} indices
 */
export function summed(every, indices) {
  return indices.reduce((total, index) => total.map((amount, each) => amount + every[index][each]), WORDS.map(() => 0));
}

/**
 * A share with its sign, in percent.
 *
 * @param {number} share
 */
export function percent(share) {
  const value = Math.round(1000 * share) / 10;
  if (!Number.isFinite(value)) return "—";
  return `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value) < 1000 ? Math.abs(value) : number(Math.abs(value))} %`;
}

/** The cells of a row: a bar, and what the layer took or created. `several` says whether it stands for several layers. */
export function amountsOf(/** @type {boolean} */ several) {
  const bar = element("div", { className: "lrp-bar", role: "img" });
  const loss = element("td", { className: "lrp-loss" });

  /**
   * @param {number[]} indices of the amounts
   * @param {import("./told.js").Told} told
   */
  function show(indices, { every, largest, state }) {
    const sum = summed(every, indices);
    const sign = state.explained < 0 ? -1 : 1; // bars run to the right whatever the sign of the score
    const finite = sum.every(Number.isFinite);
    const found = partsOf(sum.map((amount) => sign * amount));
    if (several) found.handed = 0; // layers one behind the other receive the same relevance again
    bar.classList.toggle("lrp-error", !finite);
    bar.replaceChildren(...(finite ? Object.keys(found).map((part) => segment(part, found[part] / largest)) : ["not finite"]));
    const taken = sum[2] + sum[3] + sum[4];
    loss.textContent = finite ? percent(-taken / state.explained) : "";
    const words = WORDS.map((text, each) => `${text} ${number(sum[each])}`);
    bar.title = bar.ariaLabel = finite ? `${words.slice(several ? 2 : 0).join(", ")}, in units of the score` : "The numbers are not finite here";
  }

  return { bar, loss, show };
}

/**
 * @param {string} part
 * @param {number} share
 */
function segment(part, share) {
  const made = element("i", { className: `lrp-${part}`, style: { width: `${100 * Math.min(1, Math.abs(share) || 0)}%` } });
  made.classList.toggle("lrp-negative", share < 0);
  return made;
}
