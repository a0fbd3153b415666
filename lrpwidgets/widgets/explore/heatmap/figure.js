// The panes as a figure for a paper: vector text, one scale with its unit, and pixels that stay pixels.

import { element, pen } from "../../base/common.js";
import { wholeOf } from "./painting.js";
import { svg } from "../../base/shapes.js";

const SIDE = 448; // of a map in a figure, about
const [GAP, HEAD] = [24, 44]; // between maps, and above each
const PRINTED = /** @type {const} */ ([
  ["contour", {}],
  ["edge", { "stroke-dasharray": "4 3" }],
  ["dots", { "stroke-width": 5, "stroke-linecap": "round" }],
]);

/**
 * @typedef {object} Inks colours of the page
 * @property {string} ink
 * @property {string} quiet
 * @property {string} paper
 *
 * @typedef {object} Scale what it says, and its colours
 * @property {string | null} low
 * @property {string | null} high
 * @property {string | null} unit
 * @property {string[]} ramp
 */

/**
 * An SVG of the input and all maps, so many side by side.
 *
 * @param {import("./shown.js").Shown} shown
 * @param {number} columns
 * @param {Scale} scale
 * @param {Inks} inks
 */
export function figureOf(shown, columns, scale, inks) {
  const panes = [shown.input, ...shown.maps];
  const [height, width] = panes[0].size;
  const times = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const [wide, high] = [width * times, height * times];
  const across = Math.min(columns, panes.length);
  const [total, below] = [across * (wide + GAP) + GAP, Math.ceil(panes.length / across) * (high + HEAD + 12) + GAP];
  const maps = panes.map((pane, index) => {
    const [left, top] = [GAP + (index % across) * (wide + GAP), GAP + Math.floor(index / across) * (high + HEAD + 12)];
    return mapOf(pane, { left, top, width: wide, height: high }, shown, inks);
  });
  const stops = scale.ramp.map((fill, index) => svg("stop", { offset: index / (scale.ramp.length - 1), "stop-color": fill }));
  const middle = below + 10;
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width: total, height: below + 36, viewBox: `0 0 ${total} ${below + 36}`, "font-family": "system-ui, 'Liberation Sans', sans-serif" },
    svg("defs", {}, svg("linearGradient", { id: "ramp" }, ...stops)),
    svg("rect", { width: "100%", height: "100%", fill: inks.paper }),
    ...maps,
    text(scale.low, GAP, middle, inks.ink),
    svg("rect", { x: GAP + 64, y: middle - 10, width: 200, height: 10, rx: 4, fill: "url(#ramp)" }),
    text(scale.high, GAP + 274, middle, inks.ink),
    text(short(scale.unit, total - GAP - 350), GAP + 340, middle, inks.quiet),
  );
}

/**
 * @param {import("./panes.js").Pane} pane
 * @param {{ left: number, top: number, width: number, height: number }} place
 * @param {import("./shown.js").Shown} shown
 * @param {Inks} inks
 */
function mapOf(pane, place, shown, inks) {
  const [[height, width], [factor, x, y]] = [shown.size, shown.look.zoom];
  const { left, top, width: wide, height: high } = place;
  const title = [pane.title.textContent, pane.note.textContent].join(" · ");
  const image = svg("image", { width, height, href: wholeOf(pane, shown).toDataURL(), preserveAspectRatio: "none", style: "image-rendering:pixelated" });
  const visible = `${x * width} ${y * height} ${width / factor} ${height / factor}`;
  const lines = PRINTED.map(([name, more]) => {
    const d = pane.paths[name][1].getAttribute("d") ?? "";
    return svg("path", { d, fill: "none", stroke: inks.ink, "vector-effect": "non-scaling-stroke", ...more });
  });
  return svg(
    "g",
    {},
    text(short(title, wide), left, top + 12, inks.ink, { "font-weight": 600 }),
    text(short(pane.words.textContent, wide), left, top + 30, inks.quiet),
    svg("svg", { x: left, y: top + HEAD - 4, width: wide, height: high, viewBox: visible }, image, ...lines),
  );
}

/**
 * @param {string | null} words
 * @param {number} x
 * @param {number} y
 * @param {string} fill
 * @param {Record<string, number>} [more]
 */
function text(words, x, y, fill, more = {}) {
  return svg("text", { x, y, "font-size": 13, fill, ...more }, words ?? "");
}

/**
 * A text that fits into so many pixels.
 *
 * @param {string | null} words
 * @param {number} pixels
 */
function short(words, pixels) {
  const [all, most] = [words ?? "", Math.floor(pixels / 6.8)];
  return all.length > most ? `${all.slice(0, Math.max(0, most - 1))}…` : all;
}

/**
 * The SVG as pixels, as large as it says.
 *
 * @param {SVGElement} figure
 * @returns {Promise<Blob>}
 */
export async function rasterized(figure) {
  const image = new Image();
  image.src = URL.createObjectURL(asBlob(figure));
  try {
    await image.decode();
    const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    pen(canvas).drawImage(image, 0, 0);
    return await new Promise((done) => canvas.toBlob((blob) => done(/** @type {Blob} */ (blob)), "image/png"));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** @param {SVGElement} figure */
export function asBlob(figure) {
  return new Blob([new XMLSerializer().serializeToString(figure)], { type: "image/svg+xml" });
}
