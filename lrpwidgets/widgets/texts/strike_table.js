// A test beside the claim: relevance of each word, and the score without it.

import { element, follow, number } from "../base/common.js";
import { short } from "../base/shades.js";
import { point, pointed } from "./pointing.js";

const MOST = 12; // rows that are shown first

/** @typedef {[word: string, index: number, relevance: number, score: number, change: number]} Row */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-strikes");
  const heading = element("div", { className: "lrp-strike-row lrp-strike-heading" }, element("span", {}), element("span", {}, "its relevance"), element("span", {}, "change"), element("span", {}, "score without it"));
  const list = element("div", { className: "lrp-strike-list" });
  const more = element("button", { type: "button", className: "lrp-link" });
  const agreement = element("p", { className: "lrp-quiet lrp-strike-agreement", role: "status" });
  let all = false;
  more.addEventListener("click", () => {
    all = !all;
    draw();
  });
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Strike a word"), element("span", { className: "lrp-quiet" }, "does the score follow the heatmap? click one to strike it")), heading, list, more, agreement);

  function draw() {
    const rows = /** @type {Row[]} */ (model.get("rows"));
    const struck = /** @type {[number, string][]} */ (model.get("struck"));
    const most = (/** @type {2 | 4} */ at) => Math.max(0, ...rows.map((row) => Math.abs(row[at]))) || 1;
    const [largest, farthest] = [most(2), most(4)];
    list.replaceChildren(...struck.map(struckRow), ...rows.slice(0, all ? rows.length : MOST).map((row) => rowOf(row, largest, farthest)));
    heading.hidden = !rows.length;
    more.hidden = rows.length <= MOST;
    more.textContent = all ? "fewer words" : `all ${rows.length} words`;
    agreement.replaceChildren(...said(rows));
    el.dataset.waiting = String(model.get("waiting"));
  }

  /** @param {Row[]} rows */
  function said(rows) {
    if (model.get("moves")) return ["Answers are places in the text, and they move when a word is struck: type another text to see what the model says."];
    if (model.get("waiting") && !rows.length) return ["Each word is being struck …"];
    const value = model.get("agreement");
    if (value === null) return [rows.length ? "" : "There are fewer than two words to strike."];
    const left = model.get("left_out");
    const rest = left ? ` of the largest relevance; ${left.toLocaleString("en")} others were not struck` : "";
    return ["rank correlation of relevance with − change: ", element("b", {}, short(value)), ` over ${rows.length} words${rest}`];
  }

  /** @param {[number, string]} struck */
  function struckRow([index, word]) {
    const made = element("button", { type: "button", className: "lrp-strike-row lrp-strike-gone", data: { word: index }, title: "Take it back" }, element("s", {}, word), element("span", { className: "lrp-quiet" }, "struck: click to take it back"));
    made.addEventListener("click", () => model.send({ strike: index }));
    return made;
  }

  /**
   * @param {Row} row
   * @param {number} largest
   * @param {number} farthest
   */
  function rowOf([word, index, relevance, score, change], largest, farthest) {
    const made = element(
      "button",
      { type: "button", className: "lrp-strike-row", data: { word: index }, title: `Strike “${word}”: relevance ${number(relevance)}, the score becomes ${number(score)}` },
      element("span", {}, word),
      barOf(relevance / largest, relevance < 0 ? "lrp-word-bar-against" : "lrp-word-bar-for"),
      barOf(change / farthest, "lrp-word-bar-plain"),
      element("span", {}, element("b", {}, short(score)), ` ${change < 0 ? "" : "+"}${short(change)}`),
    );
    made.addEventListener("click", () => model.send({ strike: index }));
    made.addEventListener("pointerenter", () => point(el, index));
    made.addEventListener("pointerleave", () => point(el, null));
    return made;
  }

  const unmark = pointed(el, (word) => list.querySelectorAll("[data-word]").forEach((row) => row.classList.toggle("lrp-touched", word !== null && /** @type {HTMLElement} */ (row).dataset.word === String(word))));
  const stop = follow(model, el, draw);
  return () => {
    unmark();
    stop();
  };
}

/**
 * @param {number} share from −1 to 1
 * @param {string} kind
 */
function barOf(share, kind) {
  return element("span", { className: "lrp-word-bar" }, element("i", { className: kind, style: { width: `${48 * Math.abs(share)}%`, [share < 0 ? "right" : "left"]: "50%" } }));
}

export default { render };
