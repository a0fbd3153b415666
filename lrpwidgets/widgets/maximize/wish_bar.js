// The sentence: What excites [class] of [layer] · prior [prior] · steps, seed and side.

import { element, follow } from "../base/common.js";
import { searchable } from "../base/searching.js";
import { fill } from "./pictures.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-wish");
  const set = (/** @type {string} */ name, /** @type {any} */ to) => model.send({ set: name, to });
  const select = (/** @type {string} */ name, /** @type {string} */ label, /** @type {(value: string) => any} */ read) => {
    const made = element("select", { ariaLabel: label, title: label });
    made.addEventListener("change", () => set(name, read(made.value)));
    return made;
  };
  const count = (/** @type {string} */ name, /** @type {string} */ label, /** @type {number} */ min, empty = false) => {
    const made = element("input", { type: "number", min, step: 1, ariaLabel: label, title: label, className: "lrp-figure" });
    made.addEventListener("change", () => set(name, made.value === "" && empty ? null : made.value === "" ? min : Number(made.value)));
    return made;
  };
  const kind = select("number", "Class to excite", Number);
  const channel = count("number", "Channel to excite", 0);
  const layer = select("layer", "Layer", (value) => value || null);
  const prior = select("prior", "Prior", String);
  const steps = count("steps", "Steps", 1);
  const seed = count("seed", "Seed: same seed, same picture", 0);
  const size = count("size", "Side of the picture in pixels", 1, true);
  searchable(kind);
  const channelWords = element("label", {}, "channel", channel);
  const classWords = element("label", {}, kind);
  el.append(
    element("span", {}, "What excites"),
    classWords,
    channelWords,
    element("label", {}, element("span", { className: "lrp-quiet" }, "of"), layer),
    element("label", {}, element("span", { className: "lrp-quiet" }, "prior"), prior),
    element("span", { className: "lrp-space" }),
    element("span", { className: "lrp-details lrp-quiet" }, element("label", {}, "steps", steps), element("label", {}, "seed", seed), element("label", {}, "side", size)),
  );

  function draw() {
    const [classes, layers, priors, state] = ["classes", "layers", "priors", "state"].map((trait) => model.get(trait));
    const isClass = state.layer === null || state.layer === undefined;
    classWords.hidden = !isClass || !classes.length;
    channelWords.hidden = isClass && classes.length > 0;
    fill(kind, classes.map((/** @type {string} */ name, /** @type {number} */ index) => [String(index), name]), String(state.number));
    const known = layers.find((/** @type {[string, string, number]} */ [name]) => name === state.layer);
    if (known?.[2]) channel.max = String(known[2] - 1);
    else channel.removeAttribute("max");
    fill(layer, [["", "the output: a class"], ...layers.map((/** @type {[string, string, number]} */ [name, words]) => [name, words ? `${name} · ${words}` : name])], state.layer ?? "");
    fill(prior, priors, state.prior);
    for (const [node, value] of [[channel, state.number], [steps, state.steps], [seed, state.seed], [size, state.size ?? ""]]) {
      if (node !== document.activeElement || node.value !== String(value)) node.value = value;
    }
    size.placeholder = state.side ?? "";
    steps.max = state.most;
  }

  return follow(model, el, draw);
}

export default { render };
