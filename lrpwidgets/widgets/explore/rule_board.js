// A row per layer that carries a rule, folded by block, or a row per family of layers. Each is a line: a choice, sliders
// and a bar. An answer to an older message never moves a slider back; everything else shows what the kernel says.

import { element, follow } from "../base/common.js";
import { filesOf } from "./rule_board/files.js";
import { headOf, tableOf } from "./rule_board/frame.js";
import { familyLine, layerLines } from "./rule_board/lines.js";
import { messagesTo } from "./rule_board/messages.js";
import { rowsOf } from "./rule_board/rows.js";
import { toldBy } from "./rule_board/told.js";
import { walking } from "./rule_board/walking.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-rules");
  const messages = messagesTo(model);
  const files = filesOf(messages);
  const table = tableOf();
  const rows = rowsOf(table.body, showTools);
  const head = headOf({ show, foldAll: () => rows.foldAll(!allFolded()), undo: () => messages.send({ undo: true }), redo: () => messages.send({ redo: true }) }, files.controls);
  let mode = /** @type {import("./rule_board/frame.js").Mode} */ ("layers");
  let built = ""; // what the rows were built from
  let marked = model.get("state").answers; // number of the newest explanation whose rows were marked
  el.append(head.made, element("div", { className: "lrp-board" }, table.made));
  table.body.addEventListener("focusin", ({ target }) => rows.activate(/** @type {HTMLElement} */ (/** @type {Element} */ (target).closest("tr"))));
  table.body.addEventListener("keydown", walking(rows));

  function show(/** @type {import("./rule_board/frame.js").Mode} */ wanted) {
    mode = wanted;
    draw();
  }

  function draw() {
    el.hidden = !model.get("network").rows;
    if (el.hidden) return;
    const told = toldBy(model, marked);
    build(told);
    rows.update(told);
    marked = told.state.answers;
    table.show(told.largest);
    showTools();
  }

  function build(/** @type {import("./rule_board/told.js").Told} */ { network, state }) {
    const families = state.families.map(({ entry, name, family }) => [entry, name, family]);
    const from = JSON.stringify([mode, network.rows, network.choices, ...(mode === "layers" ? [] : families)]);
    if (from === built) return; // the same network sent again must not take a slider out of a person's hand
    built = from;
    table.made.classList.toggle("lrp-families", mode === "families");
    const board = { network, messages, changed: rows.renew, fold: toggle };
    const lines = mode === "layers" ? layerLines(board) : state.families.map((family, position) => familyLine(family, position, board));
    rows.replace(lines, Object.keys(network.blocks));
  }

  function toggle(/** @type {import("./rule_board/line.js").Line} */ line) {
    rows.fold([line], !rows.isFolded(line.block ?? ""));
  }

  function showTools() {
    head.show(mode, model.get("travel"), mode === "layers" && blocks().length > 0, allFolded());
    rows.show(model.get("chosen"));
  }

  const blocks = () => Object.keys(model.get("network").blocks ?? {});
  const allFolded = () => blocks().every(rows.isFolded);

  model.on("msg:custom", files.receive);
  const leave = follow(model, el, draw);
  return () => {
    leave();
    model.off("msg:custom", files.receive);
  };
}

export default { render };
