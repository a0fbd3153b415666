// The layers, from the output down, as buttons.

import { element, button } from "../../base/common.js";

/** @param {(layer: string) => void} choose */
export function layersOf(choose) {
  const made = element("div", { className: "lrp-layers", role: "group", ariaLabel: "Layers from the output down" });

  /**
   * @param {[string, string][]} known names, each with its kind and its sizes in words
   * @param {string | null | undefined} chosen
   */
  function show(known, chosen) {
    if (made.children.length !== known.length) made.replaceChildren(...known.map(([name, words]) => layer(name, words, () => choose(name))));
    known.forEach(([name], place) => (made.children[place].ariaPressed = String(name === chosen)));
  }

  return { made, show };
}

/**
 * @param {string} name
 * @param {string} words
 * @param {() => void} choose
 */
function layer(name, words, choose) {
  const [kind, sizes] = words.split(" · ");
  const made = button("", `Look into ${name}`, choose);
  made.append(element("span", { className: "lrp-mono" }, name), element("span", { className: "lrp-quiet" }, kind), element("span", { className: "lrp-quiet" }, sizes));
  return made;
}
