// What the colours mean: groups as buttons, or a ramp of values. The points get them.

import { paperOf, element, button, array } from "../../base/common.js";
import { onPaper, rgbOf, tintsOf } from "./colours.js";

/**
 * @param {import("../../base/common.js").Model} model
 * @param {ReturnType<typeof import("./stage.js").stageOf>} stage
 * @param {(group: number) => void} toggle shows or hides a group
 */
export function legendOf(model, stage, toggle) {
  const made = element("div", { className: "lrp-legend" });
  const probe = element("i", { hidden: true });
  const legend = () => model.get("legend");

  /** Colours of the groups on the paper of now. */
  const palette = () => onPaper((legend().hues ?? []).map((/** @type {string} */ hue) => rgbOf(hue, probe)), paperOf(stage.made));

  function tint() {
    const { shown, soon } = stage;
    shown.tints = tintsOf(shown.groups, array(model.get("values"), Float32Array), palette(), rgbOf("var(--quiet)", probe));
    soon("points");
  }

  function label() {
    const hues = palette().map((colour) => `rgb(${colour})`);
    if (model.get("values")?.byteLength) return made.replaceChildren(ramp(legend(), hues));
    const focus = [...made.children].findIndex((each) => each === document.activeElement);
    const entries = groups(legend(), hues, new Set(model.get("hidden")), toggle);
    made.replaceChildren(...entries);
    entries[focus]?.focus();
  }

  /** Colours for the paper of now. */
  function redress() {
    if (stage.made.isConnected) tint(); // else there is no paper yet
    if (stage.made.isConnected) label();
    stage.soon("marks");
  }

  return { made, probe, redress };
}

/**
 * @param {{ low: string, high: string }} legend
 * @param {string[]} hues
 */
function ramp({ low, high }, hues) {
  return element("span", { className: "lrp-scatter-ramp" }, low, element("i", { style: { background: `linear-gradient(90deg, ${hues.join(", ")})` } }), high);
}

/**
 * @param {{ names?: string[], sizes?: number[] }} legend
 * @param {string[]} hues
 * @param {Set<number>} hidden
 * @param {(group: number) => void} toggle
 */
function groups({ names = [], sizes = [] }, hues, hidden, toggle) {
  return names.map((name, group) => {
    const made = button("", `Show or hide “${name}”`, () => toggle(group), { ariaPressed: String(!hidden.has(group)) });
    made.append(element("i", { style: { background: hues[group] } }), element("span", {}, name), element("span", { className: "lrp-quiet" }, sizes[group].toLocaleString("en")));
    return made;
  });
}
