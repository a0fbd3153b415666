// Pictures in columns: each input, and its map by every method.

import { array, element } from "../../base/common.js";
import { drawPicture, LOOK, paint, show } from "../../base/maps.js";

/** @typedef {import("../method_table.js").Row} Row */
/** @typedef {import("../method_table.js").Column} Column */

/**
 * @param {import("../../base/common.js").Model} model
 * @returns {import("../method_table.js").Drawing}
 */
export function picturesOf(model) {
  return {
    inputs(columns, picked) {
      const size = model.get("size");
      const pixels = array(model.get("pictures"), Uint8Array);
      const each = size[0] * size[1] * 3;
      return columns.map(({ name, says }, place) => {
        const canvas = element("canvas");
        drawPicture(canvas, size, pixels.subarray(place * each, (place + 1) * each));
        return element("button", { type: "button", className: "lrp-methods-input", title: `${name}, “${says}”: flip this one`, ariaPressed: String(place === picked), data: { place } }, canvas, element("span", {}, says));
      });
    },
    maps(row, columns, { values, own, paper }) {
      const size = model.get("size");
      const count = size[0] * size[1];
      return columns.map(({ name }, place) => {
        const canvas = element("canvas");
        const made = element("button", { type: "button", className: "lrp-methods-map", title: `${row.title}: ${name}, larger`, disabled: row.at === null, data: { place } }, canvas);
        if (row.at === null) return made;
        const from = (row.at * columns.length + place) * count;
        const map = values.subarray(from, from + count);
        requestAnimationFrame(() => paint(canvas, size, map, own ? strongest(map) : 1, LOOK, null, paper));
        return made;
      });
    },
    large: () => {
      const [map, picture] = [element("canvas"), element("canvas")];
      return {
        made: element("div", { className: "lrp-methods-both" }, map, picture),
        draw(large, values, paper) {
          paint(map, large.size, values, 1, LOOK, null, paper);
          show(picture, large.picture, array(model.get("large_picture"), Uint8Array));
        },
      };
    },
    beside: "",
    close() {},
  };
}

/** @param {Float32Array} values */
function strongest(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return sizes[Math.floor(0.99 * (sizes.length - 1))] || sizes.at(-1) || 1;
}
