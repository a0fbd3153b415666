// What stands for an input in the strip: a picture, or the beginning of a text.

import { element } from "../../base/common.js";

/**
 * @typedef {object} Kind
 * @property {number} tile pixels from one thumbnail to the next
 * @property {() => HTMLElement} make what stands for an input, still empty
 * @property {(made: HTMLElement, content: string | undefined) => void} show what has come of it; empty if there is none
 * @property {(bytes: DataView<ArrayBuffer>) => string} read what the kernel sent
 * @property {(content: string) => void} free
 */

/** @type {Record<import("../../base/uploads.js").Brought, Kind>} */
export const KINDS = {
  picture: {
    tile: 78,
    make: () => element("img", { alt: "", draggable: false }),
    show: (made, content) => content !== undefined && Object.assign(made, { src: content }),
    read: (bytes) => URL.createObjectURL(new Blob([bytes])),
    free: (content) => URL.revokeObjectURL(content),
  },
  text: {
    tile: 196,
    make: () => element("q", { className: "lrp-snippet", dir: "auto" }),
    show: (made, content) => void (made.textContent = content ?? ""),
    read: (bytes) => new TextDecoder().decode(bytes),
    free: () => {},
  },
};
