// Texts that are pinned below the live one: another composite or class, or another text.

import { array, button, element, number } from "../../base/common.js";
import { accountOf, askedOf, secondOf } from "../../explore/heatmap/captions.js";
import { sentenceOf } from "./sentence.js";

/**
 * @typedef {ReturnType<typeof pinOf>} Pin
 *
 * @param {HTMLElement} list what they stand in
 * @param {(message: object) => void} say tells the kernel
 */
export function pinsOf(list, say) {
  const pins = /** @type {Pin[]} */ ([]);

  /**
   * Have the texts that the kernel has pinned.
   *
   * @param {any[]} captions
   * @param {DataView[]} maps
   * @param {(import("./cells.js").Layout | null)[]} layouts null: that of the live text
   * @param {import("./cells.js").Layout} live
   */
  function receive(captions, maps, layouts, live) {
    for (const gone of pins.splice(captions.length)) gone.made.remove();
    while (pins.length < captions.length) {
      const index = pins.length;
      const pin = pinOf(() => say({ unpin: index }), () => say({ number: index, follows: !pin.caption.follows }));
      pins.push(pin);
      list.append(pin.made);
    }
    pins.forEach((pin, index) => {
      pin.caption = captions[index];
      pin.values = array(maps[index], Float32Array);
      if (pin.values.length) pin.sentence.lay(layouts[index] ?? live);
    });
  }

  return { receive, all: () => pins };
}

/**
 * @param {() => void} close
 * @param {() => void} turn
 */
function pinOf(close, turn) {
  const sentence = sentenceOf("text");
  const [title, note, second] = [element("b"), element("span", { className: "lrp-quiet" }), element("span", { className: "lrp-quiet" })];
  const follow = button("", "", turn);
  const head = element("div", { className: "lrp-pin-head" }, title, note, second, element("span", { className: "lrp-space" }), follow, button("×", "Close this map", close, { className: "lrp-plain-close", ariaLabel: "Close this map" }));
  const made = element("div", { className: "lrp-pin-text" }, head, sentence.made);
  return { made, sentence, title, note, second, follow, caption: /** @type {any} */ ({ computing: true, follows: true }), values: new Float32Array() };
}

/**
 * Say what a pin is of; `own` is its scale where that is not the live text's.
 *
 * @param {Pin} pin
 * @param {number | null} own
 */
export function tellPin({ made, title, note, second, follow, caption }, own) {
  const { computing, follows } = caption;
  made.ariaBusy = String(computing);
  follow.textContent = follows ? "follows text" : "keeps text";
  follow.title = follows ? "Keep this text when another one is chosen" : "Show whatever text is chosen";
  follow.ariaPressed = String(!follows);
  if (!("score" in caption)) {
    [title.textContent, note.textContent, second.textContent] = ["pinned", "", "computing …"];
    return;
  }
  title.textContent = askedOf(caption);
  note.textContent = `f = ${number(caption.score)}`;
  second.textContent = secondOf({ limit: own ?? 0, differs: false }, caption, own !== null);
  second.title = accountOf(caption.ledger, NaN);
}
