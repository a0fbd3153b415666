// Where methods stand: a dot and its interval for each, ranks under every fill, and what can be said of it.

import { button, element, follow, number } from "../base/common.js";
import { svg } from "../base/shapes.js";
import { truthOf } from "./ranking/truth.js";
import { tuningOf } from "./ranking/tuning.js";

const [LEFT, WIDTH, STEP, ROW] = [0, 132, 34, 22];
/** @type {Record<string, string>} */
const SHORT = { uniform: "noise" };

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {boolean} control
 * @property {number | null} mark
 * @property {number[]} ranks
 * @property {number} gain
 * @property {number | null} low
 * @property {number | null} high
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-ranking");
  const note = element("span", { className: "lrp-quiet", role: "status" });
  const bar = element("progress", { ariaLabel: "Inputs that are flipped" });
  const go = button("pause", "", () => model.send({ go: !model.get("state").running }));
  const table = element("div", { className: "lrp-ranking-table" });
  const words = element("div", { className: "lrp-ranking-said", role: "status", ariaLive: "polite" });
  const [tuning, truth] = [tuningOf(model), truthOf(model)];
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Ranking"), note, bar, element("span", { className: "lrp-space" }), go), table, words, truth.made, tuning.made);

  function draw() {
    const state = model.get("state");
    const rows = /** @type {Row[]} */ (model.get("rows"));
    const waits = !state.running && !state.ended;
    note.textContent = state.done ? `${state.done} of ${state.total} inputs${state.left ? ` · about ${state.left} left` : ""}` : waits && state.cost ? `${state.total} inputs would take about ${state.cost}` : "waiting for the maps …";
    Object.assign(bar, { value: state.done, max: Math.max(1, state.total) });
    go.textContent = state.running ? "pause" : state.done ? "go on" : "start";
    go.title = state.running ? "Wait after the inputs that are under way" : "Flip more inputs";
    go.hidden = state.ended;
    tuning.tell();
    truth.tell();
    table.hidden = words.hidden = !rows.length;
    if (!rows.length) return;
    const scale = scaleOf(rows);
    table.replaceChildren(headOf(state, scale), ...rows.map((row) => rowOf(row, scale, model)), ranksOf(rows, state.fills.length));
    words.replaceChildren(...state.said.map((/** @type {string} */ each) => element("p", {}, each)));
  }

  return follow(model, el, draw);
}

/**
 * As many digits for all: what is compared stands below each other.
 *
 * @param {number} value
 */
function told(value) {
  return value.toFixed(2).replace("-", "−");
}

/** @typedef {{ low: number, high: number, at: (value: number) => number, ticks: number[] }} Scale */

/**
 * From the least to the largest end of all intervals, zero among them.
 *
 * @param {Row[]} rows
 * @returns {Scale}
 */
function scaleOf(rows) {
  const ends = rows.flatMap(({ gain, low, high }) => [low ?? gain, high ?? gain]);
  const [low, high] = [Math.min(0, ...ends), Math.max(1e-9, ...ends)];
  const at = (/** @type {number} */ value) => LEFT + 6 + ((value - low) / (high - low)) * (WIDTH - 12);
  const rough = 10 ** Math.floor(Math.log10(high - low));
  const step = (high - low) / rough > 4 ? 2 * rough : (high - low) / rough > 2 ? rough : rough / 2;
  const ticks = Array.from({ length: 12 }, (_, place) => (place - 4) * step).filter((each) => each >= low && each <= high);
  return { low, high, at, ticks };
}

/**
 * @param {any} state
 * @param {Scale} scale
 */
function headOf({ fills, fill }, { at, ticks }) {
  const axis = svg("svg", { width: WIDTH, height: 16, class: "lrp-ranking-axis" }, ...ticks.map((tick) => {
    const made = svg("text", { x: at(tick), y: 12, "text-anchor": "middle" });
    made.textContent = number(Number(tick.toPrecision(3)));
    return made;
  }));
  const ranks = element("span", { className: "lrp-ranking-fills" }, ...fills.map((/** @type {string} */ each) => element("span", { className: each === fill ? "lrp-ranking-now" : "" }, SHORT[each] ?? each)));
  return element("div", { className: "lrp-ranking-head" }, element("span", {}, "method"), element("span", { title: "Area between the curves of both orders: 0 for an order at random" }, axis), element("span", { title: "Mean over inputs, and its bootstrap interval" }, "SRG, 95 % interval"), element("span", { title: "Rank, by what becomes of flipped parts" }, ranks));
}

/**
 * @param {Row} row
 * @param {Scale} scale
 * @param {import("../base/common.js").Model} model
 */
function rowOf({ name, title, control, mark, gain, low, high, ranks }, { at, ticks }, model) {
  const chart = svg("svg", { width: WIDTH, height: ROW }, ...ticks.map((tick) => svg("line", { x1: at(tick), x2: at(tick), y1: 0, y2: ROW, class: tick === 0 ? "lrp-ranking-zero" : "lrp-ranking-tick" })));
  if (low !== null && high !== null) chart.append(svg("line", { x1: at(low), x2: at(high), y1: ROW / 2, y2: ROW / 2, class: "lrp-ranking-range" }));
  chart.append(svg("circle", { cx: at(gain), cy: ROW / 2, r: 4, class: control ? "lrp-ranking-control" : "lrp-ranking-dot" }));
  const words = low === null || high === null ? "" : `${told(low)} … ${told(high)}`;
  const pick = button(title, "Stand out in the curves", () => model.send({ mark: name }), { className: "lrp-ranking-name", ariaPressed: String(mark !== null) });
  const made = element("div", { className: "lrp-ranking-row", data: { method: name, ...(mark === null ? {} : { mark }), ...(control ? { control: true } : {}) } }, pick, chart, element("span", {}, element("b", {}, told(gain)), element("span", { className: "lrp-quiet" }, words)), element("span", { className: "lrp-ranking-room", ariaLabel: `ranks ${ranks.join(", ")}` }));
  return made;
}

/**
 * Ranks under every fill, joined by lines: who crosses whom.
 *
 * @param {Row[]} rows
 * @param {number} fills
 */
function ranksOf(rows, fills) {
  const x = (/** @type {number} */ place) => STEP / 2 + place * STEP;
  const y = (/** @type {number} */ rank) => (rank - 0.5) * ROW;
  const looks = (/** @type {Row} */ { mark }) => (mark === null ? "none" : String(mark));
  const made = svg("svg", { width: fills * STEP, height: rows.length * ROW, class: "lrp-ranking-ranks", "aria-hidden": "true" });
  const last = [...rows].sort((a, b) => Number(a.mark !== null) - Number(b.mark !== null)); // those that stand out above
  for (const row of last) made.append(svg("polyline", { points: row.ranks.map((rank, place) => `${x(place)},${y(rank)}`).join(" "), "data-mark": looks(row) }));
  for (const row of last) {
    row.ranks.forEach((rank, place) => {
      const text = svg("text", { x: x(place), y: y(rank) + 3.5, "text-anchor": "middle", "data-mark": looks(row) });
      text.textContent = String(rank);
      made.append(svg("circle", { cx: x(place), cy: y(rank), r: 8.5, "data-mark": looks(row) }), text);
    });
  }
  return made;
}

export default { render };
