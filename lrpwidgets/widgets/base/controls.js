// Sliders, choices and menus.

import { element, button } from "./common.js";

/** Buttons that belong together, hidden to begin with. */
export function group(...buttons) {
  return element("span", { className: "lrp-choices", hidden: true }, ...buttons);
}

/** A slider and its label; without `words` a button beside it is its name on the page. */
export function slider(name, title, [min, max], act, words = null) {
  const range = element("input", { type: "range", min, max, step: "any", ariaLabel: name, title });
  range.addEventListener("input", () => act(Number(range.value)));
  return { range, label: element("label", {}, words, range) };
}

/** A choice among values, which `text` words. */
export function choice(words, values, act, text = String) {
  const made = element("select", { ariaLabel: words }, ...values.map((value, index) => element("option", { value: index }, text(value))));
  made.addEventListener("change", () => act(values[made.value]));
  return { made, label: element("label", {}, words, made) };
}

/** A button that unfolds a list of [text, act]; `name` says what is meant where the button shows a sign only. */
export function menu(text, title, items, name = text) {
  const list = element("div", { className: "lrp-list" });
  const made = element("details", { className: "lrp-menu" }, element("summary", { title, ariaLabel: name }, text), list);
  list.append(...items.map(([words, act]) => button(words, "", () => act(made.removeAttribute("open")))));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    made.firstChild.focus();
    event.stopPropagation();
  });
  return made;
}
