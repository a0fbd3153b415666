// The row below the map: what the mouse does, and what can be done with the selection.

import { element, button } from "../../base/common.js";

const TOOLS = { pan: "Move the map", box: "Select in a box: shift adds, alt subtracts", lasso: "Select in an outline drawn by hand: shift adds, alt subtracts" };
const KEYS = { pan: "h", box: "b", lasso: "l" };

/** @typedef {keyof typeof TOOLS} Tool */

/** @param {Record<"invert" | "isolate" | "clear" | "fit", () => void> & { hold: (tool: Tool) => void }} acts */
export function toolbar(acts) {
  const names = /** @type {Tool[]} */ (Object.keys(TOOLS));
  const tools = names.map((name) => button(name, TOOLS[name], () => acts.hold(name), { data: { shortcut: KEYS[name] } }));
  const invert = button("invert", "Select all others instead", acts.invert, { data: { shortcut: "i" } });
  const isolate = button("isolate", "Show the selection alone, or all again", acts.isolate, { data: { shortcut: "s" } });
  const clear = button("clear", "Select nothing", acts.clear, { data: { shortcut: "x" } });
  const escape = button("clear", "Select nothing", acts.clear, { hidden: true, data: { shortcut: "Escape", unseen: true } });
  const fit = button("fit", "Show all of the map", acts.fit, { data: { shortcut: "0" } });
  const made = element(
    "div",
    { className: "lrp-scatter-tools" },
    element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the mouse does" }, ...tools),
    invert,
    isolate,
    clear,
    escape,
    fit,
    element("span", { className: "lrp-quiet lrp-hint" }, "shift adds · alt subtracts"),
  );

  /**
   * Which tool is held.
   *
   * @param {Tool} tool
   */
  function hold(tool) {
    tools.forEach((each) => (each.ariaPressed = String(each.textContent === tool)));
  }

  /**
   * What can be done with a selection of so many.
   *
   * @param {number} count
   * @param {boolean} isolated
   */
  function suit(count, isolated) {
    isolate.disabled = !count && !isolated;
    clear.disabled = escape.disabled = !count;
  }

  return { made, isolate, escape, fit, hold, suit };
}
