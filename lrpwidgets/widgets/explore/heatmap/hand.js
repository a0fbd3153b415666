// The pointer over all panes: it reads, draws, moves the picture and zooms.

import { readerOf } from "./reader.js";

/**
 * @typedef {object} Pen a tool that draws, in pixels of the input
 * @property {(at: number[]) => void} down
 * @property {(at: number[]) => void} move
 * @property {() => void} up
 *
 * @typedef {object} Field what hands move in
 * @property {() => number[]} size
 * @property {() => number[]} zoom factor, then left and top in shares of the picture
 * @property {(factor: number, x?: number, y?: number) => void} zoomTo zooms at a point in shares of the picture
 * @property {(x: number, y: number) => void} moveTo moves left and top, in shares of the picture
 * @property {(pixel: number[] | null) => void} read is told what is read
 * @property {(point: number[] | null) => void} over is told where the brush is
 * @property {(pane: import("./panes.js").Pane) => Pen | null} pen null where dragging moves the picture
 */

/**
 * What lets pointer and keys work in a pane.
 *
 * @param {Field} field
 */
export function handOf(field) {
  const reader = readerOf(field);

  /** @param {import("./panes.js").Pane} pane */
  function attach(pane) {
    const { frame } = pane;
    frame.addEventListener("pointermove", point);
    frame.addEventListener("pointerleave", reader.leave);
    frame.addEventListener("pointerdown", grab);
    frame.addEventListener("keydown", (event) => reader.key(event, pane));
    frame.addEventListener("dblclick", () => field.pen(pane) ?? field.zoomTo(1));
    frame.addEventListener("wheel", wheel, { passive: false });
    frame.addEventListener("blur", () => reader.reads() && reader.stop());

    /** @param {PointerEvent} event */
    function grab(event) {
      if (event.button > 0) return;
      const pen = field.pen(pane);
      const drag = pen ? (/** @type {PointerEvent} */ move) => pen.move(placeOf(move, field)) : moving(event, field);
      const release = () => {
        frame.removeEventListener("pointermove", drag);
        frame.removeEventListener("lostpointercapture", release);
        pen?.up();
      };
      frame.setPointerCapture(event.pointerId);
      frame.addEventListener("pointermove", drag);
      frame.addEventListener("lostpointercapture", release); // also where the browser takes the pointer away
      pen?.down(placeOf(event, field));
    }
  }

  /** @param {PointerEvent} event */
  function point(event) {
    reader.forget();
    const at = placeOf(event, field);
    field.over(at);
    field.read(at.map(Math.floor));
  }

  /** @param {WheelEvent} event */
  function wheel(event) {
    if (document.activeElement !== event.currentTarget && !event.ctrlKey) return; // else the page could not scroll
    event.preventDefault();
    const [[height, width], [x, y]] = [field.size(), placeOf(event, field)];
    field.zoomTo(field.zoom()[0] * 1.0015 ** -event.deltaY, x / width, y / height);
  }

  return { attach };
}

/**
 * Where an event happened, in pixels of the input.
 *
 * @param {MouseEvent} event
 * @param {Field} field
 */
function placeOf(event, field) {
  const { left, top, width, height } = boundsOf(event);
  const [[rows, columns], [factor, x, y]] = [field.size(), field.zoom()];
  const inside = (/** @type {number} */ share, /** @type {number} */ most) => Math.min(most - 1e-6, Math.max(0, share * most));
  return [
    inside(x + (event.clientX - left) / width / factor, columns),
    inside(y + (event.clientY - top) / height / factor, rows),
  ];
}

/**
 * What moves the picture with the pointer.
 *
 * @param {PointerEvent} event
 * @param {Field} field
 */
function moving(event, field) {
  const [[factor, x, y], { width, height }] = [field.zoom(), boundsOf(event)];
  return (/** @type {PointerEvent} */ move) =>
    field.moveTo(x - (move.clientX - event.clientX) / width / factor, y - (move.clientY - event.clientY) / height / factor);
}

/** @param {Event} event */
function boundsOf({ currentTarget }) {
  return /** @type {Element} */ (currentTarget).getBoundingClientRect();
}
