// What is around the rows: the title, the buttons, and the heads of the columns.

import { element, button, number } from "../../base/common.js";

const SUBTITLE = "from the output down; amber rows were propagated again";

/** @typedef {"layers" | "families"} Mode */

/**
 * The row above the table.
 *
 * @param {Record<"foldAll" | "undo" | "redo", () => void> & { show: (mode: Mode) => void }} acts
 * @param {HTMLElement[]} files
 */
export function headOf(acts, files) {
  const modes = {
    layers: button("layers", "A row for every layer", () => acts.show("layers")),
    families: button("families", "A row for every family of layers: one slider moves all of them", () => acts.show("families")),
  };
  const foldAll = button("fold all", "Fold or unfold all blocks", acts.foldAll);
  const undo = button("undo", "Take back the last change of rules", acts.undo, { data: { shortcut: "u" } });
  const redo = button("redo", "Do the change again that was taken back", acts.redo, { data: { shortcut: "r" } });
  const made = element(
    "div",
    { className: "lrp-head" },
    element("h2", {}, "Rules, layer by layer"),
    element("span", { className: "lrp-quiet", title: SUBTITLE }, SUBTITLE),
    element("span", { className: "lrp-choices", role: "group", ariaLabel: "Rows" }, ...Object.values(modes)),
    foldAll,
    undo,
    redo,
    ...files,
  );

  /**
   * @param {Mode} mode
   * @param {[boolean, boolean]} travel whether there is something to undo, and to redo
   * @param {boolean} foldable
   * @param {boolean} folded whether all blocks are
   */
  function show(mode, [undoable, redoable], foldable, folded) {
    [undo.disabled, redo.disabled] = [!undoable, !redoable];
    modes.layers.setAttribute("aria-pressed", String(mode === "layers"));
    modes.families.setAttribute("aria-pressed", String(mode === "families"));
    foldAll.hidden = !foldable;
    foldAll.textContent = folded ? "unfold all" : "fold all";
  }

  return { made, show };
}

/** The table with its heads, and its body. */
export function tableOf() {
  const body = element("tbody");
  const scale = element("span", { className: "lrp-scale" });
  const heads = [
    heading("layer", "The model's own names, from the output down"),
    heading("kind"),
    heading("output", "Shape of the output: channels × height × width"),
    heading("rule"),
    heading("parameter"),
    heading("", "Relevance in units of the score. Grey: handed on. Amber: absorbed by biases and stabilizers. Hatched: dropped by the rule. Outlined: created.", element("span", { className: "lrp-part" }, key("handed"), "handed on"), key("lost"), "lost", scale),
    heading("change", "What the layer took (−) or created (+), in percent of the explained score"),
    heading("", "More"),
  ];
  const made = element("table", { role: "treegrid", ariaLabel: "Rules, layer by layer" }, element("thead", {}, element("tr", {}, ...heads)), body);

  /** @param {number} largest the amount that fills the column */
  function show(largest) {
    scale.textContent = `whole bar ${number(largest)}`;
    scale.title = "The amount of relevance that fills the column, in units of the score";
  }

  return { made, body, show };
}

/**
 * @param {string} text
 * @param {string} [title]
 * @param {...(Node | string)} children instead of the text
 */
function heading(text, title = "", ...children) {
  return element("th", { scope: "col", title }, ...(children.length ? children : [text]));
}

/** @param {string} kind */
function key(kind) {
  return element("i", { className: `lrp-key lrp-${kind}`, ariaHidden: "true" });
}
