// What the mouse and the keys do on a wall: look at a tile, walk from one to the next, open one.

import { lately } from "../lately.js";

/**
 * @param {ReturnType<typeof import("./scroller.js").scrollerOf>} scroller
 * @param {import("./shown.js").Shown} shown
 * @param {() => void} soon has the wall drawn
 * @param {(told: object) => void} send
 */
export function walking(scroller, shown, soon, send) {
  const { made } = scroller;
  const stage = /** @type {HTMLElement} */ (scroller.stage);
  const look = lately((/** @type {number | null} */ position) => send({ hover: position }));

  /** @param {number | null} position */
  function hover(position) {
    if (position === shown.hovered) return;
    shown.hovered = position;
    look(position);
    soon();
  }

  /** @param {number} to */
  function walk(to) {
    const place = Math.min(shown.order.length - 1, Math.max(0, to));
    shown.focused = place;
    scroller.reveal(shown.layout, place);
    hover(shown.order[place]);
    soon();
  }

  /** @param {number} place */
  function open(place) {
    shown.focused = place;
    soon();
    send({ open: shown.order[place] });
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const { order, layout, focused } = shown;
    if (!order.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = layout.wholeRows(made.clientHeight) * layout.columns;
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.columns, ArrowDown: layout.columns, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && focused !== null) open(focused);
    else if (event.key in steps) walk(focused === null ? scroller.inView(layout, order.length)[0] : focused + steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const placeAt = (/** @type {MouseEvent} */ event) => scroller.placeAt(shown.layout, shown.order.length, event);

  made.addEventListener("keydown", key);
  made.addEventListener("blur", () => shown.here || hover(null));
  stage.addEventListener("pointermove", (event) => {
    shown.here = true;
    const place = placeAt(event);
    hover(place === null ? null : shown.order[place]);
  });
  stage.addEventListener("pointerleave", () => {
    shown.here = false;
    hover(null);
  });
  stage.addEventListener("click", (event) => {
    const place = placeAt(event);
    if (place !== null) open(place);
  });
}
