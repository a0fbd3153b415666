// A column of the table: a repair, its figures on axes that all columns share, maps, the verdict and the control.

import { array, button, element, halves } from "../../base/common.js";
import { drawPicture, LOOK, paint } from "../../base/maps.js";
import { svg } from "../../base/shapes.js";

const WIDTH = 120;
/** @type {[string, string][]} */
const FIGURES = [
  ["clean", "clean accuracy"],
  ["poisoned", "poisoned accuracy"],
  ["relevance", "relevance on it"],
];

/**
 * The names of the rows, and the inputs whose maps stand in them.
 *
 * @param {import("../../base/common.js").Model} model
 */
export function namesOf(model) {
  const [axes, examples, size] = [model.get("axes"), model.get("examples"), model.get("size")];
  const pixels = array(model.get("pictures"), Uint8Array);
  const each = 3 * size[0] * size[1];
  return element(
    "div",
    { className: "lrp-repairs-names" },
    named("repair", "a dot is a seed, the dashed mark is before"),
    ...FIGURES.map(([figure, title]) => named(title, `${figure === "relevance" ? "of Σ|R|, " : ""}axis ${percent(axes[figure]?.[0] ?? 0, 0)} to ${percent(axes[figure]?.[1] ?? 1, 0)}`)),
    named("turned", "into the class, over all seeds"),
    named("cost", ""),
    ...examples.map((/** @type {string[]} */ words, /** @type {number} */ place) => {
      const canvas = element("canvas", { role: "img", ariaLabel: words[0] });
      drawPicture(canvas, size, pixels.subarray(place * each, (place + 1) * each));
      return element("div", {}, canvas, ...words.map((word) => element("span", { className: "lrp-quiet" }, word)));
    }),
    named("poison test", "verdict, and what is left"),
    named("control", "an innocent model, repaired alike, first seed"),
  );
}

/**
 * @param {string} title
 * @param {string} note
 */
function named(title, note) {
  return element("div", {}, element("b", {}, title), element("span", { className: "lrp-quiet" }, note));
}

/**
 * @param {import("../../base/common.js").Model} model
 * @param {any} column
 * @param {any} before the column of the model as it is
 * @param {number[]} paper
 */
export function columnOf(model, column, before, paper) {
  const title = element("button", { type: "button", className: "lrp-repairs-title", disabled: !column.name, ...(column.name ? { ariaPressed: String(column.chosen) } : {}), title: column.said.join("\n") }, element("b", {}, column.title), element("span", { className: "lrp-quiet" }, column.does));
  title.addEventListener("click", () => model.send({ choose: column.name }));
  const drop = column.name ? [button("×", `Remove ${column.title}`, () => model.send({ drop: column.name }), { className: "lrp-link lrp-repairs-drop" })] : [];
  if (column.obstacle) return element("div", { className: "lrp-repairs-card", data: { repair: column.name } }, element("div", {}, title, ...drop), element("p", { className: "lrp-quiet lrp-repairs-obstacle" }, column.obstacle));
  const [turned, asked] = column.turned;
  const verdict = column.verdict.word ? [element("span", { className: "lrp-repairs-word", data: column.verdict.guilty ? { guilty: true } : {} }, column.verdict.word), element("span", { className: "lrp-quiet" }, column.verdict.note)] : [];
  const [told, note = ""] = column.control;
  return element(
    "div",
    { className: "lrp-repairs-card", data: { repair: column.name, ...(column.chosen ? { chosen: true } : {}) } },
    element("div", {}, title, ...drop),
    ...FIGURES.map(([figure]) => figureOf(column.dots[figure], before.dots[figure], model.get("axes")[figure])),
    element("div", {}, element("b", {}, asked ? turned.toLocaleString("en") : "…"), element("span", { className: "lrp-quiet" }, asked ? `of ${asked.toLocaleString("en")}` : "")),
    element("div", {}, element("span", {}, column.cost || "…")),
    ...model.get("examples").map((/** @type {any} */ _, /** @type {number} */ place) => mapOf(model, column, place, paper)),
    element("div", {}, ...verdict),
    element("div", {}, element("b", {}, told ?? (column.name ? "…" : "")), element("span", { className: "lrp-quiet" }, note)),
  );
}

/**
 * The mean of a figure, and its seeds on the axis.
 *
 * @param {number[]} dots
 * @param {number[]} before
 * @param {number[]} axis
 */
function figureOf(dots, before, [low, high]) {
  if (!dots.length) return element("div", {}, element("b", {}, before.length ? "…" : "it has no place"));
  const at = (/** @type {number} */ value) => 5 + ((value - low) / (high - low)) * (WIDTH - 10);
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} 12`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("line", { x1: 0, x2: WIDTH, y1: 6, y2: 6, class: "lrp-repairs-line" }));
  if (before.length && before !== dots) chart.append(svg("line", { x1: at(mean(before)), x2: at(mean(before)), y1: 0, y2: 12, class: "lrp-repairs-before" }));
  for (const dot of dots) chart.append(svg("circle", { cx: at(dot), cy: 6, r: 3, class: "lrp-repairs-dot" }));
  chart.append(svg("line", { x1: at(mean(dots)), x2: at(mean(dots)), y1: 0, y2: 12, class: "lrp-repairs-mean" }));
  return element("div", {}, element("b", {}, percent(mean(dots), 1)), chart);
}

/**
 * @param {import("../../base/common.js").Model} model
 * @param {any} column
 * @param {number} place of the input
 * @param {number[]} paper
 */
function mapOf(model, column, place, paper) {
  if (column.at === null) return element("div", {});
  const [size, inputs] = [model.get("map_size"), model.get("examples").length];
  const count = size[0] * size[1];
  const from = (column.at * inputs + place) * count;
  const canvas = element("canvas", { role: "img", ariaLabel: `Heatmap, ${column.title}` });
  const values = halves(model.get("maps")).subarray(from, from + count);
  requestAnimationFrame(() => paint(canvas, size, values, 1, LOOK, null, paper));
  const [says, chance] = column.says[place];
  return element("div", {}, canvas, element("span", { className: column.wrong[place] ? "lrp-quiet lrp-error" : "lrp-quiet" }, `“${says}” ${percent(chance, 0)}`));
}

/**
 * @param {number} share
 * @param {number} digits
 */
function percent(share, digits) {
  return `${(100 * share).toFixed(digits)} %`;
}
