// What scripts of views have in common: colours, elements, files, numbers, and how a view follows the kernel.

import { MAPS, GAMMA, DARK, SHINING } from "./colours.js";
import { markMain } from "./landmarks.js";
import { heedKernel, heedTheme } from "./notebook.js";

/**
 * @typedef {{ positive: number[][], negative: number[][], zero?: number[] | null }} ColourMap as in colours.js
 *
 * @typedef {object} Model what the kernel and a view share, as anywidget hands it over
 * @property {(trait: string) => any} get
 * @property {(message: object, callbacks?: null, buffers?: ArrayBufferLike[]) => void} send
 * @property {(event: string, act: (...told: any[]) => void) => void} on
 * @property {(event: string, act: (...told: any[]) => void) => void} off
 * @property {{ kernel?: import("./notebook.js").Kernel | null }} [widget_manager]
 */

/**
 * RGB of a signed relevance r, 1 being the strongest: written to `pixels` at `at`; `paper` is the colour of nothing.
 *
 * @param {{ [at: number]: number }} pixels
 * @param {number} at
 * @param {number} r
 * @param {ColourMap} map
 * @param {number[]} paper
 */
export function colour(pixels, at, r, map, paper) {
  const stops = r > 0 ? map.positive : map.negative;
  const zero = map.zero ?? paper;
  const place = Math.min(1, Math.abs(r)) ** GAMMA * stops.length || 0; // NaN counts as nothing
  const below = Math.min(stops.length - 1, Math.floor(place));
  const [from, to] = [below ? stops[below - 1] : zero, stops[below]];
  for (let c = 0; c < 3; c++) pixels[at + c] = from[c] + (to[c] - from[c]) * (place - below);
  pixels[at + 3] = 255;
}

/**
 * The map `name` for a page of this `paper`: on a dark one hues shine, each as bright as it gets, as in colours.py.
 *
 * @param {string} name
 * @param {number[]} paper
 * @returns {ColourMap}
 */
export function mapOn(name, paper) {
  const map = /** @type {Record<string, ColourMap>} */ (MAPS)[name];
  if (map.zero || paper[0] + paper[1] + paper[2] > DARK) return map;
  const shining = (/** @type {number[]} */ hue) => hue.map((part) => (part * SHINING) / Math.max(...hue));
  return { positive: map.positive.map(shining), negative: map.negative.map(shining) };
}

/**
 * The colour of the paper under `node`, as [r, g, b]: white in the light theme.
 *
 * @param {Element} node
 */
export function paperOf(node) {
  for (let each = /** @type {Element | null} */ (node); each; each = each.parentElement) {
    const colours = getComputedStyle(each).backgroundColor.match(/[\d.]+/g); // none before the node is on the page
    const [r, g, b, alpha = 1] = colours?.map(Number) ?? [0, 0, 0, 0];
    if (alpha > 0) return [r, g, b];
  }
  return [255, 255, 255];
}

/**
 * An element with properties, children and, under `data`, data attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ data?: Record<string, any>, style?: Record<string, any>, [property: string]: any }} [properties]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, { data = {}, style = {}, ...properties } = {}, ...children) {
  const made = /** @type {any} */ (document.createElement(tag));
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  Object.assign(made.dataset, data);
  Object.assign(made.style, style);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * A button that does `act`; `more` are further properties of it.
 *
 * @param {string} text
 * @param {string} title
 * @param {(event: MouseEvent) => void} act
 * @param {Record<string, any>} [more]
 */
export function button(text, title, act, more = {}) {
  const made = element("button", { type: "button", title, ...more }, text);
  made.addEventListener("click", act);
  return made;
}

/**
 * What draws on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function pen(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * Have the browser save `blob` as a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it after the click
}

/**
 * A file that the kernel made.
 *
 * @param {{ save?: string }} message
 * @param {DataView<ArrayBuffer>[]} buffers
 */
export function receiveFile({ save: name }, buffers) {
  if (name) download(new Blob([buffers[0]]), name);
}

/**
 * A number a person can read: three significant digits, a real minus sign, a plus if asked.
 *
 * @param {number} value
 */
export function number(value, { sign = false } = {}) {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  const text = size === 0 ? "0" : size < 1e-3 || size >= 1e5 ? size.toExponential(1).replace(".0e", "e").replace("e+", "e").replace("e-", "e−") : String(+size.toPrecision(3));
  return (value < 0 ? "−" : sign && value > 0 ? "+" : "") + text;
}

/**
 * The bytes of a trait as a typed array; copied, since its offset need not be aligned.
 *
 * @template {ArrayBufferView} Made
 * @param {DataView | null | undefined} view
 * @param {{ new (buffer: ArrayBufferLike): Made, new (): Made }} Type
 * @returns {Made}
 */
export function array(view, Type) {
  return view ? new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Type();
}

/**
 * The half-precision floats of a trait.
 *
 * @param {DataView | null | undefined} view
 */
export function halves(view) {
  return Float32Array.from(array(view, Uint16Array), (bits) => {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    return bits & 0x8000 ? -size : size;
  });
}

/**
 * Call `draw` now, whenever the kernel sent something, and in another light; returns what undoes it. Tests wait for `data-seq`.
 *
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {() => void} draw
 * @param {() => void} [turned] draws in another light, if that takes less
 */
export function follow(model, el, draw, turned = draw) {
  const problem = element("p", { className: "lrp-problem lrp-error", role: "alert" });
  const redraw = () => {
    draw();
    el.dataset.seq = model.get("seq");
    el.dataset.ready = "true";
    explainNothing();
  };
  const explainNothing = () => {
    problem.textContent = model.get("problem");
    el.classList.toggle("lrp-nothing", Boolean(problem.textContent));
  };
  el.append(problem);
  model.on("change:seq", redraw); // one event for all traits that came with it
  model.on("change:problem", explainNothing);
  window.addEventListener("lrp-theme", turned); // the paper of maps is the page's
  redraw();
  heedTheme();
  markMain(el);
  const leave = heedKernel(model.widget_manager?.kernel, el);
  try {
    model.send({ drawn: model.get("seq") }); // what came while the page was opened is lost: the kernel sends it again
  } catch {
    // drawn from what a notebook kept: there is no kernel any more
  }
  return () => {
    leave();
    window.removeEventListener("lrp-theme", turned);
    model.off("change:seq", redraw);
    model.off("change:problem", explainNothing);
  };
}
