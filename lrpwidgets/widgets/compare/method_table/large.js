// One map, large, beside its input, and the settings of its method.

import { button, element, number } from "../../base/common.js";
import { scaleOf } from "../../base/controls.js";

/**
 * @typedef {object} Setting
 * @property {string} name
 * @property {any} value
 * @property {string[]} [words] of which one is chosen
 * @property {string} [symbol]
 * @property {string} [help]
 * @property {[number, number]} [range]
 * @property {boolean} [logarithmic]
 * @property {boolean} [whole]
 */

/**
 * @param {import("../../base/common.js").Model} model
 * @param {import("../method_table.js").Figure} figure
 */
export function largeOf(model, figure) {
  const title = element("h2");
  const words = element("p", { className: "lrp-quiet" });
  const settings = element("div", { className: "lrp-methods-settings" });
  const caveats = element("ul");
  let shown = ""; // of which settings there are sliders: one that is held must not be taken away
  const send = (/** @type {object} */ message) => () => model.send(message);
  const close = button("×", "Close", send({ large: null }), { ariaLabel: "Close" });
  const explore = button("open in Explore", "Look into this decision", () => model.send({ explore: model.get("large").place }));
  const remove = button("remove method", "No longer compare it", () => model.send({ remove: model.get("large").name }));
  const made = element("div", { className: "lrp-methods-large", role: "dialog", ariaLabel: "A map, large", hidden: true }, element("div", { className: "lrp-head" }, title, element("span", { className: "lrp-space" }), explore, remove, close), figure.made, words, settings, caveats);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    model.send({ large: null });
    event.stopPropagation();
  });

  /**
   * @param {Float32Array} values
   * @param {number[]} paper
   */
  function tell(values, paper) {
    const large = model.get("large");
    const opened = made.hidden && Boolean(large.name);
    made.hidden = !large.name;
    if (!large.name) return;
    title.textContent = `${large.title} · ${large.item}`;
    words.textContent = `${large.about} Σ R = ${number(large.sum)}; ${large.time} an input${large.rough ? "; a first, rough answer: a better one is under way" : ""}`;
    remove.hidden = large.control;
    caveats.replaceChildren(...large.caveats.map((/** @type {string} */ text) => element("li", {}, text)));
    const kinds = JSON.stringify([large.name, large.knobs.map((/** @type {Setting} */ { name }) => name)]);
    if (kinds !== shown) settings.replaceChildren(...large.knobs.map((/** @type {Setting} */ each) => settingOf(large.name, each, model)));
    shown = kinds;
    figure.draw(large, values, paper);
    if (opened) close.focus();
  }

  return { made, tell };
}

/**
 * @param {string} method
 * @param {Setting} setting
 * @param {import("../../base/common.js").Model} model
 */
function settingOf(method, setting, model) {
  const { name, value, words, symbol, help, range = [0, 1], logarithmic, whole } = setting;
  const turn = (/** @type {any} */ to) => model.send({ turn: [method, name, to] });
  if (words) {
    const chosen = element("select", { ariaLabel: name }, ...words.map((word) => element("option", { value: word }, word)));
    if (typeof value === "string") chosen.value = value;
    chosen.addEventListener("change", () => turn(chosen.value));
    return element("label", {}, `${name} `, chosen);
  }
  const { toSlider, settled } = scaleOf(Boolean(logarithmic));
  const slider = element("input", { type: "range", min: toSlider(range[0]), max: toSlider(range[1]), step: "any", title: help, ariaLabel: name });
  const told = element("span", { className: "lrp-number" });
  const at = () => (whole ? Math.round(settled(Number(slider.value))) : settled(Number(slider.value)));
  const tell = (/** @type {number | null} */ now) => (told.textContent = `${symbol} ${now === null ? "auto" : number(now)}`);
  slider.value = String(toSlider(value ?? range[0]));
  tell(value);
  slider.addEventListener("input", () => tell(at()));
  slider.addEventListener("change", () => turn(at()));
  return element("label", { title: help }, `${name} `, slider, told);
}
