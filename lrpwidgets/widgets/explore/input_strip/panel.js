// Panels that open under their button, and lists to choose from.

import { element } from "../../base/common.js";
import { searchable } from "../../base/searching.js";

export const MOST_CLASSES = 25; // of a table, and of a list in their order

/**
 * A button and the panel that it opens under itself.
 *
 * @param {string} label
 * @param {string} title
 * @param {...HTMLElement} children
 */
export function panel(label, title, ...children) {
  const made = element("div", { className: "lrp-panel", popover: "auto", ariaLabel: title, role: "dialog" }, ...children);
  const opener = element("button", { type: "button", title, popoverTargetElement: made }, label && `${label} ▾`);
  made.addEventListener("beforetoggle", () => {
    const { left, bottom } = opener.getBoundingClientRect();
    Object.assign(made.style, { left: `${left}px`, top: `${bottom + 4}px` });
  });
  return { opener, made };
}

/**
 * Call `fill` whenever a panel opens.
 *
 * @param {HTMLElement} made
 * @param {() => void} fill
 */
export function atOpening(made, fill) {
  made.addEventListener("beforetoggle", (event) => /** @type {ToggleEvent} */ (event).newState === "open" && fill());
}

/**
 * A line of a panel: what it is, then the controls.
 *
 * @param {string} label
 * @param {...HTMLElement} controls
 */
export function line(label, ...controls) {
  return element("div", { className: "lrp-line" }, element("span", { className: "lrp-quiet" }, label), ...controls);
}

/**
 * A list without choices yet.
 *
 * @param {string} label
 * @param {(value: string) => void} choose
 */
export function select(label, choose) {
  const made = element("select", { ariaLabel: label });
  made.addEventListener("change", () => choose(made.value));
  searchable(made);
  return made;
}

/**
 * @param {HTMLSelectElement} node
 * @param {[string | number, string][]} pairs values and words
 */
export function options(node, pairs) {
  node.replaceChildren(...pairs.map(([value, label]) => element("option", { value }, label)));
}

/**
 * Options whose values are their words.
 *
 * @param {HTMLSelectElement} node
 * @param {object} named
 */
export function namesOf(node, named) {
  options(node, Object.keys(named).map((name) => [name, name]));
}

/**
 * The classes that occur, by name; only made anew when there are others: a list that is open would close.
 *
 * @param {HTMLSelectElement} node
 * @param {Set<number>} occurring
 * @param {number | null} chosen
 * @param {(index: number) => string} className
 */
export function classOptions(node, occurring, chosen, className) {
  const indices = [...new Set(chosen === null ? occurring : [...occurring, chosen])].sort((a, b) => a - b);
  if (node.dataset.classes === String(indices)) return;
  node.dataset.classes = String(indices);
  const named = indices.map((index) => /** @type {[number, string]} */ ([index, className(index)]));
  if (indices.length > MOST_CLASSES) named.sort((a, b) => a[1].localeCompare(b[1]));
  options(node, [["", "any"], ...named]);
}

/**
 * The class that a list stands at; null for any.
 *
 * @param {string} value
 */
export function classAt(value) {
  return value === "" ? null : Number(value);
}
