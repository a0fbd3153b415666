// Repairs side by side: rows with one axis for all columns, heatmaps before and after, verdicts, the control.

import { button, download, element, follow, number, paperOf } from "../base/common.js";
import { closeMenus } from "../base/controls.js";
import { LOOK, paint } from "../base/maps.js";
import { columnOf, namesOf } from "./repair_table/columns.js";
import { headOf } from "./repair_table/head.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-repairs");
  const head = headOf(model);
  const table = element("div", { className: "lrp-repairs-table" });
  const bar = element("canvas", { className: "lrp-repairs-bar", width: 92, height: 1 });
  const scale = element("span", { className: "lrp-quiet" });
  const said = element("p", { role: "status", ariaLive: "polite" });
  const again = button("SpRAy again", "Look at the strategies of the repaired model", () => model.send({ visit: "spray" }));
  const explore = button("Explore it", "Look at decisions of the repaired model", () => model.send({ visit: "explore" }));
  const save = button("save repaired model", "Save the weights of the repaired model (safetensors)", () => model.send({ save: true }), { className: "lrp-repairs-save" });
  el.append(head.made, table, element("div", { className: "lrp-repairs-foot" }, bar, scale, said, again, explore, save));
  const outside = (/** @type {Event} */ { target }) => closeMenus(el, target);
  document.addEventListener("pointerdown", outside);

  /**
   * @param {{ as: string, name: string }} message
   * @param {DataView[]} buffers
   */
  function receive({ as, name }, buffers) {
    if (as === "model") download(new Blob([/** @type {DataView<ArrayBuffer>} */ (buffers[0])]), name);
  }

  function draw() {
    head.tell();
    const columns = model.get("columns");
    const shown = model.get("head").done;
    table.hidden = !shown;
    table.style.setProperty("--columns", columns.length);
    table.style.setProperty("--rows", String(8 + model.get("examples").length));
    table.replaceChildren(namesOf(model), ...columns.map((/** @type {any} */ column) => columnOf(model, column, columns[0], paperOf(el))));
    scale.textContent = shown && model.get("examples").length ? `one scale, ±${number(model.get("scale"))} of Σ|R| per pixel` : "";
    bar.hidden = !scale.textContent;
    paint(bar, [1, 92], Float32Array.from({ length: 92 }, (_, x) => x / 45.5 - 1), 1, LOOK, null, paperOf(el));
    said.textContent = model.get("said") || (shown ? "Choose a repair to look at it closely or to save it." : "");
    said.hidden = !said.textContent;
    for (const each of [again, explore, save]) each.disabled = !model.get("said");
  }

  model.on("msg:custom", receive);
  const undo = follow(model, el, draw);
  return () => {
    model.off("msg:custom", receive);
    document.removeEventListener("pointerdown", outside);
    undo();
  };
}

export default { render };
