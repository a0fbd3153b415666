// What is drawn in the panes: colours, contours and dots.

import { element } from "../../base/common.js";
import { drawMap, drawPicture, paint, show } from "../../base/maps.js";
import { limitOf, strongOf, strongest } from "./numbers.js";
import { mark, see } from "./panes.js";
import { dots, outline } from "./shapes.js";

/**
 * Draw all panes.
 *
 * @param {import("./shown.js").Shown} shown
 */
export function drawPanes({ look, size, picture, input, live, maps, panes, paper }) {
  const limits = maps.map(({ values }) => limitOf(values, look.clip));
  const together = maps.map((pane, index) => ({ composite: pane.composite, shared: 0, own: index })[look.scale]);
  maps.forEach((pane, index) => {
    const largest = Math.max(...limits.filter((_, other) => together[other] === together[index]));
    pane.limit = (largest || 1) / look.gain;
    paint(pane.canvas, pane.size, pane.values, pane.limit, look, behind(pane, picture), paper);
    markStrongest(pane, pane.values, look);
  });
  show(input.canvas, size, picture);
  markStrongest(input, live.values, look);
  panes.forEach((pane) => see(pane, look.zoom));
}

/**
 * What is drawn in a pane with all its pixels, however few of them the page has room for.
 *
 * @param {import("./panes.js").Pane} pane
 * @param {import("./shown.js").Shown} shown
 */
export function wholeOf(pane, { look, picture, paper }) {
  const canvas = element("canvas");
  if (pane.kind === "input") drawPicture(canvas, pane.size, picture);
  else drawMap(canvas, pane.size, pane.values, pane.limit, look, behind(pane, picture), paper);
  return canvas;
}

/**
 * The picture that shines through the map of a pane.
 *
 * @param {import("./panes.js").Pane} pane
 * @param {Uint8Array} input
 */
function behind(pane, input) {
  return pane.picture.length ? pane.picture : input;
}

/**
 * Surround and dot the strongest pixels.
 *
 * @param {import("./panes.js").Pane} pane
 * @param {Float32Array<ArrayBuffer>} values
 * @param {import("../../base/maps.js").Look} look
 */
function markStrongest(pane, values, look) {
  const wanted = [look.sign, look.contour, look.strongest].join();
  if (pane.marked === values && pane.wanted === wanted) return; // gain and zoom change nothing here
  [pane.marked, pane.wanted] = [values, wanted];
  mark(pane, "contour", look.contour ? outline(pane.size, strongOf(values, look.sign, look.contour)) : "");
  mark(pane, "dots", look.strongest ? dots(pane.size, strongest(values, look.sign, look.strongest)) : "");
}
