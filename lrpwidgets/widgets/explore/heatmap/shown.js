// What the parts of a heatmap share: panes, how they are drawn, and the tool that a person holds.

import { paneOf, see } from "./panes.js";

/**
 * @typedef {object} Caption what a map is of
 * @property {string} name of the picture
 * @property {string} class
 * @property {string} than the class it is compared with; empty for none
 * @property {string} composite
 * @property {boolean} changed whether the composite is no longer the preset
 * @property {string} through channels; empty for all
 * @property {number} score
 * @property {boolean} painted
 *
 * @typedef {Caption & { before: number | null, file: string }} LiveCaption the score before painting, and a name for files
 */

export class Shown {
  size = [0, 0]; // height and width in pixels
  picture = new Uint8Array(); // RGB
  input = paneOf("input");
  live = paneOf("live");
  pins = /** @type {import("./pins.js").Pin[]} */ ([]);
  tool = /** @type {import("./tools.js").Tool} */ ("move");
  radius = 10; // of the brush, in pixels of the input
  paper = /** @type {number[]} */ ([]); // the colour of nothing, as it was drawn last; empty before
  under = /** @type {number[] | null} */ (null); // the pixel that is read

  /** @type {LiveCaption} */
  caption = { name: "", class: "", than: "", composite: "", changed: false, through: "", score: 0, painted: false, before: null, file: "" };

  /** @param {import("../../base/maps.js").Look} look */
  constructor(look) {
    this.look = look;
  }

  get panes() {
    return [this.input, this.live, ...this.pins];
  }

  /** Those of which there is a map, the live one first. */
  get maps() {
    return [this.live, ...this.pins.filter(({ values }) => values.length)];
  }

  /** Whether they have one scale together. */
  get oneScale() {
    return new Set(this.maps.map(({ limit }) => limit)).size === 1;
  }

  /** Show another part of the picture: factor, then left and top in shares of it. */
  show(/** @type {number[]} */ zoom) {
    this.look = { ...this.look, zoom };
    this.panes.forEach((pane) => see(pane, zoom));
  }
}
