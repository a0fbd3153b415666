// Words on the page: made once for a text, and coloured again whenever its relevance changes.

import { colour, element, mapOn, number } from "../../base/common.js";
import { inkOn } from "../../base/contrast.js";
import { itemsOf } from "./cells.js";

const FULL = 40; // items of a block: those out of sight cost nothing, and a block is what can be out of sight
const FULLEST = 300; // where no sentence ends
const VALUED = 60; // items at most that have their values below them

/**
 * @typedef {import("./cells.js").Cell} Cell
 * @typedef {import("./cells.js").Item} Item
 *
 * @typedef {object} Inks colours of the page
 * @property {number[]} paper
 * @property {number[]} ink
 *
 * @typedef {{ word: HTMLElement, sentence: HTMLElement }} Node of an item
 */

/**
 * A text; `made` holds its words, each with the number of its item.
 *
 * @param {"button" | "text"} role of a word
 */
export function sentenceOf(role) {
  const made = element("div", { className: "lrp-text", role: "group", ariaLabel: "Text", dir: "auto" });
  let items = /** @type {Item[]} */ ([]);
  let nodes = /** @type {Node[]} */ ([]);
  let level = "";

  /**
   * Have the words of a layout; of a text that is there already only those are filled that have changed.
   *
   * @param {import("./cells.js").Layout} layout
   */
  function lay(layout) {
    const [before, unknown] = [items, new Set(layout.unknown)];
    items = itemsOf(layout);
    const same = before.length === items.length && items.every((item, at) => alike(item, before[at]));
    if (!same) build();
    items.forEach((item, at) => (!same || keyOf(item) !== keyOf(before[at])) && fill(nodes[at].word, item, role));
    if (unknown.size || made.dataset.unknown) markUnknown(unknown);
    made.dataset.valued = String(items.length <= VALUED);
  }

  function build() {
    const blocks = blocksOf(items);
    nodes = [];
    level = "";
    made.replaceChildren(...blocks.map((runs) => element("div", { className: "lrp-text-block" }, ...runs.flatMap((run, at) => [at ? " " : "", runOf(run)]))));
  }

  /** @param {number[]} run numbers of items of one sentence */
  function runOf(run) {
    const sentence = element("span", { className: "lrp-run" });
    run.forEach((at, place) => {
      const word = element("span", { className: "lrp-word", data: { item: at }, ...(role === "button" ? { role, tabIndex: -1 } : {}) });
      nodes[at] = { word, sentence };
      sentence.append(place && items[at].spaced ? " " : "", word);
    });
    return sentence;
  }

  /** @param {Set<number>} unknown tokens that the model's vocabulary does not have */
  function markUnknown(unknown) {
    made.dataset.unknown = unknown.size ? "some" : "";
    items.forEach(({ places }, at) => nodes[at].word.classList.toggle("lrp-unknown", places.some((place) => unknown.has(place))));
  }

  /**
   * Colour the cells.
   *
   * @param {Cell[][]} cells of each item
   * @param {import("./cells.js").Level} now
   * @param {number} limit relevance at the end of the scale
   * @param {Inks} inks
   */
  function paint(cells, now, limit, inks) {
    if (now !== level) bare();
    level = made.dataset.level = now;
    const [map, valued] = [mapOn("red–blue", inks.paper), made.dataset.valued === "true"];
    let last = /** @type {HTMLElement | null} */ (null);
    cells.forEach((parts, at) => {
      const { word, sentence } = nodes[at];
      if (now === "sentence" && sentence === last) return;
      last = sentence;
      parts.forEach((cell, place) => dress(now === "token" ? tokenOf(word, place) : now === "word" ? word : sentence, cell, limit, map, inks, valued || now === "sentence"));
    });
  }

  function bare() {
    for (const { word, sentence } of nodes) [sentence, word, .../** @type {Iterable<HTMLElement>} */ (word.children)].forEach(undress);
  }

  return {
    made,
    lay,
    paint,
    items: () => items,
    node: (/** @type {number} */ at) => nodes[at]?.word,
    /** Mark the words that are pointed at. */
    touch: (/** @type {import("../../base/touched.js").Touched | null} */ touched) => {
      for (const each of made.querySelectorAll(".lrp-touched")) each.classList.remove("lrp-touched");
      if (!touched) return;
      items.forEach((item, at) => meant(item, touched) && nodes[at].word.classList.add("lrp-touched"));
    },
  };
}

