// What is known of each input, and which inputs a person wants to see: arrays, for a hundred thousand at once.

const NOT_YET = -2; // what the network says of an input that was not looked at
const UNREADABLE = -1; // as in survey.py

/**
 * @typedef {object} Known
 * @property {Int32Array} says class by input
 * @property {Int32Array} truth class by input; -1 without a label
 * @property {Float32Array} confidence
 * @property {string[]} names
 * @property {string[]} words names in lower case
 * @property {Map<number, string>} problems why an input is unreadable
 * @property {Map<number, string>} called what its class is called, if that is a part of the input
 * @property {Set<number>} removed uploads that are not here any more
 *
 * @typedef {object} Wish which inputs to show, and in which order
 * @property {string} show
 * @property {number | null} says
 * @property {number | null} truth
 * @property {number} low least confidence
 * @property {number} high
 * @property {string} text
 * @property {string} sort
 */

/** @type {Wish} */
export const ALL = { show: "all", says: null, truth: null, low: 0, high: 1, text: "", sort: "index" };

/** @typedef {(known: Known, i: number) => unknown} Test */

/** @type {Record<string, Test>} */
export const SHOWN = {
  all: () => true,
  right: (known, i) => known.says[i] >= 0 && known.says[i] === known.truth[i],
  wrong: (known, i) => known.says[i] >= 0 && known.truth[i] >= 0 && known.says[i] !== known.truth[i],
  unreadable: (known, i) => known.says[i] === UNREADABLE,
};

/** @type {Record<string, null | ((known: Known) => (a: number, b: number) => number)>} */
export const ORDERS = {
  index: null,
  "most confident first": (known) => (a, b) => known.confidence[b] - known.confidence[a],
  "least confident first": (known) => (a, b) => unsure(known, a) - unsure(known, b),
};

/**
 * Of an input that the network says nothing of, 2: it comes last.
 *
 * @param {Known} known
 * @param {number} i
 */
const unsure = (known, i) => (known.says[i] >= 0 ? known.confidence[i] : 2);

/** @returns {Known} */
export function nothingKnown() {
  return { says: new Int32Array(), truth: new Int32Array(), confidence: new Float32Array(), names: [], words: [], problems: new Map(), called: new Map(), removed: new Set() };
}

/**
 * Make room for `total` inputs.
 *
 * @param {Known} known
 * @param {number} total
 */
export function enlarge(known, total) {
  known.says = longer(known.says, total, NOT_YET);
  known.truth = longer(known.truth, total, -1);
  known.confidence = longer(known.confidence, total, 0);
}

/**
 * @template {Int32Array | Float32Array} Column
 * @param {Column} column
 * @param {number} total
 * @param {number} nothing what fills it up
 * @returns {Column}
 */
function longer(column, total, nothing) {
  if (column.length >= total) return column;
  const made = new /** @type {{ new (length: number): Column }} */ (column.constructor)(total);
  made.fill(nothing);
  made.set(column);
  return made;
}

/**
 * Note what was found out.
 *
 * @param {Known} known
 * @param {ArrayLike<number>[]} found indices of inputs, and by them what the network says, the truth and the confidence
 * @param {[number, string][]} problems
 * @param {[number, string][]} called
 */
export function learn(known, [index, says, truth, confidence], problems, called) {
  const indices = Int32Array.from(index);
  enlarge(known, indices.reduce((most, i) => Math.max(most, i + 1), 0));
  indices.forEach((i, row) => {
    known.says[i] = says[row];
    known.truth[i] = truth[row];
    known.confidence[i] = confidence[row];
  });
  for (const [i, why] of problems) known.problems.set(i, why);
  for (const [i, name] of called) known.called.set(i, name);
}

/**
 * Note what the inputs from `start` on are called.
 *
 * @param {Known} known
 * @param {number} start
 * @param {string[]} names
 */
export function learnNames(known, start, names) {
  enlarge(known, start + names.length);
  known.names.splice(start, Infinity);
  known.words.splice(start, Infinity);
  for (const name of names) {
    known.names.push(name);
    known.words.push(name.toLowerCase());
  }
}

/**
 * How many there are, were looked at, have a label, and are wrong or unreadable; and the classes that occur.
 *
 * @param {Known} known
 */
export function counted(known) {
  const classes = { says: /** @type {Set<number>} */ (new Set()), truth: /** @type {Set<number>} */ (new Set()) };
  const count = { all: known.says.length - known.removed.size, looked: 0, labelled: 0, wrong: 0, unreadable: 0, ...classes };
  for (let i = 0; i < known.says.length; i++) {
    if (known.says[i] === NOT_YET || known.removed.has(i)) continue;
    count.looked++;
    if (known.says[i] === UNREADABLE) {
      count.unreadable++;
      continue;
    }
    count.says.add(known.says[i]);
    if (known.truth[i] < 0) continue;
    count.labelled++;
    count.truth.add(known.truth[i]);
    if (SHOWN.wrong(known, i)) count.wrong++;
  }
  return count;
}

/**
 * Indices of the inputs that pass `wish`, in its order.
 *
 * @param {Known} known
 * @param {Wish} wish
 * @param {(index: number) => string} className
 */
export function sifted(known, wish, className) {
  const text = wish.text.trim().toLowerCase();
  const tests = [SHOWN[wish.show]];
  if (wish.says !== null) tests.push((_, i) => known.says[i] === wish.says);
  if (wish.truth !== null) tests.push((_, i) => known.truth[i] === wish.truth);
  if (wish.low > 0 || wish.high < 1) tests.push((_, i) => known.says[i] >= 0 && known.confidence[i] >= wish.low && known.confidence[i] <= wish.high);
  if (text) tests.push(speaksOf(known, text, className));
  const found = [];
  for (let i = 0; i < known.says.length; i++) if (!known.removed.has(i) && tests.every((test) => test(known, i))) found.push(i);
  const compare = ORDERS[wish.sort]?.(known);
  return Int32Array.from(compare ? found.sort(compare) : found);
}

/**
 * Whether `text` is in the name of an input or of one of its classes; each class name is read once.
 *
 * @param {Known} known
 * @param {string} text
 * @param {(index: number) => string} className
 * @returns {Test}
 */
function speaksOf(known, text, className) {
  const found = /** @type {Map<number, boolean>} */ (new Map());
  const inClass = (/** @type {number} */ index) => {
    if (index < 0) return false;
    if (!found.has(index)) found.set(index, className(index).toLowerCase().includes(text));
    return found.get(index);
  };
  return (_, i) => known.words[i]?.includes(text) || inClass(known.says[i]) || inClass(known.truth[i]);
}
