// The row below the panes: what the colours mean, in numbers.

import { colour, mapOn, element, button, number } from "../../base/common.js";
import { legendOf, write } from "./captions.js";

/**
 * @param {import("./shown.js").Shown} shown
 * @param {(change: Partial<import("../../base/maps.js").Look>) => void} setLook
 * @param {HTMLElement} readout what stands at its end
 */
export function scaleOf(shown, setLook, readout) {
  const [low, high] = ["lrp-number", "lrp-number"].map((className) => element("span", { className }));
  const ramp = element("span", { className: "lrp-ramp", role: "img" });
  const unit = element("span", { className: "lrp-quiet lrp-unit" });
  const rescale = button("", "One scale for all maps, or one for those of each composite", () => setLook({ scale: shown.look.scale === "shared" ? "composite" : "shared" }), { className: "lrp-link" });
  const made = element("div", { className: "lrp-scale" }, low, ramp, high, unit, rescale, readout);

  function tell() {
    const { look, live, maps, paper, oneScale } = shown;
    low.textContent = number(-live.limit);
    high.textContent = number(live.limit, { sign: true });
    ramp.ariaLabel = `Colour scale: ${legendOf(look)}`;
    ramp.style.background = `linear-gradient(90deg, ${stopsOf(look.map, paper).join()})`;
    rescale.hidden = new Set(maps.map(({ composite }) => composite)).size < 2;
    rescale.textContent = look.scale === "shared" ? "one scale for each composite" : "one scale for all";
    write(unit, `relevance per pixel: ${legendOf(look)}${endOf(look)}; ${rangeOf(maps.length, oneScale)}`);
  }

  /** What a figure says of it. */
  const printed = () => ({ low: low.textContent, high: high.textContent, unit: unit.textContent, ramp: stopsOf(shown.look.map, shown.paper) });

  return { made, unit, tell, printed };
}

/**
 * Where it ends, if that is not the largest |r|.
 *
 * @param {import("../../base/maps.js").Look} look
 */
function endOf({ clip, gain }) {
  return clip === 100 ? "" : `, to the ${clip}th percentile${gain > 1 ? ` / ${number(gain)}` : ""}`;
}

/**
 * For which maps the scale is.
 *
 * @param {number} count of the maps
 * @param {boolean} one whether all have it
 */
function rangeOf(count, one) {
  if (count < 2) return "in units of f";
  return one ? `one scale for ${count === 2 ? "both" : "all"}` : "others have their own";
}

/**
 * Colours from the strongest relevance against to the strongest for.
 *
 * @param {string} map
 * @param {number[]} paper
 */
function stopsOf(map, paper) {
  const pixels = new Float32Array(4);
  return Array.from({ length: 21 }, (_, index) => {
    colour(pixels, 0, index / 10 - 1, mapOn(map, paper), paper);
    return `rgb(${pixels.slice(0, 3).map(Math.round).join()})`;
  });
}
