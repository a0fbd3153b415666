// What the colours mean, in numbers, and what stands outside of them.

import { colour, element, mapOn, number } from "../../base/common.js";

const SUMS = { token: "relevance per token", word: "relevance per word, sum of its tokens", sentence: "relevance per sentence, sum of its tokens" };

/** @param {(sinks: boolean) => void} choose whether sinks are outside the scale */
export function legendOf(choose) {
  const [low, high] = ["lrp-number", "lrp-number"].map((className) => element("span", { className }));
  const ramp = element("span", { className: "lrp-ramp", role: "img", ariaLabel: "Colour scale: red for, blue against" });
  const unit = element("span", { className: "lrp-quiet" });
  const box = element("input", { type: "checkbox", checked: true });
  const told = element("span");
  const sinks = element("label", { className: "lrp-quiet lrp-sinks", title: "Relevance piles up there for no reason of the text" }, box, element("i", { className: "lrp-hatch" }), told);
  box.addEventListener("change", () => choose(box.checked));

  /**
   * @param {import("./cells.js").Level} level
   * @param {number} limit
   * @param {string} range which texts have this scale
   * @param {number[]} paper
   */
  function tell(level, limit, range, paper) {
    low.textContent = number(-limit);
    high.textContent = number(limit, { sign: true });
    unit.textContent = `${SUMS[level]}, in units of f${range}`;
    ramp.style.background = `linear-gradient(90deg, ${stopsOf(paper).join()})`;
  }

  /**
   * @param {boolean} apart whether sinks are outside the scale
   * @param {number} held by them
   * @param {number} reached relevance on the whole text
   * @param {boolean} first whether the first token is one
   */
  function tellSinks(apart, held, reached, first) {
    box.checked = apart;
    const where = apart ? "shown but outside the scale" : "coloured like the rest";
    told.replaceChildren(`sinks: ${first ? "the first token, " : ""}separators and marks, ${where}; they hold `, element("b", {}, number(held)), " of Σ R = ", element("b", {}, number(reached)));
  }

  return { made: element("div", { className: "lrp-text-legend" }, element("div", { className: "lrp-ends" }, low, ramp, high, unit), sinks), tell, tellSinks };
}

/** @param {number[]} paper */
function stopsOf(paper) {
  const [pixels, map] = [/** @type {number[]} */ ([]), mapOn("red–blue", paper)];
  return Array.from({ length: 21 }, (_, at) => {
    colour(pixels, 0, at / 10 - 1, map, paper);
    return `rgb(${pixels.slice(0, 3).map(Math.round).join()})`;
  });
}
