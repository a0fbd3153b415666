// A row of thumbnails that scrolls sideways, of which only those in view exist.

import { element } from "../base/common.js";

const TILE = 78; // pixels from one thumbnail to the next
const WIDEST = 16e6; // pixels: browsers lay out no more (Firefox 17.9 million); what is wider scrolls faster
const BESIDE = 6; // thumbnails that are ready on either side
const KEPT = 3000; // pictures that the browser keeps

/**
 * The row `row`: `dress(tile, index)` labels a thumbnail, `look(index)` is called at a click, `want(indices)` asks
 * for pictures.
 */
export function film(row, { dress, look, want }) {
  const spacer = element("div", { className: "lrp-film" });
  const tiles = new Map(); // those that exist, by the index of their input
  const addresses = new Map(); // of pictures, by index; the one used last at the end
  const watching = new ResizeObserver(soon);
  let order = new Int32Array();
  let chosen = null;
  let entrance = 0; // the place that the tab key leads to; arrows go on from there
  let asked = new Set();
  let waiting = 0;
  row.append(spacer);
  row.addEventListener("scroll", soon, { passive: true });
  row.addEventListener("keydown", step);
  watching.observe(row);

  function soon() {
    waiting ||= requestAnimationFrame(draw);
  }

  const width = () => Math.min(order.length * TILE, WIDEST);
  /** Pixels of the row for one pixel of scrolling: 1 but for rows that no browser could lay out. */
  const speed = () => (order.length * TILE - row.clientWidth) / Math.max(1, width() - row.clientWidth);
  const position = () => (width() < WIDEST ? row.scrollLeft : row.scrollLeft * speed());

  function draw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const start = position();
    const shift = row.scrollLeft - start;
    const places = inView(start);
    const stays = new Set(places.map((place) => order[place]));
    for (const [index, tile] of tiles) {
      if (stays.has(index)) continue;
      tile.remove();
      tiles.delete(index);
    }
    let next = spacer.firstChild;
    for (const place of places) {
      const tile = tileOf(order[place]);
      tile.style.left = `${place * TILE + shift}px`;
      tile.setAttribute("aria-posinset", place + 1);
      tile.setAttribute("aria-setsize", order.length);
      tile.tabIndex = place === entrance || (place === places[0] && !stays.has(order[entrance])) ? 0 : -1;
      if (tile === next) next = next.nextSibling;
      else spacer.insertBefore(tile, next); // a tile that stays is not moved: it would lose the focus
    }
    ask(places.map((place) => order[place]));
  }

  /** The places to draw, in order, with that of the focus: an element that vanishes would lose it. */
  function inView(start) {
    const from = Math.max(0, Math.floor(start / TILE) - BESIDE);
    const to = Math.min(order.length, Math.ceil((start + row.clientWidth) / TILE) + BESIDE);
    const places = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
    if (spacer.contains(document.activeElement) && entrance < order.length && !places.includes(entrance)) {
      places[entrance < from ? "unshift" : "push"](entrance);
    }
    return places;
  }

  function tileOf(index) {
    if (tiles.has(index)) return tiles.get(index);
    const picture = element("img", { alt: "", draggable: false });
    const tile = element("button", { type: "button", role: "option", data: { index } }, picture, element("span"));
    tile.addEventListener("click", () => {
      entrance = order.indexOf(index);
      look(index);
    });
    tile.ariaSelected = index === chosen;
    if (addresses.has(index)) picture.src = addresses.get(index);
    dress(tile, index);
    tiles.set(index, tile);
    return tile;
  }

  function ask(indices) {
    const missing = indices.filter((index) => !addresses.has(index));
    if (missing.every((index) => asked.has(index))) return;
    asked = new Set(missing);
    want(missing);
  }

  function step(event) {
    const page = Math.max(1, Math.floor(row.clientWidth / TILE) - 1);
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    const by = steps[event.key];
    if (!by || !order.length || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    entrance = Math.min(order.length - 1, Math.max(0, entrance + by));
    reveal(entrance, false);
    draw();
    tiles.get(order[entrance]).focus({ preventScroll: true });
  }

  /** Scroll so that `place` is in view: to the middle or, while keys move along, no further than needed. */
  function reveal(place, middle = true) {
    const [at, start] = [place * TILE, position()];
    const end = at + TILE - row.clientWidth;
    if (at >= start && end <= start) return;
    const to = middle ? at - (row.clientWidth - TILE) / 2 : at < start ? at : end;
    row.scrollLeft = width() < WIDEST ? to : to / speed();
  }

  return {
    /** Show the inputs `indices`. */
    show(indices) {
      const now = spacer.contains(document.activeElement) ? order[entrance] : chosen;
      order = indices;
      spacer.style.width = `${width()}px`;
      entrance = Math.max(0, order.indexOf(now)); // more being known moves nobody who walks along the row
      draw();
    },
    /** Outline the input `index`, and bring it into view if it was another before. */
    mark(index) {
      const same = index === chosen;
      chosen = index;
      for (const [each, tile] of tiles) tile.ariaSelected = each === chosen;
      if (!same) this.reveal();
    },
    reveal() {
      const place = chosen === null ? -1 : order.indexOf(chosen);
      if (place < 0) return;
      if (!spacer.contains(document.activeElement)) entrance = place;
      reveal(place);
      draw();
    },
    /** Label all again: more is known. */
    dress() {
      for (const [index, tile] of tiles) dress(tile, index);
    },
    /** The picture of an input has come; empty if there is none. */
    receive(index, bytes) {
      const old = addresses.get(index);
      if (old) URL.revokeObjectURL(old);
      addresses.delete(index);
      addresses.set(index, bytes.byteLength ? URL.createObjectURL(new Blob([bytes])) : "");
      const picture = tiles.get(index)?.firstChild;
      if (picture && bytes.byteLength) picture.src = addresses.get(index);
      if (addresses.size > KEPT) forget();
    },
    close() {
      cancelAnimationFrame(waiting);
      watching.disconnect();
      addresses.forEach((address) => address && URL.revokeObjectURL(address));
    },
  };

  /** Let go of the oldest picture that is not in view. */
  function forget() {
    const [index, address] = [...addresses].find(([each]) => !tiles.has(each));
    if (address) URL.revokeObjectURL(address);
    addresses.delete(index);
  }
}

