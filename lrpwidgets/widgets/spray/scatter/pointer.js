// What the mouse does on the map: look, select and move.

import { inside } from "../lasso.js";
import { lately } from "../lately.js";
import { joined } from "./selecting.js";
import { nearest } from "./shown.js";

const STILL = 4; // pixels that a click may move
const FINE = 3; // pixels between corners of a lasso

/**
 * @typedef {object} Map
 * @property {HTMLElement} stage
 * @property {import("./shown.js").Shown} shown
 * @property {import("./axes.js").Axes} axes
 * @property {(what: "points" | "marks") => void} soon has it drawn
 * @property {(domain: number[]) => void} show shows this domain
 */

/**
 * Have a person draw on the map.
 *
 * @param {Map} map
 * @param {(positions: import("./selecting.js").Positions, around?: Float64Array<ArrayBuffer>) => void} select
 * @param {(position: number | null) => void} told called with the point that is looked at
 */
export function pointer({ stage, shown, axes, soon, show }, select, told) {
  const look = lately(told);

  /** @param {number | null} position */
  function hover(position) {
    if (position === shown.hovered) return;
    shown.hovered = position;
    look(position);
    soon("marks");
  }

  /** @param {PointerEvent} event */
  function begin(event) {
    if (event.button !== 0 || shown.gesture) return;
    stage.setPointerCapture(event.pointerId);
    const [x, y] = placeOn(stage, event);
    if (shown.glide) soon("points");
    shown.glide = null; // a gesture means the points where they are
    shown.gesture = { start: [x, y], last: [x, y], path: [x, y], corners: null, moved: false };
  }

  /** @param {PointerEvent} event */
  function proceed(event) {
    const [x, y] = placeOn(stage, event);
    const { gesture, tool } = shown;
    shown.here = true;
    if (!gesture) return hover(nearest(shown, axes, x, y));
    const [fromX, fromY] = gesture.start;
    gesture.moved ||= Math.hypot(x - fromX, y - fromY) > STILL;
    if (!gesture.moved) return;
    if (tool === "pan") show(axes.moved(x - gesture.last[0], y - gesture.last[1]));
    else gesture.path = tool === "box" ? [fromX, fromY, x, fromY, x, y, fromX, y] : further(gesture.path, x, y);
    gesture.last = [x, y];
    if (tool !== "pan") gesture.corners = Float64Array.from(gesture.path, (at, i) => (i % 2 ? axes.yAt(at) : axes.xAt(at)));
    shown.hovered = null;
    soon("marks");
  }

  /** @param {PointerEvent} event */
  function end(event) {
    if (!shown.gesture) return;
    const { xy, seen, chosen, selection } = shown;
    const { corners, moved, start } = shown.gesture;
    drop();
    if (corners) return select(joined(chosen, inside(xy, corners, seen), event), corners);
    const meant = moved ? null : nearest(shown, axes, start[0], start[1]);
    if (moved || (meant === null && !selection.length)) return;
    const more = event.shiftKey && meant !== null && chosen[meant] ? { altKey: true } : event; // once more takes it away
    if (meant !== null) select(joined(chosen, [meant], more));
    else if (!event.shiftKey && !event.altKey) select([]);
  }

  function drop() {
    shown.gesture = null;
    soon("marks");
  }

  function leave() {
    shown.here = false;
    hover(null);
  }

  stage.addEventListener("pointerdown", begin);
  stage.addEventListener("pointermove", proceed);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", leave);
  return { drop };
}

/**
 * Corners of a lasso that goes on to (`x`, `y`).
 *
 * @param {number[]} path
 * @param {number} x
 * @param {number} y
 */
function further(path, x, y) {
  if (Math.hypot(x - path[path.length - 2], y - path[path.length - 1]) >= FINE) path.push(x, y);
  return path;
}

/**
 * Pixels from the left and the top of `stage`.
 *
 * @param {HTMLElement} stage
 * @param {MouseEvent} event
 */
export function placeOn(stage, { clientX, clientY }) {
  const { left, top } = stage.getBoundingClientRect();
  return [clientX - left, clientY - top];
}
