// What the kernel tells of a network, its rules, and the relevance that passes through it.

import { array } from "../../base/common.js";

const AMOUNTS = 5; // received, handed, bias, stabilizer, rules

/**
 * @typedef {object} Layer that carries a rule
 * @property {string} name
 * @property {string} kind
 * @property {string} shape
 * @property {string} block its path; empty for none
 * @property {string} family of its rules
 * @property {boolean} leads whether its rule is that of its block
 *
 * @typedef {{ kind: string, shape: string, family: string }} Block
 *
 * @typedef {object} Knob
 * @property {string} name
 * @property {string} symbol
 * @property {string} help
 * @property {number[]} slider from and to
 * @property {boolean} logarithmic
 *
 * @typedef {object} Network
 * @property {Layer[]} rows
 * @property {Record<string, Block>} blocks by path
 * @property {Record<string, string[]>} choices rules by family
 * @property {Record<string, { help: string, knobs: Knob[] }>} rules
 *
 * @typedef {{ entry: number, name: string, family: string, rule: number, rows: number[] }} Family of layers with one rule
 *
 * @typedef {object} State
 * @property {([string, number[]] | null)[]} rules names and values of their knobs; null for none
 * @property {number[]} rule by row
 * @property {number[]} changed rows whose rule is not that of the preset
 * @property {number[]} again rows that were propagated again
 * @property {number} answers number of the explanation
 * @property {number} explained score
 * @property {boolean} preset whether there is one to go back to
 * @property {Family[]} families
 *
 * @typedef {object} Told
 * @property {Network} network
 * @property {State} state
 * @property {Float32Array[]} every amounts by row, then by block
 * @property {number} largest amount
 * @property {boolean} fresh whether the explanation is another one
 * @property {Set<number>} changed
 * @property {Set<number>} again
 */

/**
 * @param {import("../../base/common.js").Model} model
 * @param {number} marked number of the explanation that was told of before
 * @returns {Told}
 */
export function toldBy(model, marked) {
  const [network, state] = [/** @type {Network} */ (model.get("network")), /** @type {State} */ (model.get("state"))];
  const numbers = array(model.get("amounts"), Float32Array);
  const every = Array.from({ length: numbers.length / AMOUNTS }, (_, index) => numbers.subarray(AMOUNTS * index, AMOUNTS * (index + 1)));
  return {
    network,
    state,
    every,
    largest: largestOf(state.explained, every),
    fresh: state.answers !== marked,
    changed: new Set(state.changed),
    again: new Set(state.again),
  };
}

/**
 * The largest amount that a bar has to hold.
 *
 * @param {number} explained
 * @param {Float32Array[]} every
 */
export function largestOf(explained, every) {
  return Math.max(Math.abs(explained), ...every.map(([received, handed]) => Math.max(Math.abs(received), Math.abs(handed)) || 0));
}
