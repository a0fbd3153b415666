// What is drawn in the panes: colours, contours and dots.

import { paint, show } from "../../base/maps.js";
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
  const shared = Math.max(...limits);
  maps.forEach((pane, index) => {
    pane.limit = ((look.scale === "shared" ? shared : limits[index]) || 1) / look.gain;
    const behind = pane.picture.length ? pane.picture : picture;
    paint(pane.canvas, pane.size, pane.values, pane.limit, look, behind, paper);
    markStrongest(pane, pane.values, look);
  });
  show(input.canvas, size, picture);
  markStrongest(input, live.values, look);
  panes.forEach((pane) => see(pane, look.zoom));
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
