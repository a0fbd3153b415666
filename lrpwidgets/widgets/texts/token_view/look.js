// How a text is drawn: what of it has a colour, and whether sinks are outside the scale.

import { LEVELS } from "./cells.js";

/**
 * @typedef {object} TextLook
 * @property {import("./cells.js").Level} level
 * @property {boolean} sinks whether they are outside the scale
 */

/**
 * A whole look from what is `given`; what makes no sense is as usual.
 *
 * @param {Record<string, any> | null | undefined} given
 * @returns {TextLook}
 */
export function lookOf(given) {
  return { level: LEVELS.find((level) => level === given?.level) ?? "word", sinks: given?.sinks !== false };
}

/**
 * The look of a view, which changes by hand and with a restored state. Nobody hears of it but who reads `data-look`.
 *
 * @param {import("../../base/common.js").Model} model
 * @param {HTMLElement} el
 * @param {() => void} changed called when the text is to be drawn in another way
 */
export function lookingOf(model, el, changed) {
  let look = lookOf(model.get("look"));

  function note() {
    el.dataset.look = JSON.stringify(look);
  }

  /** @param {Partial<TextLook>} change */
  function take(change) {
    look = { ...look, ...change };
    note();
    changed();
  }

  const restore = () => take(lookOf(model.get("look")));
  model.on("change:look", restore);
  note();
  return { look: () => look, take, stop: () => model.off("change:look", restore) };
}
