// The wall itself: its tiles where there is room for them, in the colours of the theme.

import { paperOf, element } from "../../base/common.js";
import { asking } from "./asking.js";
import { inksOf } from "./painting.js";
import { scrollerOf } from "./scroller.js";
import { Shown } from "./shown.js";

const AHEAD = 1; // windows that are asked for above and below the one in view

/**
 * @param {import("./pictures.js").Kind} kind
 * @param {(positions: number[]) => void} want asks for pictures
 * @param {(from: number, to: number, pictures: number) => void} drawn called with the places in view, and how many have pictures
 */
export function surface(kind, want, drawn) {
  const [shown, held, scroller] = [new Shown(), kind.held, scrollerOf(kind)];
  const { ask, forget: askAgain } = asking(shown, held, want);
  const probe = element("span", { hidden: true });
  let inks = { pane: "", hairline: "", ink: "", quiet: "", for: "" };
  let waiting = 0;

  function layOut() {
    const layout = kind.layout(shown.mode, scroller.made.clientWidth);
    if (!layout.width) return; // not on the page yet
    shown.layout = layout;
    scroller.fit(layout, shown.order.length);
    soon();
  }

  /**
   * Show the tiles of these positions, from the first; of the same ones as before where a person is.
   *
   * @param {Uint32Array<ArrayBuffer>} positions
   */
  function list(positions) {
    if (shown.take(positions)) scroller.made.scrollTop = 0;
    askAgain();
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
    drawn(from, to, kind.paint(shown, places, inks, scroller.made.scrollTop));
    scroller.describe(focused, order.length, focused === null ? "" : held.caption(shown.rowOf(focused)));
    scroller.stage.title = hovered === null ? "" : held.caption(rows[hovered]);
    ask(places, inView(AHEAD));
  }

  /** Forget the pictures: they are of other data, or in the colours of another theme. */
  function forget() {
    askAgain();
    held.clear(paperOf(scroller.made));
    soon();
  }

  function turnTheme() {
    inks = inksOf(probe);
    forget();
  }

  /**
   * @param {any} message of tiles or excerpts, as they are on this wall
   * @param {DataView[]} buffers
   */
  function receiveTiles(message, buffers) {
    held.receive(message, buffers);
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
