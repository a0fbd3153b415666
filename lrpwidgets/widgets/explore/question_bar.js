// The sentence: Why [class] rather than [class] · composite [preset] *

import { element, follow } from "../base/common.js";
import { searchable } from "../base/searching.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-question");
  const target = element("select", { ariaLabel: "Class to explain" });
  const than = element("select", { ariaLabel: "Rather than which class" });
  const composite = element("select", { ariaLabel: "Composite" });
  const changed = element("button", { type: "button", className: "lrp-link", title: "Back to the rules of the preset" }, "* changed: reset");
  const through = element("button", { type: "button", className: "lrp-link", title: "Back to relevance through all channels" });
  let listed = /** @type {string[] | null} */ (null);

  [target, than].forEach(searchable);
  const numbered = (/** @type {HTMLSelectElement} */ select) => (select.value === "" ? null : Number(select.value));
  target.addEventListener("change", () => model.send({ target: numbered(target) }));
  than.addEventListener("change", () => model.send({ than: numbered(than) }));
  composite.addEventListener("change", () => model.send({ composite: composite.value }));
  changed.addEventListener("click", () => model.send({ composite: composite.value }));
  through.addEventListener("click", () => model.send({ only: false }));
  el.append(
    ...phrase("Why", target),
    ...phrase("rather than", than),
    ...phrase("composite", composite, "lrp-quiet"),
    changed,
    through,
  );

  function draw() {
    const [classes, presets, state] = ["classes", "presets", "state"].map((trait) => model.get(trait));
    el.hidden = !classes.length;
    if (!classes.length) return;
    if (listed !== classes) {
      listed = classes;
      target.replaceChildren(element("option", { value: "" }), ...numberedOptions(classes));
      than.replaceChildren(element("option", { value: "" }, "—"), ...numberedOptions(classes));
      composite.replaceChildren(...presets.map((/** @type {string[]} */ [value, title, told]) => element("option", { value, title: told }, title ? `${title} · ${value}` : value)));
    }
    target.options[0].textContent = `${classes[state.top]} (the top class)`;
    target.value = state.target ?? "";
    than.value = state.than ?? "";
    const preset = presets.find((/** @type {string[]} */ [name]) => name === state.composite);
    if (!preset && composite.options.length === presets.length) {
      composite.append(element("option", { value: state.composite, disabled: true }, state.composite));
    }
    composite.value = state.composite;
    composite.title = preset?.[2] ?? "";
    changed.hidden = !state.changed;
    through.hidden = !state.channels.length;
    const numbers = state.channels.map((/** @type {number} */ channel) => `#${channel}`).join(", ");
    through.textContent = `through ${numbers} of ${state.layer}: all channels again`;
  }

  return follow(model, el, draw);
}

/**
 * Words and their choice, which stay on one line.
 *
 * @param {string} words
 * @param {HTMLElement} choice
 */
function phrase(words, choice, className = "") {
  return [element("label", {}, element("span", { className }, words), choice)];
}

/** @param {string[]} names empty for those that cannot be chosen */
function numberedOptions(names) {
  return names.flatMap((name, index) => (name ? [element("option", { value: index }, name)] : []));
}

export default { render };
