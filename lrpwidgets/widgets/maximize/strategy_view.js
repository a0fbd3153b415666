// Each strategy as a row: how frequent it is, the channels that carry it, its prototypes.

import { element, button, number, array, follow } from "../base/common.js";
import { paintRgb, picture } from "./pictures.js";
import { parts } from "./tiles.js";

/**
 * @typedef {[number, [number, number][], [number, string][]]} Strategy its share, channels with their share, prototypes
 * @typedef {{ nearest: number | null, unusual: number | null, item: number, wished: number | null }} State
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-strategies");
  const title = element("h2");
  const said = element("span", { className: "lrp-quiet" });
  const here = element("p", { className: "lrp-quiet" });
  const list = element("div");
  el.append(element("div", { className: "lrp-head" }, title, said), here, list);

  function draw() {
    const state = model.get("state");
    el.hidden = state.name === undefined;
    if (el.hidden) return;
    title.textContent = `How “${state.name}” is recognized`;
    said.textContent = `by ${state.layer}, in ${state.inputs.toLocaleString("en")} input${state.inputs === 1 ? "" : "s"}`;
    here.textContent = state.problem || standing(state);
    here.hidden = !here.textContent;
    const pictures = parts(array(model.get("pixels"), Uint8Array), model.get("sizes"), 3);
    let at = 0;
    list.replaceChildren(...model.get("strategies").map((/** @type {Strategy} */ one, /** @type {number} */ place) => row(one, place, state, () => [pictures[at], model.get("sizes")[at++]])));
    Object.assign(el.dataset, { layer: state.layer, name: state.name });
  }

  /** What is to be said of the input that is looked at. */
  function standing(/** @type {State} */ { nearest, unusual, item }) {
    if (nearest === null || unusual === null) return "";
    const usual = unusual < 0.9 ? "as many do" : `and ${number(100 * unusual)} % of them are more usual than this one`;
    return `Input ${item} goes way ${nearest + 1}, ${usual}.`;
  }

  /**
   * @param {Strategy} strategy
   * @param {number} place
   * @param {State} state
   * @param {() => [Uint8Array, number[]]} next the pixels and the size of the next prototype
   */
  function row([share, channels, prototypes], place, { nearest, wished }, next) {
    const head = element("div", { className: "lrp-strategy-head" }, element("b", {}, `${number(100 * share)} %`), ` way ${place + 1}${place === nearest ? ", this input’s" : ""}`, element("span", { className: "lrp-space" }));
    for (const [channel, part] of channels) {
      head.append(button(`#${channel}`, `#${channel} carries ${number(100 * part)} % of the relevance. What does it want?`, () => model.send({ channel }), { ariaPressed: String(channel === wished) }));
    }
    const shown = element("div", { className: "lrp-prototypes" });
    for (const [item, name] of prototypes) {
      const canvas = picture("");
      paintRgb(canvas, ...next());
      const made = button("", `${name}. Look into this input`, () => model.send({ item }), { ariaLabel: `Prototype ${name}`, data: { item } });
      made.append(canvas);
      shown.append(made);
    }
    return element("section", {}, head, shown);
  }

  return follow(model, el, draw);
}

export default { render };
