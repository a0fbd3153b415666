// A pane: a caption, a canvas that holds one pixel per pixel of the input (or of the screen, where it has fewer), and
// lines above it that stay thin however far one zooms in. A test can read the exact colours back.

import { magnify } from "../../base/averaging.js";
import { element } from "../../base/common.js";
import { attribute, svg } from "../../base/shapes.js";

const MARKS = /** @type {const} */ (["shade", "contour", "dots", "edge"]); // from below; all but the shade are drawn on a halo

/** @typedef {(typeof MARKS)[number]} Mark */

/** @typedef {ReturnType<typeof paneOf>} Pane */

/**
 * A pane, and what is shown in it.
 *
 * @param {"input" | "live" | "pin"} kind
 */
export function paneOf(kind) {
  const canvas = element("canvas", { role: "img", className: "lrp-pixels" });
  const line = (/** @type {Mark} */ name) => [svg("path", { class: `lrp-${name} lrp-halo` }), svg("path", { class: `lrp-${name}` })];
  const paths = { shade: line("shade"), contour: line("contour"), dots: line("dots"), edge: line("edge") };
  const under = svg("rect", { class: "lrp-under", width: 1, height: 1 });
  const brush = svg("circle", { class: "lrp-brush" });
  const lines = svg("svg", { class: "lrp-lines", preserveAspectRatio: "none", "aria-hidden": "true" }, ...MARKS.flatMap((name) => paths[name]), under, brush);
  const frame = element("div", { className: "lrp-frame", tabIndex: 0, role: "group" }, canvas, lines);
  const [title, note] = [element("b"), element("span", { className: "lrp-quiet" })];
  const [second, foot] = [element("span", { className: "lrp-second lrp-quiet" }), element("div", { className: "lrp-foot" })];
  const figure = element("figure", { data: { kind } }, element("figcaption", {}, title, second, note), frame, foot);
  const shown = {
    size: [0, 0],
    values: new Float32Array(), // of a map
    picture: new Uint8Array(), // if it is another one than the input
    limit: 0, // the |r| of the full hues
    composite: 0, // a number that maps of one composite have in common
    differs: false, // whether the values are those of the live map less its own
    marked: /** @type {Float32Array | null} */ (null), // the values that lines and dots were drawn from
    wanted: "", // the look that they were drawn in
    words: /** @type {HTMLElement} */ (second),
  };
  return { kind, canvas, paths, under, brush, frame, title, note, second, foot, figure, lines, ...shown };
}

/**
 * Put a path above a pane's pixels, "" for none.
 *
 * @param {Pane} pane
 * @param {Mark} name
 * @param {string} path
 */
export function mark(pane, name, path) {
  for (const each of pane.paths[name]) if (each.getAttribute("d") !== path) each.setAttribute("d", path);
}

/**
 * Show the part of the picture that `zoom` leaves.
 *
 * @param {Pane} pane
 * @param {number[]} zoom factor, then left and top in shares of the picture
 */
export function see(pane, [factor, x, y]) {
  const [height, width] = pane.size;
  pane.canvas.style.aspectRatio = `${width} / ${height}`;
  magnify(pane.canvas, factor);
  pane.canvas.style.transform = `scale(${factor}) translate(${-100 * x}%, ${-100 * y}%)`;
  pane.lines.setAttribute("viewBox", `${x * width} ${y * height} ${width / factor} ${height / factor}`);
}

/**
 * Put a circle or a square of one pixel where a pane is pointed at; null: nowhere.
 *
 * @param {Element & ElementCSSInlineStyle} node
 * @param {Record<string, number> | null} place
 */
export function put(node, place) {
  node.style.display = place ? "" : "none";
  if (place) attribute(node, place);
}
