// The row above the text: what is typed, what has a colour, pins and files.

import { button, element } from "../../base/common.js";
import { menu } from "../../base/controls.js";
import { pinning } from "../../explore/heatmap/pinning.js";
import { LEVELS } from "./cells.js";

/**
 * @param {HTMLElement[]} editing what opens the field
 * @param {HTMLElement} said
 * @param {string[]} presets composites that can be pinned
 * @param {object} acts
 * @param {(level: import("./cells.js").Level) => void} acts.take another level
 * @param {(kind: string) => void} acts.save
 * @param {(message: object) => void} acts.say tells the kernel
 */
export function toolsOf(editing, said, presets, { take, save, say }) {
  const levels = LEVELS.map((level) => button(level, `Colours of ${level}s`, () => take(level)));
  const saving = menu("save ▾", "Save what is shown", [
    ["page (HTML)", () => save("html")],
    ["figure (SVG)", () => save("svg")],
    ["paper (LaTeX)", () => save("tex")],
    ["numbers (NPZ)", () => save("npz")],
    ["report (HTML)", () => save("report")],
  ]);
  const made = element(
    "div",
    { className: "lrp-text-tools" },
    element("span", { className: "lrp-choices" }, ...editing),
    said,
    element("span", { className: "lrp-space" }),
    element("span", { className: "lrp-choices", role: "group", ariaLabel: "What has a colour" }, ...levels),
    element("span", { className: "lrp-choices" }, ...pinning(presets, say, "text")),
    saving,
  );
  const show = (/** @type {string} */ level) => levels.forEach((each, at) => (each.ariaPressed = String(LEVELS[at] === level)));
  return { made, show };
}
