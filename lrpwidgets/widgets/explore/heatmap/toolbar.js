// The first row of controls: brightness, zoom, pins and files.

import { element, button } from "../../base/common.js";
import { slider, menu } from "../../base/controls.js";
import { lookAround } from "../../base/top_bar/address.js";
import { CHOICES } from "./look.js";
import { pinning } from "./pinning.js";

/**
 * @typedef {object} Acts
 * @property {(change: Partial<import("../../base/maps.js").Look>) => void} setLook
 * @property {(factor: number) => void} zoomTo
 * @property {(message: object) => void} say tells the kernel
 * @property {(kind: "png" | "svg") => void} save
 */

/**
 * @param {import("./shown.js").Shown} shown
 * @param {string[]} presets composites that can be pinned
 * @param {HTMLElement} toggle what stands at its end
 * @param {Acts} acts
 */
export function toolbar(shown, presets, toggle, acts) {
  const { setLook, zoomTo } = acts;
  const gain = slider("gain", "Brightens faint relevance", [0, 2], (value) => setLook({ gain: 10 ** value }));
  const overlay = slider("overlay", "Lets the input shine through", [0, 1], (value) => setLook({ overlay: value }));
  let overlaid = 0.5; // where the overlay was when it was taken off

  function toggleOverlay() {
    if (shown.look.overlay) overlaid = shown.look.overlay;
    setLook({ overlay: shown.look.overlay ? 0 : overlaid });
  }

  function nextMap() {
    const maps = /** @type {import("../../base/maps.js").Look["map"][]} */ (CHOICES.map);
    setLook({ map: maps[(maps.indexOf(shown.look.map) + 1) % maps.length] });
  }

  const made = element(
    "div",
    { className: "lrp-tools" },
    button("gain", "Gain back to 1", () => setLook({ gain: 1 }), { className: "lrp-plain", data: { shortcut: "g" } }),
    gain.label,
    button("overlay", "Overlay the input, on or off", toggleOverlay, { className: "lrp-plain", data: { shortcut: "o" } }),
    overlay.label,
    element("span", { className: "lrp-space" }),
    element(
      "span",
      { className: "lrp-choices" },
      button("−", "Zoom out", () => zoomTo(shown.look.zoom[0] / 1.5), { ariaLabel: "Zoom out" }),
      button("+", "Zoom in", () => zoomTo(shown.look.zoom[0] * 1.5), { ariaLabel: "Zoom in" }),
      button("fit", "Show the whole picture", () => zoomTo(1), { ariaLabel: "Show the whole picture" }),
    ),
    element("span", { className: "lrp-choices" }, ...pinning(presets, acts.say)),
    saving(shown, acts),
    button("next colours", "Next colour map", nextMap, { hidden: true, data: { shortcut: "m", unseen: true } }),
    toggle,
  );

  /** Show what is chosen. */
  function show() {
    gain.range.value = String(Math.log10(shown.look.gain));
    overlay.range.value = String(shown.look.overlay);
  }

  return { made, show };
}

/**
 * @param {import("./shown.js").Shown} shown
 * @param {Acts} acts
 */
function saving(shown, { say, save }) {
  const made = menu("save ▾", "Save what is shown", [
    ["picture (PNG)", () => save("png")],
    ["figure (SVG)", () => save("svg")],
    ["numbers (NPZ)", () => say({ save: "npz" })],
    ["report (HTML)", () => say({ save: "html", look: { ...lookAround(made), ...shown.look } })],
  ]);
  return made;
}
