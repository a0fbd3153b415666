// What is said of the word that is pointed at, and of those that are struck.

import { element, number } from "../../base/common.js";

const LISTED = 3; // struck words that are named

/**
 * @param {import("./cells.js").Item} item
 * @param {number[]} places the tokens that are meant
 * @param {ArrayLike<number>} values
 * @param {import("./cells.js").Layout} layout
 * @param {number} score
 */
export function pointedAt(item, places, values, layout, score) {
  const [word, row] = [item.texts.join(""), item.word < 0 && places.length > 1]; // one token many times: its name tells how often
  const name = row ? word : places.map((place) => layout.pieces[place]).join(" · ");
  if (!places.length) return `“${word}” ${item.struck ? "struck: click takes it back" : "is not read"}`;
  const amount = places.reduce((sum, place) => sum + values[place], 0);
  const unknown = places.some((place) => layout.unknown.includes(place)) ? " not in the vocabulary" : "";
  const of = score ? `, ${Math.round((100 * amount) / score).toLocaleString("en").replace("-", "−")} % of f` : "";
  const ids = (row ? places.slice(0, 1) : places).map((place) => layout.ids[place]);
  const at = places.length > 1 ? `positions ${places[0]}–${places[places.length - 1]}, id${row ? "" : "s"}` : `position ${places[0]}, id`;
  return `${name} · ${at} ${ids.join(" ")}${unknown} · R ${number(amount)}${of}`;
}

/**
 * The score, and what it was before words were struck.
 *
 * @param {{ score: number, before: number | null }} caption
 * @param {import("./cells.js").Item[]} items
 */
export function saidOf({ score, before }, items) {
  const struck = items.filter((item) => item.struck).map(({ texts }) => `“${texts.join("")}”`);
  if (!struck.length || before === null) return ["f = ", element("b", {}, number(score))];
  const listed = struck.slice(0, LISTED).join(", ") + (struck.length > LISTED ? ` and ${struck.length - LISTED} more` : "");
  return [`without ${listed}: f ${number(before)} → `, element("b", {}, number(score))];
}
