// What the network sees of an upload: its middle or all of it, and which of its numbers.

import { element, button } from "../../base/common.js";

/**
 * @typedef {object} Framing
 * @property {string} name
 * @property {[number, number, number, number] | null} seen width and height of the picture, and of what is seen of it
 * @property {boolean} fit whether all of it shall be seen
 * @property {[number, number] | null} window level and width of the numbers that are seen; null for 8 bits
 * @property {boolean} chosen whether a person chose these
 */

/** @param {(wish: { fit: boolean } | { window: [number, number] | null }) => void} choose */
export function framingOf(choose) {
  const told = element("span");
  const crop = button("crop", "The network sees the middle of an upload", () => choose({ fit: false }));
  const fit = button("fit", "The network sees all of an upload, with grey around it", () => choose({ fit: true }));
  const [level, width] = [field("level", "Number that is seen as middle grey"), field("width", "Difference of the numbers that are seen as black and white")];
  const reset = button("as it comes", "See the numbers that the file says, or that are in use", () => choose({ window: null }));
  const window = element("span", { className: "lrp-window" }, level.made, width.made, reset);
  const made = element("div", { className: "lrp-framing lrp-quiet", hidden: true }, told, crop, fit, window);
  const look = () => choose({ window: [level.input.valueAsNumber, width.input.valueAsNumber] });
  level.input.addEventListener("change", look);
  width.input.addEventListener("change", look);

  /** @param {Framing | {}} framing empty where there is nothing to say */
  function show(framing) {
    made.hidden = !("name" in framing);
    if (!("name" in framing)) return;
    told.textContent = wordsOf(framing);
    crop.hidden = fit.hidden = !framing.seen;
    crop.ariaPressed = String(!framing.fit);
    fit.ariaPressed = String(framing.fit);
    window.hidden = !framing.window;
    reset.disabled = !framing.chosen;
    if (framing.window) [level.input.value, width.input.value] = framing.window.map((each) => String(+each.toPrecision(6)));
  }

  return { made, show };
}

/**
 * @param {string} name
 * @param {string} title
 */
function field(name, title) {
  const input = element("input", { type: "number", step: "any", title, ariaLabel: name });
  return { input, made: element("label", {}, `${name} `, input) };
}

/** @param {Framing} framing */
export function wordsOf({ name, seen }) {
  if (!seen) return `${name}:`;
  const [width, height, across, down] = seen;
  const whole = `${width} × ${height} pixels`;
  if (across === width && down === height) return `${name}: the network sees all of its ${whole}.`;
  return `${name}: the network sees the middle ${across} × ${down} of its ${whole}.`;
}
