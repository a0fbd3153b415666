// What the parts of a wall share.

import { Layout } from "./layout.js";

/** Places count tiles in the order of the wall, positions count points of the atlas, rows those of the store. */
export class Shown {
  order = new Uint32Array(); // positions, by place
  rows = new Uint32Array(); // by position
  wrong = new Uint8Array(); // by position
  layout = new Layout();
  here = false; // whether the mouse is over the wall

  /** @type {import("./layout.js").Mode} */
  mode = "both";

  /** @type {number | null} place of the tile that keys start from */
  focused = null;

  /** @type {number | null} the position that is looked at */
  hovered = null;

  #listed = new Uint32Array(); // rows, by place

  /**
   * Have these positions on the wall; whether they show other rows than before.
   *
   * @param {Uint32Array<ArrayBuffer>} order
   */
  take(order) {
    const before = this.#listed;
    this.order = order;
    this.#listed = order.map((position) => this.rows[position]);
    const other = before.length !== order.length || before.some((row, place) => row !== this.#listed[place]);
    if (other) this.focused = null;
    return other;
  }

  /** @param {number} place */
  rowOf(place) {
    return this.rows[this.order[place]];
  }
}
