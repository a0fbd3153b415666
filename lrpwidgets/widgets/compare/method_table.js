// Rows of methods, columns of inputs: a table of maps on one scale.

import { array, button, element, follow, halves, number, paperOf } from "../base/common.js";
import { closeMenus } from "../base/controls.js";
import { drawPicture, LOOK, paint } from "../base/maps.js";
import { uploads } from "../base/uploads.js";
import { headOf } from "./method_table/head.js";
import { largeOf } from "./method_table/large.js";

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
 * @property {boolean} control
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-methods");
  const own = button("one scale each", "Stretch the colours of each map to its own range", () => {
    own.ariaPressed = String(own.ariaPressed !== "true");
    draw();
  }, { className: "lrp-link", ariaPressed: "false" });
  const [head, inputs, body] = [headOf(model), element("div", { className: "lrp-methods-inputs" }), element("div", { className: "lrp-methods-rows" })];
  const bar = element("canvas", { className: "lrp-methods-bar", width: 92, height: 1 });
  const scale = element("span", { className: "lrp-quiet" });
  const large = largeOf(model);
  const bring = model.get("takes_pictures") ? uploads(model, el, () => {}) : { controls: [], refusals: "", close() {} };
  el.append(head.made, bring.refusals, inputs, body, element("div", { className: "lrp-methods-foot" }, bar, scale, element("span", { className: "lrp-space" }), own, ...bring.controls), large.made);
  const outside = (/** @type {Event} */ { target }) => closeMenus(el, target);
  document.addEventListener("pointerdown", outside);

  function draw() {
    head.tell();
    tellInputs();
    const maps = halves(model.get("maps"));
    const [rows, columns, size] = [model.get("rows"), model.get("columns"), model.get("size")];
    el.style.setProperty("--columns", columns.length);
    body.replaceChildren(...rows.map((/** @type {Row} */ row, /** @type {number} */ place) => rowOf(row, columns, { maps, size, first: !place || rows[place - 1].group !== row.group })));
    const share = model.get("scale");
    scale.textContent = own.ariaPressed === "true" ? "each map by its own range" : `full colour: ${number(share)} of Σ|R| per pixel, for all maps`;
    paint(bar, [1, 92], Float32Array.from({ length: 92 }, (_, x) => x / 45.5 - 1), 1, LOOK, null, paperOf(el));
    large.tell(halves(model.get("large_map")), paperOf(el));
  }

  function tellInputs() {
    const [columns, size, picked] = [model.get("columns"), model.get("size"), model.get("head").column];
    const pixels = array(model.get("pictures"), Uint8Array);
    const each = size[0] * size[1] * 3;
    inputs.replaceChildren(
      element("div", { className: "lrp-quiet" }, `${columns.length} of ${(model.get("head").count ?? 0).toLocaleString("en")} inputs`, button("choose others", "Show the inputs that come next", () => model.send({ others: true }), { className: "lrp-link" })),
      ...columns.map((/** @type {any} */ { name, says }, /** @type {number} */ place) => {
        const canvas = element("canvas");
        drawPicture(canvas, size, pixels.subarray(place * each, (place + 1) * each));
        return element("button", { type: "button", className: "lrp-methods-input", title: `${name}, “${says}”: flip this one`, ariaPressed: String(place === picked), data: { place } }, canvas, element("span", {}, says));
      }),
      element("div", { className: "lrp-quiet lrp-methods-time" }, "time"),
    );
    for (const made of inputs.querySelectorAll("button[data-place]")) made.addEventListener("click", () => model.send({ column: Number(/** @type {HTMLElement} */ (made).dataset.place) }));
  }

  /**
   * @param {Row} row
   * @param {any[]} columns
   * @param {{ maps: Float32Array, size: number[], first: boolean }} drawn
   */
  function rowOf(row, columns, { maps, size, first }) {
    const name = element("button", { type: "button", className: "lrp-methods-name", title: `${row.about} Click: stand out in the curves.`, ariaPressed: String(row.mark !== null) }, element("b", {}, row.title.replaceAll("_", "_\u200b")), element("span", { className: "lrp-quiet" }, row.rough ? "a first, rough answer …" : row.note));
    name.addEventListener("click", () => model.send({ mark: row.name }));
    const made = element("div", { className: "lrp-methods-row", data: { method: row.name, ...(row.mark === null ? {} : { mark: row.mark }), ...(first ? { first: true } : {}) } }, name);
    if (row.obstacle) {
      made.classList.add("lrp-methods-cannot");
      made.append(element("span", { className: "lrp-quiet lrp-methods-why", title: row.obstacle }, row.obstacle), remover(row));
      return made;
    }
    made.append(...columns.map((_, place) => tileOf(row, columns, { maps, size, place })), element("span", { className: "lrp-methods-time" }, row.at === null ? "…" : row.time, caveat(row)));
    return made;
  }

  /**
   * @param {Row} row
   * @param {any[]} columns
   * @param {{ maps: Float32Array, size: number[], place: number }} drawn
   */
  function tileOf(row, columns, { maps, size, place }) {
    const canvas = element("canvas");
    const made = element("button", { type: "button", className: "lrp-methods-map", title: `${row.title}: ${columns[place].name}, larger`, disabled: row.at === null }, canvas);
    made.addEventListener("click", () => model.send({ large: [row.name, place] }));
    if (row.at === null) return made;
    const count = size[0] * size[1];
    const values = maps.subarray((row.at * columns.length + place) * count, (row.at * columns.length + place + 1) * count);
    requestAnimationFrame(() => paint(canvas, size, values, own.ariaPressed === "true" ? strongest(values) : 1, LOOK, null, paperOf(el)));
    return made;
  }

  const remover = (/** @type {Row} */ { name, control }) => (control ? "" : button("×", "Remove this method", () => model.send({ remove: name }), { className: "lrp-link" }));
  const undo = follow(model, el, draw);
  return () => {
    bring.close();
    document.removeEventListener("pointerdown", outside);
    undo();
  };
}

/** @param {Row} row */
function caveat({ caveats }) {
  return caveats.length ? element("span", { className: "lrp-methods-caveat", title: caveats.join("\n"), role: "img", ariaLabel: caveats.join(" ") }, " !") : "";
}

/** @param {Float32Array} values */
function strongest(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return sizes[Math.floor(0.99 * (sizes.length - 1))] || sizes.at(-1) || 1;
}

export default { render };
