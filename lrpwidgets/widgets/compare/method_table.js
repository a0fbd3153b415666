// Rows of methods, columns of inputs: a table of maps on one scale.

import { button, element, follow, halves, number, paperOf } from "../base/common.js";
import { closeMenus } from "../base/controls.js";
import { LOOK, paint } from "../base/maps.js";
import { uploads } from "../base/uploads.js";
import { headOf } from "./method_table/head.js";
import { largeOf } from "./method_table/large.js";
import { picturesOf } from "./method_table/pictures.js";
import { textsOf } from "./method_table/texts.js";
import { typingOf } from "./method_table/typing.js";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {string} note
 * @property {string} about
 * @property {number} group
 * @property {number | null} at which of the maps are its own
 * @property {string} time
 * @property {boolean} rough
 * @property {string} obstacle
 * @property {string[]} caveats
 * @property {number | null} mark
 * @property {{ value: number, other: string } | null} agrees
 * @property {boolean} control
 *
 * @typedef {{ item: number, name: string, says: string }} Column
 *
 * @typedef {object} Figure a map, large
 * @property {HTMLElement} made
 * @property {(large: any, values: Float32Array, paper: number[]) => void} draw
 *
 * @typedef {object} Drawing what inputs and maps of one kind of data look like
 * @property {(columns: Column[], picked: number) => HTMLElement[]} inputs
 * @property {(row: Row, columns: Column[], drawn: { values: Float32Array, own: boolean, paper: number[], picked: number }) => HTMLElement[]} maps of a row
 * @property {() => Figure} large
 * @property {string} beside what is to be said of the scale
 * @property {() => void} close
 */

/** @type {Record<string, (model: import("../base/common.js").Model, el: HTMLElement) => Drawing>} */
const DRAWINGS = { picture: picturesOf, text: textsOf };

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-methods");
  const brought = model.get("brought");
  el.dataset.kind = brought;
  const own = button("one scale each", "Stretch the colours of each map to its own range", () => {
    own.ariaPressed = String(own.ariaPressed !== "true");
    draw();
  }, { className: "lrp-link", ariaPressed: "false" });
  const [head, inputs, body] = [headOf(model), element("div", { className: "lrp-methods-inputs" }), element("div", { className: "lrp-methods-rows" })];
  const bar = element("canvas", { className: "lrp-methods-bar", width: 92, height: 1 });
  const scale = element("span", { className: "lrp-quiet" });
  const drawing = DRAWINGS[brought](model, el);
  const large = largeOf(model, drawing.large());
  const bring = model.get("takes") ? uploads(model, el, () => {}, brought) : { controls: [], refusals: "", close() {} };
  const typing = brought === "text" ? [typingOf((text) => model.send({ typed: text }))] : [];
  el.append(head.made, bring.refusals, inputs, body, element("div", { className: "lrp-methods-foot" }, bar, scale, element("span", { className: "lrp-space" }), own, ...typing, ...bring.controls), large.made);
  const outside = (/** @type {Event} */ { target }) => closeMenus(el, target);
  document.addEventListener("pointerdown", outside);

  function draw() {
    head.tell();
    tellInputs();
    const [rows, columns, paper] = [model.get("rows"), model.get("columns"), paperOf(el)];
    const drawn = { values: halves(model.get("maps")), own: own.ariaPressed === "true", paper, picked: model.get("head").column ?? 0 };
    el.style.setProperty("--columns", columns.length);
    body.replaceChildren(...rows.map((/** @type {Row} */ row, /** @type {number} */ place) => rowOf(row, columns, drawn, !place || rows[place - 1].group !== row.group)));
    const share = model.get("scale");
    scale.textContent = drawn.own ? "each map by its own range" : `full colour: ${number(share)} of Σ|R| per ${model.get("head").part}, for all maps${drawing.beside}`;
    paint(bar, [1, 92], Float32Array.from({ length: 92 }, (_, x) => x / 45.5 - 1), 1, LOOK, null, paper);
    large.tell(halves(model.get("large_map")), paper);
  }

  function tellInputs() {
    const [columns, { column = 0, count = 0 }] = [model.get("columns"), model.get("head")];
    inputs.replaceChildren(
      element("div", { className: "lrp-quiet" }, `${columns.length} of ${count.toLocaleString("en")} inputs`, button("choose others", "Show the inputs that come next", () => model.send({ others: true }), { className: "lrp-link" })),
      ...drawing.inputs(columns, column),
      element("div", { className: "lrp-quiet lrp-methods-time" }, "time"),
    );
    for (const made of inputs.querySelectorAll("button[data-place]")) made.addEventListener("click", () => model.send({ column: Number(/** @type {HTMLElement} */ (made).dataset.place) }));
  }

  /**
   * @param {Row} row
   * @param {Column[]} columns
   * @param {Parameters<Drawing["maps"]>[2]} drawn
   * @param {boolean} first of its group
   */
  function rowOf(row, columns, drawn, first) {
    const name = element("button", { type: "button", className: "lrp-methods-name", title: `${row.about} Click: stand out in the curves.`, ariaPressed: String(row.mark !== null) }, element("b", {}, row.title.replaceAll("_", "_\u200b")), element("span", { className: "lrp-quiet" }, row.rough ? "a first, rough answer …" : row.note, ...agreement(row)));
    name.addEventListener("click", () => model.send({ mark: row.name }));
    const made = element("div", { className: "lrp-methods-row", data: { method: row.name, ...(row.mark === null ? {} : { mark: row.mark }), ...(first ? { first: true } : {}) } }, name);
    if (row.obstacle) {
      made.classList.add("lrp-methods-cannot");
      made.append(element("span", { className: "lrp-quiet lrp-methods-why", title: row.obstacle }, row.obstacle), remover(row));
      return made;
    }
    const maps = drawing.maps(row, columns, drawn);
    for (const each of maps) each.addEventListener("click", () => model.send({ large: [row.name, Number(each.dataset.place)] }));
    made.append(...maps, element("span", { className: "lrp-methods-time" }, row.at === null ? "…" : row.time, caveat(row)));
    return made;
  }

  const remover = (/** @type {Row} */ { name, control }) => (control ? "" : button("×", "Remove this method", () => model.send({ remove: name }), { className: "lrp-link" }));
  const undo = follow(model, el, draw);
  return () => {
    bring.close();
    drawing.close();
    document.removeEventListener("pointerdown", outside);
    undo();
  };
}

/** @param {Row} row */
function agreement({ agrees }) {
  if (!agrees) return [];
  return [" · ", element("span", { title: `Rank correlation with ${agrees.other}, of what is looked at` }, `ρ\u00a0${agrees.value.toFixed(2).replace("-", "−")}`)];
}

/** @param {Row} row */
function caveat({ caveats }) {
  return caveats.length ? element("span", { className: "lrp-methods-caveat", title: caveats.join("\n"), role: "img", ariaLabel: caveats.join(" ") }, " !") : "";
}

export default { render };
