// The second row of controls: what the pointer does, and how maps are drawn; hidden to begin with.

import { element, button } from "../../base/common.js";
import { group, slider, choice } from "../../base/controls.js";
import { CHOICES } from "./look.js";

const TOOLS = {
  move: ["move", "Drag moves the picture, the wheel zooms"],
  box: ["box", "Drag selects a region"],
  brush: ["brush", "Brush over pixels to select them"],
  grey: ["paint grey", "Paint the input grey: what does the network say then?"],
  blur: ["paint blur", "Paint the input blurred: what does the network say then?"],
};

const CHOSEN = /** @type {(keyof typeof CHOICES)[]} */ (Object.keys(CHOICES));

/** @typedef {keyof typeof TOOLS} Tool */

/**
 * The row, and the button `toggle` that opens it.
 *
 * @param {import("./shown.js").Shown} shown
 * @param {ReturnType<typeof import("./region.js").regionOf>} region
 * @param {ReturnType<typeof import("./strokes.js").strokesOf>} strokes
 * @param {(change: Partial<import("../../base/maps.js").Look>) => void} setLook
 * @param {(tool: Tool) => void} take
 */
export function toolsOf(shown, region, strokes, setLook, take) {
  const radius = slider("radius", "Radius of the brush, in pixels of the input", [0.5, 40], (value) => (shown.radius = value), "radius");
  const selects = selectsOf(setLook);
  const names = /** @type {Tool[]} */ (Object.keys(TOOLS));
  const tools = names.map((name) => button(TOOLS[name][0], TOOLS[name][1], () => take(name), { data: { tool: name } }));
  const painting = group(
    button("undo stroke", "Take the last stroke away", strokes.undo),
    button("clear paint", "Back to the original input", strokes.clear),
  );
  const selecting = group(
    button("invert", "Select the rest instead", region.invert),
    button("clear", "Select nothing", region.clear),
  );
  const made = element(
    "div",
    { className: "lrp-tools lrp-more", hidden: true },
    element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the pointer does" }, ...tools),
    radius.label,
    selecting,
    painting,
    ...Object.values(selects).map(({ label }) => label),
  );
  const toggle = button("tools ▾", "Scale, colours, contours, regions, painting", () => open(Boolean(made.hidden)), { ariaExpanded: "false" });

  /** @param {boolean} opened */
  function open(opened) {
    made.hidden = !opened;
    toggle.ariaExpanded = String(opened);
    if (!opened) take("move");
  }

  /** Show what is chosen, and what can be. */
  function show() {
    const { look, size, tool } = shown;
    radius.range.max = String(Math.max(1, Math.min(...size) / 4));
    shown.radius = Math.min(shown.radius, Number(radius.range.max));
    radius.range.value = String(shown.radius);
    for (const name of CHOSEN) selects[name].select(look[name]);
    for (const each of tools) each.ariaPressed = String(each.dataset.tool === tool);
    radius.label.hidden = !["brush", "grey", "blur"].includes(tool);
    selecting.hidden = !region.any();
    painting.hidden = !strokes.any();
    for (const { frame } of shown.panes) frame.dataset.tool = tool;
  }

  return { made, toggle, show };
}

/** @param {(change: Partial<import("../../base/maps.js").Look>) => void} setLook */
function selectsOf(setLook) {
  /**
   * @param {keyof typeof CHOICES} name
   * @param {string} words
   * @param {(value: any) => string} [text]
   */
  const choose = (name, words, text) => choice(words, CHOICES[name], (value) => setLook({ [name]: value }), text);
  return {
    map: choose("map", "colours"),
    scale: choose("scale", "one scale for", (value) => ({ composite: "each composite", shared: "all maps", own: "each map" })[/** @type {string} */ (value)] ?? ""),
    clip: choose("clip", "scale ends at", (value) => (value === 100 ? "the largest" : `${value} %`)),
    sign: choose("sign", "sign", (value) => (value === "both" ? "both" : `${value} only`)),
    contour: choose("contour", "contour", (value) => (value ? `top ${value} %` : "off")),
    strongest: choose("strongest", "dots", (value) => (value ? `top ${value}` : "off")),
  };
}
