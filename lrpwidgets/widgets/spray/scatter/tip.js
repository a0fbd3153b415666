// The picture and the heatmap beside the pointer, or the text.

import { element, pen } from "../../base/common.js";
import { painter } from "../../base/shades.js";
import { write } from "../excerpts.js";

const SIDE = 64; // pixels of the pictures
const ASIDE = 14; // pixels from the point

/**
 * @param {ReturnType<typeof import("../sprites.js").sprites>} thumbnails
 * @param {ReturnType<typeof import("../excerpts.js").excerpts>} texts
 */
export function tip(thumbnails, texts) {
  const [canvas, words, caption] = [element("canvas"), element("p"), element("figcaption")];
  const made = element("figure", { className: "lrp-tip", hidden: true }, canvas, words, caption);
  let written = /** @type {object | undefined} */ (undefined);

  /**
   * Show the point that the mouse is over, if its pictures or its text are there.
   *
   * @param {import("./shown.js").Shown} shown
   * @param {import("./axes.js").Axes} axes
   */
  function draw({ xy, here, hovered, gesture }, axes) {
    made.hidden = !here || hovered === null || gesture !== null || !(thumbnails.has(hovered) || texts.has(hovered));
    if (made.hidden || hovered === null) return;
    canvas.hidden = !thumbnails.has(hovered);
    words.hidden = !canvas.hidden;
    if (canvas.hidden) quote(hovered);
    else picture(hovered);
    caption.textContent = thumbnails.caption(hovered) || texts.caption(hovered);
    const [x, y] = [axes.across(xy[2 * hovered]), axes.down(xy[2 * hovered + 1])];
    const [w, h] = [made.offsetWidth, made.offsetHeight];
    made.style.left = `${Math.max(0, Math.min(axes.width - w, x + ASIDE))}px`;
    made.style.top = `${y + ASIDE + h < axes.height ? y + ASIDE : y - ASIDE - h}px`;
  }

  /** @param {number} position */
  function picture(position) {
    const side = SIDE * devicePixelRatio;
    Object.assign(canvas, { width: 2 * side, height: side });
    thumbnails.draw(pen(canvas), "inputs", position, 0, 0, side);
    thumbnails.draw(pen(canvas), "heatmaps", position, side, 0, side);
  }

  /** @param {number} position */
  function quote(position) {
    const excerpt = texts.get(position);
    if (excerpt && excerpt !== written) write(words, excerpt, painter(made));
    written = excerpt;
  }

  return { made, draw };
}
