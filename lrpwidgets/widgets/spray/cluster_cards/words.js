// The words of a cluster of texts on its card, and the texts in its middle.

import { element, number } from "../../base/common.js";
import { limitOf } from "../../base/shades.js";
import { write } from "../excerpts.js";

const FEW = 5; // words on a card that is folded

/**
 * @param {import("./card.js").Card} card
 * @param {ReturnType<typeof import("../../base/shades.js").painter>} brush
 */
export function tellWords({ chips, more, large, tiles, said: { words = [], examples = [], size } }, brush) {
  const limit = limitOf(words.map(([, excess]) => excess));
  const chip = (/** @type {[string, number, number]} */ [word, excess, texts]) => {
    const title = `“${word}”: ${number(100 * excess)} % of the relevance more than in the other clusters' texts; ${texts} of its ${size} texts have it`;
    const made = element("bdi", { className: "lrp-tinted", title }, word);
    brush.paint(made, excess, limit);
    return made;
  };
  const shown = more.hidden ? words.slice(0, FEW) : words;
  chips.replaceChildren(...(words.length ? shown.map(chip) : [element("span", { className: "lrp-quiet" }, "no word more than the others")]));
  large.hidden = true;
  if (more.hidden) return;
  tiles.replaceChildren(...examples.map((excerpt) => {
    const line = element("p", { title: excerpt[0] });
    write(line, excerpt, brush);
    return line;
  }));
}
