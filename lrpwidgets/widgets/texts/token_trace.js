// Layers as rows from the output down, words as columns: where relevance is on its way.

import { array, element, follow } from "../base/common.js";
import { short } from "../base/shades.js";
import { point, pointed } from "./pointing.js";
import { HIGH, sheetOf } from "./token_trace/sheet.js";

const [WHOLE, MOST] = [15, 34]; // letters of a label on one line, and on two in small

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-trace");
  const scale = element("span", { className: "lrp-quiet lrp-trace-scale" });
  const labels = element("div", { className: "lrp-trace-labels lrp-mono", role: "group", ariaLabel: "Layers from the output down" });
  const told = element("p", { className: "lrp-quiet lrp-trace-told" }, " ");
  const sheet = sheetOf(el);
  const note = element("span", { className: "lrp-quiet" }, "relevance of each word at each layer, from the output; click a layer to open it");
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "On the way down"), note), element("div", { className: "lrp-trace-body" }, labels, sheet.made), element("div", { className: "lrp-trace-foot" }, told, scale));
  let trace = traceOf(model);

  function draw() {
    trace = traceOf(model);
    el.hidden = !trace.rows.length;
    if (el.hidden) return;
    labels.replaceChildren(...trace.rows.map(labelOf));
    const limit = sheet.draw(trace);
    scale.textContent = `colours end at ±${short(limit)}${trace.columns.some((/** @type {import("./token_trace/sheet.js").Column} */ each) => each.sink) ? "; hatched: sinks, outside the scale" : ""}`;
  }

  /** @param {import("./token_trace/sheet.js").Trace["rows"][0]} row */
  function labelOf([label, layer, sum]) {
    const title = layer ? `${layer}: Σ R = ${short(sum)}; open this layer` : `the words themselves: Σ R = ${short(sum)}`;
    const made = element("button", { type: "button", className: "lrp-link lrp-trace-label", disabled: !layer, title, style: { height: `${HIGH}px` } }, element("span", { className: label.length > WHOLE ? "lrp-trace-long" : "" }, endOf(label)), element("b", {}, short(sum)));
    made.ariaPressed = String(layer !== "" && layer === model.get("opened"));
    made.addEventListener("click", () => model.send({ open: layer }));
    return made;
  }

  sheet.canvas.addEventListener("pointermove", (event) => {
    const place = sheet.at(event);
    point(el, place ? trace.columns[place.column].word : null);
    const row = place && trace.rows[place.row];
    if (row) told.textContent = `${trace.columns[place.column].name} at ${row[0]}: ${short(trace.relevance[place.row * trace.columns.length + place.column])} of ${short(row[2])}`;
  });
  sheet.canvas.addEventListener("pointerleave", () => point(el, null));
  const unmark = pointed(el, sheet.mark);
  const stop = follow(model, el, draw);
  let width = 0;
  const watching = new ResizeObserver(() => {
    if (sheet.made.clientWidth !== width) draw();
    width = sheet.made.clientWidth;
  });
  watching.observe(sheet.made);
  return () => {
    watching.disconnect();
    unmark();
    stop();
  };
}

/**
 * A name as far as it has room, from its end.
 *
 * @param {string} label
 */
function endOf(label) {
  return label.length > MOST ? `…${label.slice(1 - MOST)}` : label;
}

/** @param {import("../base/common.js").Model} model */
function traceOf(model) {
  return { rows: model.get("rows"), columns: model.get("columns"), relevance: array(model.get("relevance"), Float32Array) };
}

export default { render };
