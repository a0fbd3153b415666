// The keys over all panes: they move the picture and zoom, or the pixel that is read, and draw with it.

/** @type {Record<string, number[]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The pixel that the keys read, if they do.
 *
 * @param {import("./hand.js").Field} field
 */
export function readerOf(field) {
  let reading = /** @type {number[] | null} */ (null);
  let drawing = /** @type {import("./hand.js").Pen | null} */ (null); // the pen that the space bar put down

  /**
   * @param {KeyboardEvent} event
   * @param {import("./panes.js").Pane} pane
   */
  function key(event, pane) {
    const arrow = ARROWS[event.key];
    const [factor, x, y] = field.zoom();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") field.zoomTo(factor * 1.5);
    else if (event.key === "-") field.zoomTo(factor / 1.5);
    else if (event.key === "0") field.zoomTo(1);
    else if (event.key === "Enter") reading ? stop() : start();
    else if (event.key === " " && reading && field.pen(pane)) draw(reading, field.pen(pane));
    else if (arrow && reading) step(reading, arrow, event.shiftKey ? 10 : 1);
    else if (arrow) field.moveTo(x + (0.1 * arrow[0]) / factor, y + (0.1 * arrow[1]) / factor);
    else return;
    event.preventDefault();
    event.stopPropagation(); // arrows mean other things elsewhere
  }

  function start() {
    const [[height, width], [factor, x, y]] = [field.size(), field.zoom()];
    go([Math.floor((x + 0.5 / factor) * width), Math.floor((y + 0.5 / factor) * height)]);
  }

  function stop() {
    drawing?.up();
    drawing = reading = null;
    leave();
  }

  /**
   * @param {number[]} from
   * @param {number[]} arrow
   * @param {number} pixels
   */
  function step(from, arrow, pixels) {
    const [height, width] = field.size();
    const inside = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(most - 1, Math.max(0, value));
    const to = [inside(from[0] + arrow[0] * pixels, width), inside(from[1] + arrow[1] * pixels, height)];
    drawing?.move(middle(to));
    go(to);
  }

  /** @param {number[]} pixel */
  function go(pixel) {
    reading = pixel;
    field.over(middle(pixel));
    field.read(pixel);
  }

  /**
   * Put the pen down, or lift it.
   *
   * @param {number[]} pixel
   * @param {import("./hand.js").Pen | null} pen
   */
  function draw(pixel, pen) {
    if (drawing) drawing.up();
    else pen?.down(middle(pixel));
    drawing = drawing ? null : pen;
  }

  function leave() {
    field.over(null);
    field.read(null);
  }

  /** The pointer reads now. */
  function forget() {
    reading = null;
  }

  return { key, stop, leave, forget, reads: () => reading !== null };
}

/** @param {number[]} pixel */
function middle(pixel) {
  return pixel.map((value) => value + 0.5);
}
