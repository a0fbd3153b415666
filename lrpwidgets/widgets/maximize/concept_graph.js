// Three columns of channels, from the output on the left down to the input, and between them ribbons: what flows.

import { paperOf, element, number, array, follow } from "../base/common.js";
import { drawn, hues, locate, node } from "./concept_graph/drawing.js";
import { BETWEEN, HEIGHT, ribbons, step, widths } from "./concept_graph/ribbons.js";

/** @typedef {[string, [number, string, number][]] | null} Column a layer, and its channels: number, name, Σ R */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-graph");
  const subtitle = element("span", { className: "lrp-quiet" });
  const nothing = element("p", { className: "lrp-quiet lrp-why" });
  const graph = element("div", { className: "lrp-flow", role: "group", ariaLabel: "Channels from the output down, and what flows between them" });
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Concepts of this input"), subtitle), graph, nothing);
  let focused = false; // whether a channel was, also while there is no graph for a moment

  function draw() {
    const [state, columns] = [model.get("state"), model.get("columns")];
    focused ||= graph.contains(document.activeElement);
    nothing.textContent = state.nothing ?? "";
    nothing.hidden = !state.nothing;
    graph.hidden = Boolean(state.nothing);
    el.dataset.layer = state.layer ?? "";
    subtitle.textContent = "";
    if (state.nothing || !columns.length) return;
    subtitle.textContent = `how relevance for “${state.says}” flows down from layer to layer · width: how much, red for it, blue against it · a click moves on to a channel`;
    const [first, second] = gaps(columns);
    const [above, own, below] = columns.map(list);
    graph.replaceChildren(above, first, own, second, below);
    if (focused && document.activeElement === document.body) /** @type {HTMLElement | null} */ (own.querySelector("[aria-pressed=true]") ?? own.querySelector("button"))?.focus();
    focused = false;
  }

  /** The ribbons on both sides of the own layer, each side on a scale of its own, which stands above it. */
  function gaps(/** @type {Column[]} */ columns) {
    const hue = hues(paperOf(el));
    const name = (/** @type {NonNullable<Column>} */ column) => (/** @type {number} */ place) => `#${column[1][place][0]} of ${column[0]}`;
    return [0, 1].map((gap) => {
      const [above, below] = [columns[gap], columns[gap + 1]];
      if (!above || !below) return element("span");
      const flows = model.get("edges").filter((/** @type {number[]} */ [where]) => where === gap);
      const [edges, most] = widths(flows.map((/** @type {number[]} */ [, ...edge]) => edge));
      const made = drawn(ribbons(edges, [above[1].length, below[1].length]), [name(above), name(below)], hue);
      made.dataset.gap = String(gap);
      return element("div", {}, element("div", { className: "lrp-quiet lrp-scale" }, `widest ${number(most)}`), made);
    });
  }

  function list(/** @type {Column} */ column, /** @type {number} */ place) {
    if (!column) return element("p", { className: "lrp-quiet lrp-end" }, place ? "the input" : "the output");
    const [layer, channels] = column;
    const { wished, number: chosen } = model.get("state");
    const buttons = channels.map((each, at) => {
      const made = node(graph, layer, each, () => model.send({ channel: each[0], layer }));
      Object.assign(made.dataset, { column: place, place: at });
      made.ariaPressed = String(layer === wished && each[0] === chosen);
      made.style.height = `${step(channels.length) - BETWEEN}px`;
      return made;
    });
    if (place === 1) locate(buttons, array(model.get("heatmaps"), Int8Array), model.get("heatmap"), paperOf(el));
    return element("div", { data: { layer } }, element("div", { className: "lrp-quiet" }, element("span", { className: "lrp-mono", title: layer }, layer), element("span", {}, "Σ R")), element("div", { style: { height: `${HEIGHT}px`, gap: `${BETWEEN}px` } }, ...buttons));
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
  };
}

export default { render };
