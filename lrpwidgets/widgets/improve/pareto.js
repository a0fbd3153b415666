// What repairs cost: clean accuracy across, accuracy with the artefact up.

import { element, follow } from "../base/common.js";
import { apart, svg } from "../base/shapes.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT] = [560, 200, 44, 22, 160];

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-pareto");
  const chart = element("div", {});
  const note = element("span", { className: "lrp-quiet" });
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "What does a repair cost?"), note), chart);

  function draw() {
    const points = /** @type {[string, number[][]][]} */ (model.get("points"));
    note.textContent = points.length ? "clean accuracy across, with the artefact up: best is the upper right" : "to be seen once a repair is made";
    chart.replaceChildren(...(points.length ? [chartOf(points, model.get("axes"))] : []));
  }

  return follow(model, el, draw);
}

/**
 * @param {[string, number[][]][]} points
 * @param {number[]} axes
 */
function chartOf(points, [least, lowest]) {
  const x = (/** @type {number} */ clean) => LEFT + ((clean - least) / (1 - least || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ poisoned) => 12 + ((1 - poisoned) / (1 - lowest || 1)) * (HEIGHT - BOTTOM - 16);
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Clean accuracy against accuracy with the artefact" });
  const percent = (/** @type {number} */ share) => `${Number((100 * share).toFixed(1))} %`;
  for (const share of [lowest, (1 + lowest) / 2, 1]) made.append(svg("line", { x1: LEFT, x2: x(1), y1: y(share), y2: y(share), class: "lrp-pareto-grid" }), svg("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)));
  for (const share of [least, (1 + least) / 2, 1]) made.append(svg("text", { x: x(share), y: HEIGHT - 4, "text-anchor": "middle" }, percent(share)));
  const middle = (/** @type {number[][]} */ seeds, /** @type {number} */ axis) => seeds.reduce((sum, seed) => sum + seed[axis], 0) / seeds.length;
  for (const [, seeds] of points) for (const [clean, poisoned] of seeds) made.append(svg("circle", { cx: x(clean), cy: y(poisoned), r: 2.5, class: "lrp-pareto-seed" }));
  const places = points.map(([, seeds]) => [x(middle(seeds, 0)), y(middle(seeds, 1))]);
  const heights = apart(places.map(([, high]) => high), 13);
  points.forEach(([name], place) => {
    const [across, high] = places[place];
    made.append(svg("line", { x1: across, y1: high, x2: x(1) + 14, y2: heights[place], class: "lrp-pareto-lead" }), svg("circle", { cx: across, cy: high, r: 4.5, class: "lrp-pareto-mean" }), svg("text", { x: x(1) + 18, y: heights[place] + 4, class: "lrp-pareto-name" }, name));
  });
  return made;
}

export default { render };
