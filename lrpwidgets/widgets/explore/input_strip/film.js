// A row of thumbnails that scrolls sideways, of which only those in view exist.

import { element } from "../../base/common.js";
import { picturesOf } from "./pictures.js";
import { scrollOf, stepOf } from "./scroll.js";
import { tilesOf } from "./tiles.js";

/**
 * @typedef {object} Acts
 * @property {import("./kinds.js").Kind} kind
 * @property {(tile: HTMLElement, index: number) => void} dress labels a thumbnail
 * @property {(index: number) => void} look is called at a click
 * @property {(index: number) => boolean} removable whether an input is an upload
 * @property {(index: number) => void} remove is called for one that shall go
 * @property {(indices: number[]) => void} want asks for what they show
 */

/**
 * @param {HTMLElement} row
 * @param {Acts} acts
 */
export function film(row, { kind, dress, look, removable, remove, want }) {
  const spacer = element("div", { className: "lrp-film" });
  const scroll = scrollOf(row, kind.tile);
  const pictures = picturesOf(kind, want);
  const tiles = tilesOf({ kind, spacer, dress, choose, removable, remove, address: pictures.address });
  let order = new Int32Array();
  let chosen = /** @type {number | null} */ (null);
  let entrance = 0; // the place that the tab key leads to; arrows go on from there
  let waiting = 0;
  const soon = () => (waiting ||= requestAnimationFrame(draw));
  const watching = new ResizeObserver(soon);
  const focused = () => spacer.contains(document.activeElement);
  row.append(spacer);
  row.addEventListener("scroll", soon, { passive: true });
  row.addEventListener("keydown", step);
  watching.observe(row);

  function draw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const start = scroll.position();
    const places = withFocus(scroll.inView(start));
    tiles.draw(order, places, row.scrollLeft - start, entrance);
    pictures.ask(places.map((place) => order[place]));
  }

  /** Places in order, with that of the focus: an element that vanishes would lose it. */
  function withFocus(/** @type {number[]} */ places) {
    if (!focused() || entrance >= order.length || places.includes(entrance)) return places;
    return [...places, entrance].sort((a, b) => a - b);
  }

  function choose(/** @type {number} */ index) {
    entrance = order.indexOf(index);
    look(index);
  }

  function step(/** @type {KeyboardEvent} */ event) {
    const by = stepOf(event.key, scroll.page());
    if (!by || !order.length || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    entrance = Math.min(order.length - 1, Math.max(0, entrance + by));
    scroll.reveal(entrance, false);
    draw();
    tiles.focus(order[entrance]);
  }

  /** Bring the chosen input into view. */
  function reveal() {
    const place = chosen === null ? -1 : order.indexOf(chosen);
    if (place < 0) return;
    if (!focused()) entrance = place;
    scroll.reveal(place);
    draw();
  }

  return {
    /** Show the inputs `indices`. */
    show: (/** @type {Int32Array<ArrayBuffer>} */ indices) => {
      const [walks, now] = focused() ? [true, order[entrance]] : [false, chosen];
      order = indices;
      scroll.resize(order.length);
      spacer.style.width = `${scroll.width()}px`;
      entrance = placeOf(order, now, walks ? entrance : 0);
      draw();
      if (walks) tiles.focus(order[entrance]);
    },
    /** Outline the input `index`, and bring it into view if it was another before. */
    mark: (/** @type {number | null} */ index) => {
      const same = index === chosen;
      chosen = index;
      tiles.mark(index);
      if (!same) reveal();
    },
    reveal,
    forget: pictures.drop, // of inputs that were removed
    dress: tiles.dress,
    /** The picture of an input has come; empty if there is none. */
    receive: (/** @type {number} */ index, /** @type {DataView<ArrayBuffer>} */ bytes) => {
      pictures.receive(index, bytes);
      if (bytes.byteLength) tiles.picture(index);
      pictures.forget(tiles.has);
    },
    close: () => {
      cancelAnimationFrame(waiting);
      watching.disconnect();
      pictures.close();
    },
  };
}

/**
 * The place of an input: more being known moves nobody who walks along the row. One that is gone leaves its `place`.
 *
 * @param {Int32Array} order
 * @param {number | null} index
 * @param {number} place
 */
function placeOf(order, index, place) {
  const found = index === null ? -1 : order.indexOf(index);
  return found < 0 ? Math.max(0, Math.min(place, order.length - 1)) : found;
}
