// A wall of pictures: thumbnails on one canvas.

import { element, pen } from "../../base/common.js";
import { sprites } from "../sprites.js";
import { Layout } from "./layout.js";
import { paint } from "./painting.js";

/** @typedef {ReturnType<typeof pictures> | ReturnType<typeof import("./lines.js").lines>} Kind what is on a wall, and how it is drawn */

export function pictures() {
  const [stage, held] = [element("canvas"), sprites()];
  return {
    stage,
    held,
    name: "picture",
    fit: (/** @type {number} */ width, /** @type {number} */ height) => void Object.assign(stage, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) }),
    layout: (/** @type {import("./layout.js").Mode} */ mode, /** @type {number} */ across) => new Layout(mode, across),
    /** @type {(shown: import("./shown.js").Shown, places: number[], inks: import("./painting.js").Inks, scrolled: number) => number} */
    paint: (shown, places, inks, scrolled) => paint(pen(stage), shown, places, held, inks, scrolled),
  };
}
