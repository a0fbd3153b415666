// How small can it be? Curves of accuracy as channels go; dragging along one shows what is left at that step.

import { array, button, download, element, follow, halves, number, paperOf } from "../base/common.js";
import { drawPicture, LOOK, paint } from "../base/maps.js";
import { apart, svg } from "../base/shapes.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT] = [520, 190, 40, 22, 70];

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-pruning");
  const criteria = element("span", { className: "lrp-choices", role: "group", ariaLabel: "By what channels are compared" });
  const note = element("span", { className: "lrp-quiet", role: "status" });
  const chart = element("div", { className: "lrp-pruning-chart" });
  const range = element("input", { type: "range", min: 0, step: 1, ariaLabel: "How many channels are gone", title: "How many channels are gone" });
  range.addEventListener("input", () => model.send({ at: Number(range.value) }));
  const told = element("div", { className: "lrp-pruning-told" });
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "How small can it be?"), element("span", { className: "lrp-quiet" }, "channels go, the least first, by"), criteria, note), element("div", { className: "lrp-pruning-both" }, element("div", { className: "lrp-pruning-chart" }, chart, range), told));

  /**
   * @param {{ as: string, name: string }} message
   * @param {DataView[]} buffers
   */
  function receive({ as, name }, buffers) {
    if (as === "model") download(new Blob([/** @type {DataView<ArrayBuffer>} */ (buffers[0])]), name);
  }

  function draw() {
    const [state, curves] = [model.get("state"), model.get("curves")];
    criteria.replaceChildren(...state.criteria.map((/** @type {string} */ by) => button(by, `Prune by ${by}`, () => model.send({ by }), { ariaPressed: String(by === state.by && state.steps > 0), disabled: Boolean(state.making) && !(by in curves) })));
    note.textContent = state.making ? `making the curve of ${state.making} …` : state.steps ? "" : "choose one: its curve takes a while";
    const shown = Object.keys(curves).length > 0;
    chart.replaceChildren(...(shown ? [chartOf(curves, state, (at) => model.send({ at }))] : []));
    range.hidden = told.hidden = !shown || !state.steps;
    range.max = String(Math.max(0, state.steps - 1));
    range.value = String(state.at);
    if (!told.hidden) told.replaceChildren(...toldOf(model, paperOf(el)));
  }

  model.on("msg:custom", receive);
  const undo = follow(model, el, draw);
  return () => {
    model.off("msg:custom", receive);
    undo();
  };
}

/**
 * @param {Record<string, number[][]>} curves
 * @param {any} state
 * @param {(at: number) => void} move
 */
function chartOf(curves, state, move) {
  const low = Math.min(0.9, ...Object.values(curves).flat().map(([, , least]) => least));
  const from = Math.max(0, Math.floor(10 * low) / 10);
  const x = (/** @type {number} */ fraction) => LEFT + fraction * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ share) => 8 + ((1 - share) / (1 - from)) * (HEIGHT - BOTTOM - 8);
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Accuracy as channels go" });
  for (const share of [from, (1 + from) / 2, 1]) made.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(share), y2: y(share), class: "lrp-pruning-grid" }), words(`${Math.round(100 * share)} %`, { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }));
  for (const fraction of [0, 0.25, 0.5, 0.75]) made.append(words(`${100 * fraction} % gone`, { x: x(fraction), y: HEIGHT - 4, "text-anchor": fraction ? "middle" : "start" }));
  const now = curves[state.by];
  const ends = Object.values(curves).map((points) => points[points.length - 1]);
  const heights = apart(ends.map(([, accuracy]) => y(accuracy)), 13);
  Object.entries(curves).forEach(([by, points], place) => {
    const last = ends[place];
    made.append(svg("polyline", { points: points.map(([fraction, accuracy]) => `${x(fraction)},${y(accuracy)}`).join(" "), class: "lrp-pruning-line", ...(by === state.by ? { "data-now": "true" } : {}) }), words(by, { x: x(last[0]) + 5, y: heights[place] + 4, class: by === state.by ? "lrp-pruning-now" : "" }));
  });
  if (now) {
    for (const [fraction, , least, most] of now) made.append(svg("line", { x1: x(fraction), x2: x(fraction), y1: y(least), y2: y(most), class: "lrp-pruning-range" }));
    const [fraction, accuracy] = now[state.at];
    made.append(svg("line", { x1: x(fraction), x2: x(fraction), y1: 8, y2: HEIGHT - BOTTOM, class: "lrp-pruning-at" }), svg("circle", { cx: x(fraction), cy: y(accuracy), r: 4.5, class: "lrp-pruning-dot" }));
    drag(made, now, x, move);
  }
  return made;
}

/**
 * Look at the step below the pointer while it is held.
 *
 * @param {SVGElement} chart
 * @param {number[][]} points
 * @param {(fraction: number) => number} x
 * @param {(at: number) => void} move
 */
function drag(chart, points, x, move) {
  const nearest = (/** @type {PointerEvent} */ event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    const away = points.map(([fraction]) => Math.abs(x(fraction) - at));
    move(away.indexOf(Math.min(...away)));
  };
  chart.addEventListener("pointerdown", nearest);
  chart.addEventListener("pointermove", (event) => event.buttons && nearest(event));
}

/**
 * @param {import("../base/common.js").Model} model
 * @param {number[]} paper
 * @returns {Element[]}
 */
function toldOf(model, paper) {
  const { step, whole } = model.get("figures");
  const row = (/** @type {string} */ name, /** @type {(each: any) => string} */ text) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text(whole)), element("td", {}, element("b", {}, text(step))));
  const table = element("table", {}, element("tr", {}, element("th", {}), element("th", { scope: "col", className: "lrp-quiet" }, "whole"), element("th", { scope: "col", className: "lrp-quiet" }, `${Math.round(100 * step.fraction)} % gone`)),
    row("accuracy", (each) => `${(100 * each.accuracy).toFixed(1)} %`), row("parameters", (each) => each.parameters.toLocaleString("en")), row("multiply-adds", (each) => each.multiply_adds.toLocaleString("en")), row("a pass", (each) => `${number(each.milliseconds)} ms`));
  const save = button("save smaller model", "Save the weights of the smaller model (safetensors)", () => model.send({ save: true }), { disabled: step.fraction === 0 });
  return [...mapsOf(model, paper), table, element("p", { className: "lrp-quiet" }, step.said.join(" ")), element("p", {}, save)];
}

/**
 * @param {import("../base/common.js").Model} model
 * @param {number[]} paper
 * @returns {Element[]}
 */
function mapsOf(model, paper) {
  const [size, mapSize] = [model.get("size"), model.get("map_size")];
  const maps = halves(model.get("maps"));
  if (!maps.length) return [];
  const picture = element("canvas", { role: "img", ariaLabel: "The input" });
  drawPicture(picture, size, array(model.get("picture"), Uint8Array));
  const each = ["whole", "smaller"].map((title, place) => {
    const canvas = element("canvas", { role: "img", ariaLabel: `Heatmap of the ${title} model` });
    requestAnimationFrame(() => paint(canvas, mapSize, maps.subarray((place * maps.length) / 2, ((place + 1) * maps.length) / 2), 1, LOOK, null, paper));
    return element("div", {}, canvas, element("span", { className: "lrp-quiet" }, title));
  });
  return [element("div", { className: "lrp-pruning-maps" }, element("div", {}, picture, element("span", { className: "lrp-quiet" }, "why its class?")), ...each)];
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} properties
 */
function words(text, properties) {
  return svg("text", properties, text);
}

export default { render };
