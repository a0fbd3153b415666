// Where the model carries what it is to forget: a row for each layer, and both sides along the direction.

import { array, element, follow, halves, paperOf } from "../base/common.js";
import { choice } from "../base/controls.js";
import { drawPicture, LOOK, paint } from "../base/maps.js";
import { svg } from "../base/shapes.js";

const [WIDTH, HEIGHT] = [220, 76];
/** @type {Record<string, string>} */
const METHODS = { signal: "difference of means", svm: "support vector machine", logistic: "logistic regression" };
/** @type {Record<string, string>} */
const OVER = { "": "as suits the layer", units: "all units", channels: "channels" };

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-carriers");
  const rows = element("div", {});
  const picture = element("div", {});
  const method = choice("direction", /** @type {string[]} */ (model.get("methods")), (value) => model.send({ method: value }), (value) => METHODS[value]);
  const over = choice("through", Object.keys(OVER), (value) => model.send({ over: value }), (value) => OVER[value]);
  const names = element("div", { className: "lrp-carriers-names" }, element("div", {}, "layer"), element("span", { title: "Share of the turned pictures that no longer turn if the layer is projected" }, "undone"), element("span", {}), element("span", { title: "Area under the ROC curve: how well inputs with and without are told apart, cross-validated" }, "AUC"));
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Where the model carries it"), element("span", { className: "lrp-quiet" }, "pick a layer")), names, rows, picture, element("div", { className: "lrp-carriers-asked" }, method.label, over.label));

  function draw() {
    const [found, chosen] = [model.get("rows"), model.get("chosen")];
    names.hidden = !found.length;
    rows.replaceChildren(...found.map((/** @type {any} */ row) => rowOf(row, row.layer === chosen.layer, model)));
    if (!found.length) rows.append(element("p", { className: "lrp-quiet" }, "Looked at once it is known what to forget."));
    method.select(chosen.method);
    over.select(chosen.over);
    picture.replaceChildren(...(chosen.with ? histogramOf(chosen) : []), ...endsOf(model, paperOf(el)));
  }

  return follow(model, el, draw);
}

/**
 * Inputs furthest along the direction and furthest back, and which pixels show it.
 *
 * @param {import("../base/common.js").Model} model
 * @param {number[]} paper
 * @returns {Element[]}
 */
function endsOf(model, paper) {
  const [size, mapSize] = [model.get("size"), model.get("map_size")];
  const [pixels, maps] = [array(model.get("pictures"), Uint8Array), halves(model.get("maps"))];
  const [bytes, values] = [3 * size[0] * size[1], mapSize[0] * mapSize[1]];
  const count = bytes ? pixels.length / bytes / 2 : 0;
  const tile = (/** @type {number} */ place) => {
    const [picture, map] = [element("canvas", { role: "img", ariaLabel: "An input" }), element("canvas", { role: "img", ariaLabel: "Which pixels show the direction" })];
    drawPicture(picture, size, pixels.subarray(place * bytes, (place + 1) * bytes));
    requestAnimationFrame(() => paint(map, mapSize, maps.subarray(place * values, (place + 1) * values), 1, LOOK, null, paper));
    return element("div", {}, picture, map);
  };
  const strip = (/** @type {string} */ words, /** @type {number} */ from) => [element("p", { className: "lrp-quiet" }, words), element("div", { className: "lrp-carriers-strip" }, ...Array.from({ length: count }, (_, place) => tile(from + place)))];
  return count ? [...strip("furthest along, and which pixels show it", 0), ...strip("furthest back", count)] : [];
}

/**
 * @param {any} row
 * @param {boolean} pressed
 * @param {import("../base/common.js").Model} model
 */
function rowOf({ layer, undone, area, gain, cost, caveat }, pressed, model) {
  const percent = `${Math.round(100 * undone)} %`.replace("-", "−");
  const points = (/** @type {number} */ share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`.replace("-", "−");
  const title = caveat || `Projecting here: poisoned accuracy ${points(gain)} points, clean ${points(cost)}`;
  const bar = element("div", { className: "lrp-carriers-bar" }, element("i", { style: { width: `${100 * Math.max(0, Math.min(1, undone))}%` } }));
  const made = element("button", { type: "button", className: "lrp-carriers-row", title, ariaPressed: String(pressed), data: { layer } }, element("div", { className: "lrp-mono" }, layer.replaceAll(".", ".\u200b").replaceAll("_", "_\u200b")), bar, element("span", {}, percent), element("span", { className: "lrp-quiet" }, area.toFixed(2)));
  made.addEventListener("click", () => model.send({ layer }));
  return made;
}

/**
 * Both sides along the direction of the chosen layer.
 *
 * @param {any} chosen
 * @returns {Element[]}
 */
function histogramOf(chosen) {
  const [wide, most] = [WIDTH / chosen.with.length, Math.max(...chosen.with, ...chosen.without, 1e-9)];
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": "Where inputs with it and without it lie along the direction" });
  for (const side of ["without", "with"]) {
    chosen[side].forEach((/** @type {number} */ share, /** @type {number} */ place) => {
      const high = (share / most) * (HEIGHT - 2);
      made.append(svg("rect", { x: place * wide, y: HEIGHT - high, width: wide, height: high, class: `lrp-carriers-${side}` }));
    });
  }
  const units = `${chosen.units.toLocaleString("en")} ${chosen.goes}`;
  return [made, element("div", { className: "lrp-carriers-ends" }, element("span", {}, `${chosen.counts[1]} without it`), element("span", {}, `${chosen.counts[0]} with it`)), element("p", { className: "lrp-quiet" }, chosen.caveat || `Along the direction in ${chosen.layer}, ${units}. Each input lies along the direction of the others.`)];
}

export default { render };
