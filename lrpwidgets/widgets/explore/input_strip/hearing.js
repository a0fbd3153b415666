// What the kernel says of inputs, a part at a time.

import { array } from "../../base/common.js";
import { enlarge, learn, learnNames } from "./sieve.js";

/**
 * @typedef {object} Told
 * @property {number[]} [thumbnails] inputs whose pictures come with it
 * @property {number} [names] the first input whose name comes with it
 * @property {[number, string][]} problems why inputs are unreadable
 * @property {[number, string][]} called what the network's classes are called where they are parts of the inputs
 */

/**
 * Note names, or what was found out.
 *
 * @param {import("./sieve.js").Known} known
 * @param {Told} message
 * @param {DataView<ArrayBuffer>[]} buffers
 */
export function hear(known, { names, problems, called }, buffers) {
  if (names !== undefined) learnNames(known, names, JSON.parse(new TextDecoder().decode(buffers[0])));
  else learn(known, buffers.map((buffer, at) => (at < 3 ? array(buffer, Int32Array) : array(buffer, Float32Array))), problems, called);
}

/**
 * Note how many there are, and which were removed.
 *
 * @param {import("./sieve.js").Known} known
 * @param {import("../../base/common.js").Model} model
 */
export function hearTraits(known, model) {
  enlarge(known, model.get("total"));
  known.removed = new Set(model.get("removed"));
}