/**
 * @param {Item} item
 * @param {import("../../base/touched.js").Touched} touched
 */
function meant({ word, places }, touched) {
  return touched.word >= 0 ? word === touched.word : word < 0 && places.some((place) => touched.places.includes(place));
}

/**
 * Whether two items stand for the same part of the same text, read or not.
 *
 * @param {Item} one
 * @param {Item} other
 */
function alike(one, other) {
  return one.word === other.word && one.sentence === other.sentence && one.breaks === other.breaks && one.texts.join("") === other.texts.join("");
}

/**
 * @param {HTMLElement} word
 * @param {number} place
 */
function tokenOf(word, place) {
  return /** @type {HTMLElement} */ (word.children[place] ?? word);
}

/** @param {Item} item */
function keyOf({ texts, places, struck, sink }) {
  return JSON.stringify([texts, places.length, struck, sink]);
}

/**
 * @param {HTMLElement} word
 * @param {Item} item
 * @param {string} role
 */
function fill(word, { texts, word: held, struck }, role) {
  undress(word);
  if (texts.length > 1) word.replaceChildren(...texts.map((text) => element("span", { className: "lrp-token" }, text)));
  else word.textContent = texts[0]; // half as many nodes: most words are one token
  word.classList.toggle("lrp-pieces", texts.length > 1);
  if (held < 0) word.dir = "ltr"; // and no hint to the direction of the text
  word.classList.toggle("lrp-struck", struck);
  word.classList.toggle("lrp-added", held < 0);
  if (role !== "button") return;
  if (held >= 0) word.ariaPressed = String(struck);
  else word.ariaDisabled = "true";
}

/**
 * @param {HTMLElement} node
 * @param {Cell} cell
 * @param {number} limit
 * @param {import("../../base/common.js").ColourMap} map
 * @param {Inks} inks
 * @param {boolean} valued whether the value is written
 */
function dress(node, { amount, sunk }, limit, map, { paper, ink }, valued) {
  const [read, pixels] = [!Number.isNaN(amount), /** @type {number[]} */ ([])];
  node.classList.toggle("lrp-sunk", sunk && read);
  if (valued && read) node.dataset.value = short(amount);
  else delete node.dataset.value;
  if (sunk || !read) {
    node.style.backgroundColor = node.style.color = "";
    return;
  }
  colour(pixels, 0, amount / limit, map, paper);
  const rounded = pixels.slice(0, 3).map(Math.round);
  node.style.backgroundColor = `rgb(${rounded.join()})`;
  node.style.color = `rgb(${Array.from(inkOn(rounded, ink)).join()})`;
}

/** @param {HTMLElement} node */
function undress(node) {
  node.style.backgroundColor = node.style.color = "";
  node.classList.remove("lrp-sunk");
  delete node.dataset.value;
}

/**
 * A value that fits below a word: two decimals, as those beside it, or one digit of what is smaller.
 *
 * @param {number} amount
 */
function short(amount) {
  const size = Math.abs(amount);
  if (size >= 100 || !(size >= 0.005 || size === 0)) return number(+amount.toPrecision(size >= 100 ? 3 : 1));
  return (amount < 0 ? "−" : "") + size.toFixed(2);
}

/**
 * Items in blocks, each of runs that are of one sentence: a block ends where a line does, or once it is full.
 *
 * @param {Item[]} items
 */
export function blocksOf(items) {
  const blocks = /** @type {number[][][]} */ ([]);
  let held = Infinity;
  items.forEach(({ sentence, breaks }, at) => {
    const begins = at === 0 || items[at - 1].sentence !== sentence || sentence < 0;
    if (breaks || (begins && held >= FULL) || held >= FULLEST) {
      blocks.push([]);
      held = 0;
    }
    const block = blocks[blocks.length - 1];
    if (begins || !block.length) block.push([]);
    block[block.length - 1].push(at);
    held += 1;
  });
  return blocks;
}
