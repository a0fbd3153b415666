// What is pointed at: the values there in words, a mark in every pane, and what the tool draws.

import { element, number } from "../../base/common.js";
import { put } from "./panes.js";

/**
 * @param {import("./shown.js").Shown} shown
 * @param {ReturnType<typeof import("./region.js").regionOf>} region
 * @param {ReturnType<typeof import("./strokes.js").strokesOf>} strokes
 */
export function pointing(shown, region, strokes) {
  const made = element("span", { className: "lrp-readout", ariaLive: "off" });

  /** Say the values at a pixel and mark it in all panes. */
  function read(/** @type {number[] | null} */ pixel) {
    shown.under = pixel;
    for (const pane of shown.panes) put(pane.under, pixel && { x: pixel[0], y: pixel[1] });
    made.textContent = pixel ? `pointer (${pixel.join(", ")}): ${valuesAt(pixel, shown)}` : "";
  }

  /** Show where the brush is. */
  function over(/** @type {number[] | null} */ point) {
    const { tool, input, radius } = shown;
    for (const pane of shown.panes) {
      const brushes = tool === "brush" || (["grey", "blur"].includes(tool) && pane === input);
      put(pane.brush, point && brushes ? { cx: point[0], cy: point[1], r: radius } : null);
    }
  }

  /** What draws in a pane; null where dragging moves the picture. */
  function pen(/** @type {import("./panes.js").Pane} */ pane) {
    const { tool, input } = shown;
    if (tool === "box" || tool === "brush") return region[tool];
    return tool !== "move" && pane === input ? strokes.pen : null;
  }

  return { made, read, over, pen };
}

/**
 * @param {number[]} pixel
 * @param {import("./shown.js").Shown} shown
 */
function valuesAt([x, y], { size, live, pins, caption }) {
  const at = (/** @type {{ values: Float32Array }} */ { values }) => number(values[y * size[1] + x], { sign: true });
  const comparable = pins.filter(({ values }) => values.length === live.values.length);
  const words = comparable.map((pin) => at(pin) + (pin.differs ? " difference" : " pinned"));
  return [`${at(live)} for ${caption.class}`, ...words].join(", ");
}
