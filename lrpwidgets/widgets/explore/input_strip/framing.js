// What the network sees of an upload: its middle, or all of it.

import { element, button } from "../../base/common.js";

/**
 * @typedef {object} Framing
 * @property {string} name
 * @property {[number, number, number, number]} seen width and height of the picture, and of what is seen of it
 * @property {boolean} fit whether all of it shall be seen
 */

/** @param {(fit: boolean) => void} choose */
export function framingOf(choose) {
  const told = element("span");
  const crop = button("crop", "The network sees the middle of an upload", () => choose(false));
  const fit = button("fit", "The network sees all of an upload, with grey around it", () => choose(true));
  const made = element("div", { className: "lrp-framing lrp-quiet", hidden: true }, told, crop, fit);

  /** @param {Framing | {}} framing empty where nothing is cropped */
  function show(framing) {
    made.hidden = !("seen" in framing);
    if (!("seen" in framing)) return;
    told.textContent = wordsOf(framing);
    crop.ariaPressed = String(!framing.fit);
    fit.ariaPressed = String(framing.fit);
  }

  return { made, show };
}

/** @param {Framing} framing */
export function wordsOf({ name, seen: [width, height, across, down] }) {
  const whole = `${width} × ${height} pixels`;
  if (across === width && down === height) return `${name}: the network sees all of its ${whole}.`;
  return `${name}: the network sees the middle ${across} × ${down} of its ${whole}.`;
}
