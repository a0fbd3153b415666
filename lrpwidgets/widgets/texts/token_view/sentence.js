// Words on the page: made once for a text, and coloured again whenever its relevance changes.

import { element } from "../../base/common.js";
import { short } from "../../base/shades.js";
import { itemsOf } from "./cells.js";

const FULL = 40; // items of a block: those out of sight cost nothing, and a block is what can be out of sight
const FULLEST = 300; // where no sentence ends
const VALUED = 60; // items at most that have their values below them

/**
 * @typedef {import("./cells.js").Cell} Cell
 * @typedef {import("./cells.js").Item} Item
 *
 * @typedef {ReturnType<typeof import("../../base/shades.js").painter>} Painter
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
   * @param {Painter} painter
   */
  function paint(cells, now, limit, painter) {
    if (now !== level) bare();
    level = made.dataset.level = now;
    const valued = made.dataset.valued === "true";
    let last = /** @type {HTMLElement | null} */ (null);
    cells.forEach((parts, at) => {
      const { word, sentence } = nodes[at];
      if (now === "sentence" && sentence === last) return;
      last = sentence;
      parts.forEach((cell, place) => dress(now === "token" ? tokenOf(word, place) : now === "word" ? word : sentence, cell, limit, painter, valued || now === "sentence"));
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
    /** Mark the word that is pointed at. */
    touch: (/** @type {number | null} */ word) => {
      for (const each of made.querySelectorAll(".lrp-touched")) each.classList.remove("lrp-touched");
      items.forEach((item, at) => item.word === word && nodes[at].word.classList.add("lrp-touched"));
    },
  };
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
 * @param {Painter} painter
 * @param {boolean} valued whether the value is written
 */
function dress(node, { amount, sunk }, limit, painter, valued) {
  const read = !Number.isNaN(amount);
  node.classList.toggle("lrp-sunk", sunk && read);
  if (valued && read) node.dataset.value = short(amount);
  else delete node.dataset.value;
  if (sunk || !read) node.style.background = node.style.color = "";
  else painter.paint(node, amount, limit);
}

/** @param {HTMLElement} node */
function undress(node) {
  node.style.background = node.style.color = "";
  node.classList.remove("lrp-sunk");
  delete node.dataset.value;
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
