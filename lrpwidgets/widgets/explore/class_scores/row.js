// One class as a button: its name, a bar, its score, and its probability if there is one.

import { element, number } from "../../base/common.js";
import { percent } from "./ranking.js";

/**
 * @typedef {object} Said what the network says
 * @property {string[]} classes
 * @property {Float32Array} scores
 * @property {Float32Array} probabilities empty if there are none
 * @property {Float32Array} before scores of the input before it was painted on; empty if it is not
 */

/**
 * @param {number} index of the class
 * @param {Said} said
 * @param {import("./ranking.js").State} state
 * @param {boolean} contrasts whether two classes are compared
 * @param {(score: number) => number} at where a score lies on the line, in percent
 */
export function rowOf(index, { classes, scores, probabilities, before }, { target, than, truth }, contrasts, at) {
  const score = scores[index];
  const role = index === target ? "A" : index === than ? "B" : "";
  const probability = probabilities.length ? percent(probabilities[index]) : "";
  const was = before.length ? `, ${number(before[index])} before painting` : "";
  const made = element(
    "button",
    {
      type: "button",
      className: index === target ? "lrp-chosen" : "",
      ariaLabel: `${classes[index]}: score ${number(score)}${probability && `, probability ${probability}`}${was}`,
      title: contrasts ? "Explain why A rather than a class" : "Explain a class of the list",
    },
    element("span", { className: "lrp-name", title: classes[index] + was }, classes[index]),
    element("span", { className: "lrp-tag" }, [contrasts ? role : "", index === truth ? "true" : ""].filter(Boolean).join(" · ")),
    barOf(at(0), at(score), before.length ? at(before[index]) : null),
    element("b", {}, score.toFixed(1).replace("-", "−")),
    element("span", { className: "lrp-quiet" }, probability),
  );
  if (index === target) made.setAttribute("aria-current", "true");
  return made;
}

/**
 * @param {number} zero percent
 * @param {number} score percent
 * @param {number | null} before percent
 */
function barOf(zero, score, before) {
  const [from, to] = [zero, score].sort((a, b) => a - b);
  const made = element("span", { className: "lrp-bar" }, element("i", { style: { left: `${from}%`, width: `${to - from}%` } }));
  if (before !== null) made.append(element("u", { style: { left: `${Math.min(100, Math.max(0, before))}%` } }));
  return made;
}
