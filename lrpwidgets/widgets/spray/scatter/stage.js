// The map itself: two canvases one above the other, which fill their place on the page, and the tip.

import { paperOf, element } from "../../base/common.js";
import { excerpts } from "../excerpts.js";
import { sprites } from "../sprites.js";
import { Axes } from "./axes.js";
import { frames, radius, drawPoints, drawMarks } from "./painting.js";
import { Shown } from "./shown.js";
import { tip } from "./tip.js";

const TITLE = "Map of the explanations: arrow keys move it, plus and minus zoom, 0 shows all";

/**
 * @param {() => number[]} home the domain of all points
 * @param {() => void} resized called when it has another size
 */
export function stageOf(home, resized) {
  const [shown, axes, thumbnails, texts] = [new Shown(), new Axes(home()), sprites(), excerpts()];
  const [field, marks, aside] = [element("canvas", { className: "lrp-points" }), element("canvas", { className: "lrp-gestures" }), tip(thumbnails, texts)];
  const made = element("div", { className: "lrp-stage", tabIndex: 0, role: "application", ariaLabel: TITLE }, field, marks, aside.made);
  const around = () => radius(shown.seen.length, axes, home());
  const ready = () => axes.width > 0 && !shown.tints.length === !shown.seen.length; // else it is not on the page yet
  const { soon, end } = frames(ready, { points: paintPoints, marks: paintMarks });
  const watching = new ResizeObserver(resize);
  watching.observe(made);

  function paintPoints() {
    drawPoints(field, shown, axes, around());
    if (shown.glide) requestAnimationFrame(() => soon("points")); // behind this frame, whose work is marked done
  }

  function paintMarks() {
    drawMarks(marks, shown, axes, around());
    aside.draw(shown, axes);
  }

  function resize() {
    [axes.width, axes.height] = [made.clientWidth, made.clientHeight];
    for (const canvas of [field, marks]) Object.assign(canvas, { width: Math.round(axes.width * devicePixelRatio), height: Math.round(axes.height * devicePixelRatio) });
    resized();
  }

  /** Forget pictures and texts: they are of other data, or in the colours of another theme. */
  function forget() {
    thumbnails.clear(paperOf(aside.made));
    texts.clear();
  }

  /**
   * @param {any} message of a tile or an excerpt
   * @param {DataView[]} buffers
   */
  function receiveTile(message, buffers) {
    (message.excerpts ? texts : thumbnails).receive(message, buffers);
    soon("marks");
  }

  function close() {
    end();
    watching.disconnect();
  }

  return { made, shown, axes, soon, forget, receiveTile, close };
}
