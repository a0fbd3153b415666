// What the maps show: buttons of which one is pressed.

import { element } from "../../base/common.js";
import { SIGNS } from "./maps.js";

/** @type {Record<string, string>} */
const SIGN_TITLES = { "±": "Relevance for and against", "+": "Relevance for the class only", "−": "Relevance against the class only" };

/**
 * @param {import("./tile.js").Look} look changed by them
 * @param {() => void} changed
 */
export function choicesOf(look, changed) {
  /**
   * @param {string} label
   * @param {string[]} names
   * @param {keyof typeof look} part
   * @param {(name: string) => string} title
   */
  function among(label, names, part, title) {
    const buttons = names.map((name) => {
      const made = element("button", { type: "button", title: title(name), ariaPressed: String(look[part] === name) }, name);
      made.addEventListener("click", () => {
        look[part] = name;
        for (const each of buttons) each.ariaPressed = String(each === made);
        changed();
      });
      return made;
    });
    return element("div", { className: "lrp-choices", role: "group", ariaLabel: label }, ...buttons);
  }

  return [
    among("What the maps show", ["relevance", "activation", "both"], "shows", (name) => `Maps of ${name === "both" ? "relevance and activation, side by side" : name}`),
    among("Sign of relevance", Object.keys(SIGNS), "sign", (name) => SIGN_TITLES[name]),
  ];
}
