// The files that the browser writes: what is seen, as a picture or as a figure.

import { download } from "../../base/common.js";
import { asBlob, figureOf, rasterized } from "./figure.js";

/**
 * @param {HTMLElement} el
 * @param {import("./shown.js").Shown} shown
 * @param {number} columns
 * @param {ReturnType<typeof import("./scale.js").scaleOf>} scale
 * @param {"png" | "svg"} kind
 */
export async function save(el, shown, columns, scale, kind) {
  const inks = { ink: getComputedStyle(el).color, quiet: getComputedStyle(scale.unit).color, paper: `rgb(${shown.paper.join()})` };
  const figure = figureOf(shown, columns, scale.printed(), inks);
  download(kind === "svg" ? asBlob(figure) : await rasterized(figure), `${shown.caption.file}.${kind}`);
}
