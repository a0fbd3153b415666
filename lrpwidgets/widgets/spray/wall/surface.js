// The wall itself: its tiles where there is room for them, in the colours of the theme.

import { paperOf, element, pen } from "../../base/common.js";
import { sprites } from "../sprites.js";
import { asking } from "./asking.js";
import { Layout } from "./layout.js";
import { inksOf, paint } from "./painting.js";
import { scrollerOf } from "./scroller.js";
import { Shown } from "./shown.js";

const AHEAD = 1; // windows that are asked for above and below the one in view

/**
 * @param {(positions: number[]) => void} want asks for pictures
 * @param {(from: number, to: number, pictures: number) => void} drawn called with the places in view, and how many have pictures
 */
export function surface(want, drawn) {
  const [shown, thumbnails, scroller] = [new Shown(), sprites(), scrollerOf()];
  const { ask, forget: askAgain } = asking(shown, thumbnails, want);
  const probe = element("span", { hidden: true });
  let inks = { pane: "", hairline: "", ink: "", quiet: "", for: "" };
  let waiting = 0;

  function layOut() {
    const layout = new Layout(shown.mode, scroller.made.clientWidth);
    if (!layout.width) return; // not on the page yet
    shown.layout = layout;
    scroller.fit(layout, shown.order.length);
    soon();
  }

  /**
   * Show the tiles of these positions, from the first.
   *
   * @param {Uint32Array<ArrayBuffer>} positions
   */
  function list(positions) {
    [shown.order, shown.focused] = [positions, null];
    askAgain();
    scroller.made.scrollTop = 0;
    layOut();
  }

  const inView = (windows = 0) => scroller.inView(shown.layout, shown.order.length, windows);

  function page(/** @type {number} */ direction) {
    const { layout } = shown;
    scroller.made.scrollTop += direction * layout.wholeRows(scroller.made.clientHeight) * layout.down;
  }

  function soon() {
    waiting ||= requestAnimationFrame(draw);
  }

  function draw() {
    waiting = 0;
    if (!shown.layout.width) return;
    const { order, rows, focused, hovered } = shown;
    const [from, to] = inView();
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    drawn(from, to, paint(pen(scroller.canvas), shown, places, thumbnails, inks, scroller.made.scrollTop));
    scroller.describe(focused, order.length, focused === null ? "" : thumbnails.caption(shown.rowOf(focused)));
    scroller.canvas.title = hovered === null ? "" : thumbnails.caption(rows[hovered]);
    ask(places, inView(AHEAD));
  }

  /** Forget the pictures: they are of other data, or in the colours of another theme. */
  function forget() {
    askAgain();
    thumbnails.clear(paperOf(scroller.made));
    soon();
  }

  function turnTheme() {
    inks = inksOf(probe);
    forget();
  }

  /**
   * @param {import("../sprites.js").TileMessage} message
   * @param {DataView[]} buffers
   */
  function receiveTiles(message, buffers) {
    thumbnails.receive(message, buffers);
    soon();
  }

  scroller.made.addEventListener("scroll", soon, { passive: true });
  const watching = new ResizeObserver(() => {
    if (!inks.pane) turnTheme();
    layOut();
  });
  watching.observe(scroller.made);

  function close() {
    cancelAnimationFrame(waiting);
    watching.disconnect();
  }

  return { shown, scroller, probe, list, layOut, inView, page, soon, forget, turnTheme, receiveTiles, close };
}
