// Sliders, choices and menus.

import { element, button } from "./common.js";

/**
 * Buttons that belong together, hidden to begin with.
 *
 * @param {...HTMLElement} buttons
 */
export function group(...buttons) {
  return element("span", { className: "lrp-choices", hidden: true }, ...buttons);
}

/**
 * A slider and its label; without `words` a button beside it is its name on the page.
 *
 * @param {string} name
 * @param {string} title
 * @param {number[]} range from and to
 * @param {(value: number) => void} act
 * @param {string | null} [words]
 */
export function slider(name, title, [min, max], act, words = null) {
  const range = element("input", { type: "range", min, max, step: "any", ariaLabel: name, title });
  range.addEventListener("input", () => act(Number(range.value)));
  return { range, label: element("label", {}, words, range) };
}

/**
 * A choice among values, which `text` words, and what selects one of them.
 *
 * @template Value
 * @param {string} words
 * @param {Value[]} values
 * @param {(value: Value) => void} act
 * @param {(value: Value) => string} [text]
 */
export function choice(words, values, act, text = String) {
  const made = element("select", { ariaLabel: words }, ...values.map((value, index) => element("option", { value: index }, text(value))));
  made.addEventListener("change", () => act(values[Number(made.value)]));
  const select = (/** @type {Value} */ value) => {
    made.value = String(values.indexOf(value));
  };
  return { label: element("label", {}, words, made), select };
}

/**
 * A button that unfolds a list of [text, act, title]; `name` says what is meant where the button shows a sign only.
 *
 * @param {string} text
 * @param {string} title
 * @param {[string, () => void, string?][]} items
 * @param {string} [name]
 */
export function menu(text, title, items, name = text) {
  const list = element("div", { className: "lrp-list" });
  const summary = element("summary", { title, ariaLabel: name }, text);
  const made = element("details", { className: "lrp-menu" }, summary, list);
  list.append(...items.map(([words, act, told = ""]) => button(words, told, () => {
    made.removeAttribute("open");
    act();
  })));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    summary.focus();
    event.stopPropagation();
  });
  return made;
}

/**
 * Close the menus inside `el` unless one of them holds `target`.
 *
 * @param {HTMLElement} el
 * @param {EventTarget | null} target
 */
export function closeMenus(el, target) {
  const open = /** @type {NodeListOf<HTMLDetailsElement>} */ (el.querySelectorAll(".lrp-menu[open]"));
  for (const each of open) if (!each.contains(/** @type {Node} */ (target))) each.open = false;
}

/**
 * What a slider says of a number and the other way round; `settled` is what is shown, and what counts.
 *
 * @param {boolean} logarithmic
 */
export function scaleOf(logarithmic) {
  const toSlider = (/** @type {number} */ value) => (logarithmic ? Math.log10(value) : value);
  const settled = (/** @type {number} */ at) => Number((logarithmic ? 10 ** at : at).toPrecision(3));
  return { toSlider, settled };
}
