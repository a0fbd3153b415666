// Heads of attention as a matrix, and the words that one of them has its relevance from.

import { button, element, follow } from "../base/common.js";
import { limitOf, painter, short } from "../base/shades.js";
import { point, pointed } from "./pointing.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-heads");
  const table = element("table", {});
  const sheet = element("div", { className: "lrp-heads-sheet" }, table);
  const none = element("p", { className: "lrp-quiet" }, "This network has no attention with heads of their own; “Inside a layer” shows its channels.");
  const title = element("p", { className: "lrp-heads-from" });
  const list = element("div", { className: "lrp-bars" });
  const only = button("only this head", "Let only relevance through this head count, everywhere on the page", () => model.send({ only: !model.get("only") }));
  const below = element("div", { className: "lrp-heads-below" }, title, list, only);
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Heads"), element("span", { className: "lrp-quiet" }, "relevance through each; click one")), sheet, none, below);

  function draw() {
    const matrix = /** @type {[string, number[]][]} */ (model.get("matrix"));
    const [layer, head] = model.get("chosen");
    none.hidden = matrix.length > 0;
    table.hidden = !matrix.length;
    const count = Math.max(0, ...matrix.map(([, heads]) => heads.length));
    const limit = limitOf(matrix.flatMap(([, heads]) => heads));
    const { paint } = painter(el);
    const header = element("tr", {}, element("th", {}, "head"), ...Array.from({ length: count }, (_, number) => element("th", { scope: "col" }, String(number))));
    table.classList.toggle("lrp-heads-many", count > 4);
    const names = namesOf(matrix.map(([name]) => name));
    table.replaceChildren(header, ...matrix.map(([name, heads], row) => element("tr", {}, element("th", { scope: "row", className: "lrp-mono", title: name }, names[row]), ...heads.map((value, number) => element("td", {}, cell(name, number, value))))));
    below.hidden = head === undefined;
    only.ariaPressed = String(model.get("only"));
    if (head === undefined) return;
    title.replaceChildren(element("b", {}, `${names[matrix.findIndex(([name]) => name === layer)]}, head ${head}`), " passes on from");
    list.replaceChildren(...bars(model.get("words")));

    /**
     * @param {string} name
     * @param {number} number
     * @param {number} value
     */
    function cell(name, number, value) {
      const chosen = name === layer && number === head;
      const made = button(count > 4 ? "" : short(value), `${name}, head ${number}: ${short(value)}`, () => model.send({ head: chosen ? null : [name, number] }), { ariaPressed: String(chosen), ariaLabel: `${name}, head ${number}: ${short(value)}` });
      paint(made, value, limit);
      return made;
    }
  }

  /** @param {[string, number, number][]} words */
  function bars(words) {
    const most = Math.max(...words.map(([, , value]) => Math.abs(value))) || 1;
    return words.map(([word, index, value]) => {
      const bar = element("i", { className: value < 0 ? "lrp-word-bar-against" : "lrp-word-bar-for", style: { width: `${(48 * Math.abs(value)) / most}%`, [value < 0 ? "right" : "left"]: "50%" } });
      const made = element("div", { className: "lrp-word-bar-row", data: { word: index } }, element("span", {}, word), element("span", { className: "lrp-word-bar" }, bar), element("b", {}, short(value)));
      made.addEventListener("pointerenter", () => point(el, index));
      made.addEventListener("pointerleave", () => point(el, null));
      return made;
    });
  }

  const unmark = pointed(el, (word) => list.querySelectorAll(".lrp-word-bar-row").forEach((row) => row.classList.toggle("lrp-touched", word !== null && /** @type {HTMLElement} */ (row).dataset.word === String(word))));
  const stop = follow(model, el, draw);
  return () => {
    unmark();
    stop();
  };
}

/**
 * What tells names of layers apart.
 *
 * @param {string[]} names
 */
function namesOf(names) {
  const split = names.map((name) => name.split(".").slice(0, -1));
  const shared = (/** @type {number} */ at) => split.every((parts) => parts.length > at + 1 && parts[at] === split[0][at]);
  let begin = 0;
  while (split.length > 1 && shared(begin)) begin += 1;
  let end = 0;
  while (split.length > 1 && split.every((parts) => parts.length - end > begin + 1 && parts[parts.length - 1 - end] === split[0][split[0].length - 1 - end])) end += 1;
  return split.map((parts) => parts.slice(Math.max(0, begin - (/^\d+$/.test(parts[begin] ?? "") ? 1 : 0)), parts.length - end).join(" ") || "attention");
}

export default { render };
