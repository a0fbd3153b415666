// A list of texts, and the one that is looked at in the colours of each method.

import { element, number } from "../../base/common.js";
import { painter, short } from "../../base/shades.js";

/** @typedef {[string, boolean, boolean, boolean, boolean, boolean]} Word letters; spaced, begins a line, sink, struck, read */

/**
 * @param {import("../../base/common.js").Model} model
 * @param {HTMLElement} el
 * @returns {import("../method_table.js").Drawing}
 */
export function textsOf(model, el) {
  let top = 0; // how far all rows are scrolled

  function scrolled(/** @type {Event} */ { target }) {
    if (!(target instanceof HTMLElement) || !target.matches(".lrp-methods-said")) return;
    top = target.scrollTop;
    for (const each of rows()) if (each.scrollTop !== top) each.scrollTop = top;
  }

  function touched(/** @type {Event} */ { target }) {
    const at = target instanceof HTMLElement ? target.dataset.at : undefined;
    for (const each of el.querySelectorAll(".lrp-touched")) each.classList.remove("lrp-touched");
    if (at !== undefined) for (const each of rows()) each.querySelector(`[data-at="${at}"]`)?.classList.add("lrp-touched");
  }

  const rows = () => el.querySelectorAll(".lrp-methods-said");
  el.addEventListener("scroll", scrolled, { capture: true, passive: true });
  el.addEventListener("pointerover", touched);
  el.addEventListener("pointerleave", touched);

  return {
    inputs(columns, picked) {
      const choices = columns.map(({ name, says }, place) => element("button", { type: "button", className: "lrp-methods-text", title: `${name}, “${says}”: look at this one`, ariaPressed: String(place === picked), data: { place } }, element("span", {}, name), element("span", { className: "lrp-quiet" }, says)));
      return [element("div", { className: "lrp-methods-texts" }, ...choices)];
    },
    maps(row, columns, { values, own, picked }) {
      const texts = /** @type {Word[][]} */ (model.get("texts"));
      const place = Math.min(picked, columns.length - 1);
      const text = texts[place] ?? [];
      const made = element("button", { type: "button", className: "lrp-methods-said", title: `${row.title}: ${columns[place]?.name}, larger`, disabled: row.at === null, data: { place } });
      if (row.at === null) {
        made.append("…");
        return [made];
      }
      const total = texts.reduce((sum, each) => sum + each.length, 0);
      const from = row.at * total + texts.slice(0, place).reduce((sum, each) => sum + each.length, 0);
      const map = values.subarray(from, from + text.length);
      const share = model.get("scale");
      const told = (/** @type {number} */ value) => `${number(100 * share * value)} % of Σ|R|`;
      made.append(...wordsOf(text, map, own ? strongest(text, map) : 1, el, told));
      requestAnimationFrame(() => (made.scrollTop = top));
      return [made];
    },
    large() {
      const made = element("p", { className: "lrp-methods-reading", dir: "auto" });
      return {
        made,
        draw(large, values) {
          made.replaceChildren(...wordsOf(large.text, values, 1, el, (value) => `R = ${number(value * large.limit)}`, true));
          made.querySelectorAll("[data-at]").forEach((word) => {
            const at = Number(/** @type {HTMLElement} */ (word).dataset.at);
            if (large.text[at][5] && large.text.length <= VALUED) /** @type {HTMLElement} */ (word).dataset.value = short(values[at] * large.limit);
          });
        },
      };
    },
    beside: "; hatched sinks are outside of it",
    close() {
      el.removeEventListener("scroll", scrolled, { capture: true });
      el.removeEventListener("pointerover", touched);
      el.removeEventListener("pointerleave", touched);
    },
  };
}

const VALUED = 60; // words at most that have their values below them

/**
 * Words in their colours, with the space between them.
 *
 * @param {Word[]} text
 * @param {ArrayLike<number>} amounts
 * @param {number} limit the end of the scale
 * @param {Element} el on whose paper
 * @param {(value: number) => string} told
 * @param {boolean} broken whether lines are as in the text
 */
function wordsOf(text, amounts, limit, el, told, broken = false) {
  const brush = painter(el);
  return text.flatMap(([letters, spaced, breaks, sink, , read], at) => {
    const word = element("span", { className: "lrp-methods-word", title: read ? `${letters}: ${told(amounts[at])}` : `${letters}: not read`, data: { at } }, letters);
    if (sink && read) word.classList.add("lrp-methods-sink");
    else if (read) brush.paint(word, amounts[at], limit);
    return [breaks && broken && at ? element("br") : spaced ? " " : "", word];
  });
}

/**
 * The end of a text's own scale, which sinks are no part of.
 *
 * @param {Word[]} text
 * @param {Float32Array} amounts
 */
function strongest(text, amounts) {
  return amounts.reduce((most, amount, at) => (text[at][3] ? most : Math.max(most, Math.abs(amount))), 0) || 1;
}
