// The sentence, and beside it the nearest real input.

import { element, array, follow } from "../base/common.js";
import { paintRgb, picture } from "./pictures.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-honesty");
  const canvas = picture("Nearest real input");
  const name = element("div", { className: "lrp-quiet lrp-name" });
  const nearest = element("figure", {}, element("figcaption", {}, "nearest real input"), canvas, name);
  const sentence = element("p", { role: "status", ariaLive: "off" });
  const facts = element("div", { className: "lrp-facts lrp-quiet" });
  const when = element("div", { className: "lrp-quiet" });
  el.append(nearest, element("div", { className: "lrp-verdict" }, sentence, facts, when));

  function draw() {
    const state = model.get("state");
    if (!state.sentence) return;
    const [first, ...rest] = state.sentence.split(/(?<=^No natural input)/);
    sentence.replaceChildren(rest.length ? element("b", {}, first) : first, ...rest);
    facts.replaceChildren(
      ...state.facts.map((/** @type {string[]} */ [words, figure, more]) => element("span", {}, words, element("b", {}, figure), more)),
      element("span", {}, "the network says ", element("b", {}, state.says)),
    );
    when.textContent = `said of frame ${state.step.toLocaleString("en")}`;
    when.classList.toggle("lrp-behind", state.behind);
    const size = model.get("size");
    nearest.hidden = !size[0];
    name.textContent = state.name;
    name.title = state.name;
    canvas.ariaLabel = `Nearest real input: ${state.name}`;
    paintRgb(canvas, array(model.get("pixels"), Uint8Array), size);
    el.dataset.step = state.step;
  }

  return follow(model, el, draw);
}

export default { render };
