// What the graph consists of: channels as buttons, ribbons as paths.

import { colour, mapOn, element, button, number } from "../../base/common.js";
import { svg } from "../../base/shapes.js";
import { parts, paintRelevance } from "../tiles.js";
import { HEIGHT } from "./ribbons.js";

/**
 * Ribbons between two columns; `names` say what stands at a place of the upper and of the lower one.
 *
 * @param {import("./ribbons.js").Ribbon[]} ribbons
 * @param {((place: number) => string)[]} names
 * @param {(relevance: number) => string} hue
 */
export function drawn(ribbons, names, hue) {
  const paths = ribbons.map(({ above, below, relevance, width, from, to }) => {
    const title = `${names[0](above)} → ${names[1](below)}: ${number(relevance, { sign: true })}`;
    const path = svg("path", { d: `M0 ${from} C45 ${from} 55 ${to} 100 ${to}`, stroke: hue(relevance), "stroke-width": width }, svg("title", {}, title));
    Object.assign(path.dataset, { above, below, relevance });
    return path;
  });
  return svg("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", height: HEIGHT, role: "img", "aria-label": `${ribbons.length} flows` }, ...paths);
}

/**
 * What colours a ribbon by the sign of its relevance, on this paper.
 *
 * @param {number[]} paper
 */
export function hues(paper) {
  const [map, pixel] = [mapOn("red–blue", paper), /** @type {number[]} */ ([])];
  return (/** @type {number} */ relevance) => {
    colour(pixel, 0, Math.sign(relevance), map, paper);
    return `rgb(${pixel.slice(0, 3).map(Math.round).join(" ")})`;
  };
}

/**
 * A channel as a button that does `act`; while it is pointed at, its ribbons stand out of the `graph`.
 *
 * @param {HTMLElement} graph
 * @param {string} layer
 * @param {[number, string, number]} channel its number, name and sum of relevance
 * @param {() => void} act
 */
export function node(graph, layer, [channel, name, sum], act) {
  const title = `channel ${channel} of ${layer}${name ? `, “${name}”` : ""}, Σ R ${number(sum)}`;
  const made = button("", title, act, { data: { channel }, ariaLabel: title });
  made.append(element("b", {}, name || `#${channel}`), element("span", { data: { sum: number(sum) } }, number(sum)));
  made.addEventListener("mouseenter", () => single(graph, made));
  made.addEventListener("mouseleave", () => single(graph, null));
  made.addEventListener("focus", () => made.matches(":focus-visible") && single(graph, made));
  made.addEventListener("blur", () => single(graph, null));
  return made;
}

/**
 * Put maps on channels: where in the input relevance flows through each of them.
 *
 * @param {HTMLElement[]} buttons
 * @param {Int8Array} bytes
 * @param {number[]} size
 * @param {number[]} paper
 */
export function locate(buttons, bytes, size, paper) {
  const maps = parts(bytes, buttons.map(() => size), 1);
  buttons.forEach((made, at) => {
    const canvas = element("canvas");
    paintRelevance(canvas, maps[at], size, paper);
    made.prepend(canvas);
  });
}

/**
 * Have the ribbons of one channel stand out, and say at their other ends how much flows; for null, all of them.
 *
 * @param {HTMLElement} graph
 * @param {HTMLElement | null} chosen
 */
function single(graph, chosen) {
  const [column, place] = [Number(chosen?.dataset.column), chosen?.dataset.place];
  const flows = new Map();
  for (const path of graph.querySelectorAll("path")) {
    const gap = Number(/** @type {SVGElement} */ (path.parentNode).dataset.gap);
    const { above, below, relevance } = path.dataset;
    const [down, up] = [gap === column && above === place, gap === column - 1 && below === place];
    path.classList.toggle("lrp-off", chosen !== null && !down && !up);
    if (down) flows.set(`${gap + 1} ${below}`, relevance);
    if (up) flows.set(`${gap} ${above}`, relevance);
  }
  for (const other of graph.querySelectorAll("button")) {
    const relevance = flows.get(`${other.dataset.column} ${other.dataset.place}`);
    const sum = /** @type {HTMLElement} */ (other.querySelector("span"));
    other.classList.toggle("lrp-off", chosen !== null && other !== chosen && relevance === undefined);
    sum.textContent = relevance === undefined ? (sum.dataset.sum ?? "") : number(Number(relevance), { sign: true });
  }
}
