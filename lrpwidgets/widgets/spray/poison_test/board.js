// A picture and its map beside it; a box that is drawn on one is on both.

import { paperOf, element, button, array } from "../../base/common.js";
import { LOOK, paint, show } from "../../base/maps.js";
import { inMiddle, moved, placed, spanned } from "./box.js";

/** @param {import("../../base/common.js").Model} model */
export function drawingBoard(model) {
  const { made, area, frames, marks, canvases, title, steps, said, test } = parts(model, tryBox);
  let box = /** @type {import("./box.js").Box | null} */ (null);
  let from = /** @type {number[] | null} */ (null); // the pixel where a drag began
  let row = /** @type {number | null | undefined} */ (null);
  for (const frame of frames) {
    frame.addEventListener("pointerdown", begin);
    frame.addEventListener("pointermove", (event) => from && put(spanned(from, pixel(frame, event))));
    frame.addEventListener("pointerup", () => (from = null));
    frame.addEventListener("pointercancel", () => (from = null));
  }
  area.addEventListener("keydown", steer);

  const open = () => model.get("sample").row !== undefined;
  const size = () => model.get("sample").input;

  function draw() {
    const appears = made.hidden && open();
    const sample = model.get("sample");
    made.hidden = !open();
    if (sample.row !== row) [box, from, row] = [null, null, sample.row];
    if (!open() || !made.isConnected) return;
    const pixels = array(model.get("picture"), Uint8Array);
    for (const { style } of canvases) style.aspectRatio = `${sample.size[1]} / ${sample.size[0]}`;
    show(canvases[0], sample.size, pixels);
    paint(canvases[1], sample.size, array(model.get("relevance"), Int8Array), 127, { ...LOOK, overlay: 0.2 }, pixels, paperOf(made));
    title.textContent = title.title = `${sample.name} · ${(sample.place + 1).toLocaleString("en")} of ${sample.count.toLocaleString("en")}`;
    steps.hidden = sample.count < 2;
    put(box);
    if (appears) area.focus({ preventScroll: true });
  }

  function put(/** @type {import("./box.js").Box | null} */ next) {
    box = next;
    for (const mark of marks) {
      mark.hidden = !box;
      if (box) Object.assign(mark.style, placed(box, size()));
    }
    test.disabled = !box;
    said.textContent = box ? `${box[2]} × ${box[3]} pixels` : "drag a box around what may be the mark";
  }

  function begin(/** @type {PointerEvent} */ event) {
    const frame = /** @type {HTMLElement} */ (event.currentTarget);
    frame.setPointerCapture(event.pointerId);
    from = pixel(frame, event);
    put(spanned(from, from));
  }

  /**
   * The pixel of the input under the mouse: row and column.
   *
   * @param {HTMLElement} frame
   * @param {PointerEvent} event
   * @returns {number[]}
   */
  function pixel(frame, { clientX, clientY }) {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const place = [(clientY - top) / height, (clientX - left) / width];
    return size().map((/** @type {number} */ length, /** @type {number} */ axis) => Math.min(length - 1, Math.max(0, Math.floor(place[axis] * length))));
  }

  function steer(/** @type {KeyboardEvent} */ event) {
    /** @type {Record<string, number[]>} */
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.target !== area || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && box) tryBox();
    else if (event.key in moves) put(box ? moved(box, moves[event.key], event.shiftKey, size()) : inMiddle(size()));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function tryBox() {
    model.send({ box, row });
  }

  return { made, open, draw };
}

/**
 * The elements of the board.
 *
 * @param {import("../../base/common.js").Model} model
 * @param {() => void} tryBox
 */
function parts(model, tryBox) {
  const step = (/** @type {number} */ by) => model.send({ draw: by });
  const canvases = [element("canvas"), element("canvas")];
  const marks = canvases.map(() => element("u", { hidden: true }));
  const frames = canvases.map((canvas, place) => element("div", { className: "lrp-poison-frame" }, canvas, marks[place]));
  const area = element("div", { className: "lrp-poison-frames", tabIndex: 0, role: "group" }, ...frames);
  const title = element("span", { className: "lrp-poison-title" });
  const steps = element("span", { className: "lrp-choices" }, button("‹", "The one before", () => step(-1), { ariaLabel: "The picture before" }), button("›", "The next one", () => step(1), { ariaLabel: "The next picture" }));
  const said = element("span", { className: "lrp-quiet", role: "status" });
  const test = button("test this box", "Paste what is in the box on pictures of other classes", tryBox);
  const close = button("close", "Back to the tests", () => model.send({ draw: null }));
  const made = element("div", { className: "lrp-poison-board" }, element("div", { className: "lrp-head" }, title, steps), area, element("div", { className: "lrp-poison-tools" }, test, close, said));
  area.ariaLabel = "Picture: drag a box, or move it with the arrow keys; with shift they change its size, Enter tests it";
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    model.send({ draw: null });
  });
  return { made, area, frames, marks, canvases, title, steps, said, test };
}
