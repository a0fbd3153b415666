// What pins maps beside the live one.

import { button } from "../../base/common.js";
import { menu } from "../../base/controls.js";

/**
 * @param {string[]} presets composites that can be pinned
 * @param {(message: object) => void} say tells the kernel
 * @param {string} kept what a map can keep
 */
export function pinning(presets, say, kept = "picture") {
  return [
    button("pin", "Pin the live map: it stays beside the next one", () => say({ pin: {} }), { data: { shortcut: "p" } }),
    menu("▾", "Pin another map beside this one", [
      [`this map, and keep its ${kept}`, () => say({ pin: { kept: true } })],
      ["the second best class", () => say({ pin: { second: true } })],
      ...presets.map((name) => /** @type {[string, () => void]} */ ([name, () => say({ pin: { composite: name } })])),
    ], "Pin another map"),
  ];
}
