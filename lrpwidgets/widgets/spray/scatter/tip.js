// The picture and the heatmap beside the pointer.

import { element, pen } from "../../base/common.js";

const SIDE = 64; // pixels of the pictures
const ASIDE = 14; // pixels from the point

/** @param {ReturnType<typeof import("../sprites.js").sprites>} thumbnails */
export function tip(thumbnails) {
  const [canvas, caption] = [element("canvas"), element("figcaption")];
  const made = element("figure", { className: "lrp-tip", hidden: true }, canvas, caption);

  /**
   * Show the point that the mouse is over, if its pictures are there.
   *
   * @param {import("./shown.js").Shown} shown
   * @param {import("./axes.js").Axes} axes
   */
  function draw({ xy, here, hovered, gesture }, axes) {
    made.hidden = !here || hovered === null || gesture !== null || !thumbnails.has(hovered);
    if (made.hidden || hovered === null) return;
    const side = SIDE * devicePixelRatio;
    Object.assign(canvas, { width: 2 * side, height: side });
    thumbnails.draw(pen(canvas), "inputs", hovered, 0, 0, side);
    thumbnails.draw(pen(canvas), "heatmaps", hovered, side, 0, side);
    caption.textContent = thumbnails.caption(hovered);
    const [x, y] = [axes.across(xy[2 * hovered]), axes.down(xy[2 * hovered + 1])];
    const [w, h] = [made.offsetWidth, made.offsetHeight];
    made.style.left = `${Math.max(0, Math.min(axes.width - w, x + ASIDE))}px`;
    made.style.top = `${y + ASIDE + h < axes.height ? y + ASIDE : y - ASIDE - h}px`;
  }

  return { made, draw };
}
