// How a map is drawn: its points as pixels of one canvas, and what a gesture leaves on another.

import { paperOf, pen } from "../../base/common.js";
import { dots } from "../dots.js";

const GLIDE = 600; // milliseconds in which points move to where another embedding or composite puts them

/**
 * @typedef {import("./shown.js").Shown} Shown
 * @typedef {import("./axes.js").Axes} Axes
 */

/**
 * A function that has something drawn with the next frame, once the map is `ready`; and one that ends this.
 *
 * @param {() => boolean} ready
 * @param {{ points: () => void, marks: () => void }} draw
 */
export function frames(ready, draw) {
  const stale = { points: true, marks: true };
  let waiting = 0;

  function soon(/** @type {"points" | "marks"} */ what) {
    stale[what] = true;
    waiting ||= requestAnimationFrame(drawStale);
  }

  function drawStale() {
    waiting = 0;
    if (!ready()) return;
    if (stale.points) draw.points();
    if (stale.marks) draw.marks();
    Object.assign(stale, { points: false, marks: false });
  }

  return { soon, end: () => cancelAnimationFrame(waiting) };
}

/**
 * Pixels of a dot's radius: the more points the smaller, and larger again as one zooms in.
 *
 * @param {number} count
 * @param {Axes} axes
 * @param {number[]} home
 */
export function radius(count, { domain }, home) {
  const closer = (home[1] - home[0]) / (domain[1] - domain[0]);
  return Math.min(6, Math.max(1.1, 2.9 * (1500 / Math.max(1500, count)) ** 0.24) * Math.max(1, closer) ** 0.3);
}

/**
 * Draw all points that are seen, on the way to their places while they `glide`.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Shown} shown
 * @param {Axes} axes
 * @param {number} around pixels of a dot's radius
 */
export function drawPoints(canvas, shown, axes, around) {
  const { xy, seen, chosen, selection, tints } = shown;
  const ratio = devicePixelRatio;
  const size = around * ratio;
  const surface = dots(canvas.width, canvas.height, paperOf(canvas), 2 * size + 2);
  const pale = surface.brush(size, selection.length ? 0.42 : 0.8);
  const full = surface.brush(size + 0.6 * ratio, 1);
  const gone = shown.glide ? Math.min(1, (performance.now() - shown.glide.start) / GLIDE) : 1;
  if (gone === 1) shown.glide = null;
  const from = shown.glide?.from;
  const left = (1 - gone) ** 3; // fast at first
  const at = (/** @type {number} */ i) => (from ? xy[i] + left * (from[i] - xy[i]) : xy[i]);
  const put = (/** @type {import("../dots.js").Brush} */ brush, /** @type {number} */ p) => brush(axes.across(at(2 * p)) * ratio, axes.down(at(2 * p + 1)) * ratio, tints[3 * p], tints[3 * p + 1], tints[3 * p + 2]);
  for (let p = 0; p < seen.length; p++) if (seen[p] && !chosen[p]) put(pale, p);
  for (const p of selection) if (seen[p]) put(full, p);
  surface.show(pen(canvas));
}

/**
 * Draw the outline of the gesture, and a ring around the point that is looked at.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Shown} shown
 * @param {Axes} axes
 * @param {number} around pixels of a dot's radius
 */
export function drawMarks(canvas, { xy, seen, hovered, gesture, outline }, axes, around) {
  const context = pen(canvas);
  const { color } = getComputedStyle(canvas);
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, axes.width, axes.height);
  context.strokeStyle = context.fillStyle = color;
  const corners = gesture?.corners ?? outline;
  if (corners) drawOutline(context, corners, axes);
  if (hovered !== null && hovered < seen.length && seen[hovered]) {
    context.beginPath();
    context.arc(axes.across(xy[2 * hovered]), axes.down(xy[2 * hovered + 1]), around + 3.5, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Float64Array} corners
 * @param {Axes} axes
 */
function drawOutline(context, corners, axes) {
  context.beginPath();
  for (let i = 0; i < corners.length; i += 2) context.lineTo(axes.across(corners[i]), axes.down(corners[i + 1]));
  context.closePath();
  context.globalAlpha = 0.05;
  context.fill("evenodd");
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.stroke();
  context.setLineDash([]);
}
