// The question as a sentence: what is made to forget what, and where; further repairs; run again.

import { button, element } from "../../base/common.js";
import { menu } from "../../base/controls.js";

/** @param {import("../../base/common.js").Model} model */
export function headOf(model) {
  const sentence = element("h2", {});
  const tools = element("span", { className: "lrp-repairs-tools" });
  const made = element("div", { className: "lrp-head lrp-repairs-head" }, sentence, element("span", { className: "lrp-space" }), tools);

  function tell() {
    const head = model.get("head");
    if (!head.class) {
      sentence.replaceChildren("Mend a model and prove it");
      tools.replaceChildren();
      return;
    }
    sentence.replaceChildren("Make ", element("b", {}, head.class), " forget ", element("b", {}, head.concept), ...layerOf(head, model), ", and prove that nothing else broke.");
    tools.replaceChildren(...toolsOf(head, model));
  }

  return { made, tell };
}

/**
 * @param {any} head
 * @param {import("../../base/common.js").Model} model
 */
function layerOf({ layer, layers }, model) {
  if (!layer) return [];
  const select = element("select", { ariaLabel: "layer", className: "lrp-mono" }, ...layers.map((/** @type {string} */ each) => element("option", { value: each }, each)));
  select.value = layer;
  select.addEventListener("change", () => model.send({ layer: select.value }));
  return [" as ", select, " carries it"];
}

/**
 * @param {any} head
 * @param {import("../../base/common.js").Model} model
 * @returns {HTMLElement[]}
 */
function toolsOf({ rest, running, seeds, most, done }, model) {
  const count = element("input", { type: "number", min: 1, max: most, value: String(seeds), ariaLabel: "seeds", title: "How often each repair is made, of other inputs" });
  count.addEventListener("change", () => model.send({ seeds: Number(count.value) }));
  const add = rest.length ? [menu("add a repair ▾", "Try another repair", rest.map((/** @type {string[]} */ [name, does]) => [`${name}: ${does}`, () => model.send({ add: name })]), "add a repair")] : [];
  const go = running ? button("stop", "End what is under way; what is there stays", () => model.send({ go: false })) : done ? button("run again", "Make and examine all repairs anew", () => model.send({ again: true })) : button("go on", "Go on where it was ended", () => model.send({ go: true }));
  return [...add, element("label", {}, count, " seeds"), go];
}
