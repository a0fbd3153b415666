// A wall of texts: excerpts one below the other, each with what is told of it.

import { element } from "../../base/common.js";
import { painter } from "../../base/shades.js";
import { excerpts, write } from "../excerpts.js";
import { linesOf } from "./layout.js";

export function lines() {
  const [stage, held] = [element("div", { className: "lrp-wall-lines" }), excerpts()];
  let made = /** @type {Map<number, HTMLElement>} */ (new Map()); // by place
  let brush = /** @type {ReturnType<typeof painter> | null} */ (null);

  /** Forget what was written; it is of another order, or in the colours of another theme. */
  function erase() {
    made = new Map();
    brush = null;
    stage.replaceChildren();
  }

  /**
   * Write the lines at these places; how many of them have their texts.
   *
   * @param {import("./shown.js").Shown} shown
   * @param {number[]} places
   * @param {import("./painting.js").Inks} _
   * @param {number} scrolled pixels
   */
  function paint(shown, places, _, scrolled) {
    const before = made;
    made = new Map(places.map((place) => [place, before.get(place) ?? line()]));
    for (const [place, old] of before) if (!made.has(place)) old.remove();
    for (const [place, each] of made) tell(each, shown, place, scrolled);
    return places.filter((place) => held.has(shown.rowOf(place))).length;
  }

  function line() {
    const empty = element("div", { className: "lrp-wall-line" }, element("div", { className: "lrp-quiet" }), element("div", { className: "lrp-wall-words" }));
    stage.append(empty);
    return empty;
  }

  /**
   * @param {HTMLElement} each
   * @param {import("./shown.js").Shown} shown
   * @param {number} place
   * @param {number} scrolled
   */
  function tell(each, { order, rows, wrong, focused, hovered, layout }, place, scrolled) {
    const [caption, words] = /** @type {HTMLElement[]} */ ([...each.children]);
    const [position, row] = [order[place], String(rows[order[place]])];
    Object.assign(each.style, { top: `${layout.top(place) - scrolled}px`, height: `${layout.height}px` });
    each.classList.toggle("lrp-wrong", Boolean(wrong[position]));
    each.classList.toggle("lrp-focused", place === focused);
    each.classList.toggle("lrp-hovered", position === hovered);
    const excerpt = held.get(rows[position]);
    if (!excerpt || each.dataset.row === row) return; // it says so already
    each.dataset.row = row;
    caption.textContent = caption.title = excerpt[0];
    write(words, excerpt, (brush ??= painter(stage)));
  }

  return {
    stage,
    held: { ...held, clear: () => (held.clear(), erase()) },
    name: "text",
    fit: () => erase(), // places mean other rows, or there is other room
    layout: (/** @type {unknown} */ _, /** @type {number} */ across) => linesOf(across),
    paint,
  };
}
