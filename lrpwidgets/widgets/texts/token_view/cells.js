// A text as cells that have one colour each, and how much relevance each has.

import { limitOf } from "../../base/shades.js";

/**
 * @typedef {"token" | "word" | "sentence"} Level
 *
 * @typedef {object} Item a word, or a token that the tokenizer adds, all of them where it is added many times in a row
 * @property {number} word by number; −1 for an added token
 * @property {string[]} texts its letters, token by token; one for all tokens that are added in a row
 * @property {number[]} places its tokens, by number; none if the model does not read it
 * @property {number} sentence by number; −1 for an added token
 * @property {boolean} spaced whether there is white space before it
 * @property {boolean} breaks whether a line begins with it
 * @property {boolean} sink
 * @property {boolean} struck
 *
 * @typedef {object} Cell
 * @property {number} amount relevance; NaN if the model does not read it
 * @property {boolean} sunk whether it is outside the scale
 *
 * @typedef {object} Layout as token_view.py sends it
 * @property {[number, string[], number[], number, boolean, boolean, boolean, boolean][]} items
 * @property {string[]} pieces
 * @property {number[]} ids
 * @property {number[]} unknown
 * @property {boolean} attended whether the model has attention, whose first token is a sink
 */

/** @type {Level[]} */
export const LEVELS = ["token", "word", "sentence"];

/**
 * @param {Layout} layout
 * @returns {Item[]}
 */
export function itemsOf(layout) {
  return layout.items.map(([word, texts, places, sentence, spaced, breaks, sink, struck]) => ({ word, texts, places, sentence, spaced, breaks, sink, struck }));
}

/**
 * The cells of each item: one for each of its tokens, or one, which in a sentence is that of all its words.
 *
 * @param {Item[]} items
 * @param {ArrayLike<number>} values relevance of each token
 * @param {Level} level
 * @param {boolean} sinks whether they are outside the scale
 * @returns {Cell[][]}
 */
export function cellsOf(items, values, level, sinks) {
  const sum = (/** @type {number[]} */ places) => (places.length ? places.reduce((all, place) => all + values[place], 0) : NaN);
  if (level === "token") return items.map((item) => item.texts.map((_, at) => ({ amount: sum(placesOf(item, at)), sunk: sinks && item.sink })));
  if (level === "word") return items.map(({ places, sink }) => [{ amount: sum(places), sunk: sinks && sink }]);
  const sentences = /** @type {Map<number, Cell>} */ (new Map());
  for (const { sentence, places, sink } of items) {
    if (!sentences.has(sentence)) sentences.set(sentence, { amount: NaN, sunk: false });
    const cell = /** @type {Cell} */ (sentences.get(sentence));
    if (places.length && !(sinks && sink)) cell.amount = (Number.isNaN(cell.amount) ? 0 : cell.amount) + sum(places);
  }
  return items.map(({ sentence, places }) => [sentence < 0 ? { amount: sum(places), sunk: sinks } : /** @type {Cell} */ (sentences.get(sentence))]);
}

/**
 * The tokens that one of an item's texts stands for.
 *
 * @param {Item} item
 * @param {number} at
 */
function placesOf({ texts, places }, at) {
  return texts.length === 1 ? places : places.slice(at, at + 1);
}

/**
 * The end of the scale of each text: those of one composite have it together.
 *
 * @param {Cell[][][]} texts
 * @param {number[]} composites of each; equal ones, equal numbers
 */
export function limitsOf(texts, composites) {
  return composites.map((own) => limitOf(texts.filter((_, at) => composites[at] === own).flatMap(inScale)));
}

/** @param {Cell[][]} cells of a text */
function inScale(cells) {
  return cells.flatMap((parts) => parts.filter(({ sunk }) => !sunk).map(({ amount }) => amount));
}

/**
 * What sinks hold together.
 *
 * @param {Item[]} items
 * @param {ArrayLike<number>} values
 */
export function heldBySinks(items, values) {
  return items.reduce((all, { sink, places }) => all + (sink ? places.reduce((sum, place) => sum + values[place], 0) : 0), 0);
}

/**
 * What item a step leads to.
 *
 * @param {string} key
 * @param {number} at
 * @param {number} count
 */
export function stepTo(key, at, count) {
  /** @type {Record<string, number>} */
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: count - 1 };
  return key in to ? Math.max(0, Math.min(to[key], count - 1)) : null;
}
