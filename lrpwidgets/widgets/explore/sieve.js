// What is known of each input, and which inputs a person wants to see: arrays, for a hundred thousand at once.

const NOT_YET = -2; // what the network says of an input that was not looked at
const UNREADABLE = -1; // as in survey.py

export const ALL = { show: "all", says: null, truth: null, low: 0, high: 1, text: "", sort: "index" };

export const SHOWN = {
  all: () => true,
  right: (known, i) => known.says[i] >= 0 && known.says[i] === known.truth[i],
  wrong: (known, i) => known.says[i] >= 0 && known.truth[i] >= 0 && known.says[i] !== known.truth[i],
  unreadable: (known, i) => known.says[i] === UNREADABLE,
};

export const ORDERS = {
  index: null,
  "most confident first": (known) => (a, b) => known.confidence[b] - known.confidence[a],
  "least confident first": (known) => (a, b) => unsure(known, a) - unsure(known, b),
};

/** Of an input that the network says nothing of, 2: it comes last. */
const unsure = (known, i) => (known.says[i] >= 0 ? known.confidence[i] : 2);

export function nothingKnown() {
  return {
    says: new Int32Array(),
    truth: new Int32Array(),
    confidence: new Float32Array(),
    names: [],
    words: [], // names in lower case
    problems: new Map(),
  };
}

/** Make room for `total` inputs. */
export function enlarge(known, total) {
  for (const [column, nothing] of [["says", NOT_YET], ["truth", -1], ["confidence", 0]]) {
    const old = known[column];
    if (old.length >= total) continue;
    known[column] = new old.constructor(total).fill(nothing);
    known[column].set(old);
  }
}

/** Note what was found out. */
export function learn(known, [index, says, truth, confidence], problems) {
  enlarge(known, index.reduce((most, i) => Math.max(most, i + 1), 0));
  index.forEach((i, row) => {
    known.says[i] = says[row];
    known.truth[i] = truth[row];
    known.confidence[i] = confidence[row];
  });
  for (const [i, why] of problems) known.problems.set(i, why);
}

/** Note what the inputs from `start` on are called. */
export function learnNames(known, start, names) {
  enlarge(known, start + names.length);
  known.names.splice(start, Infinity);
  known.words.splice(start, Infinity);
  for (const name of names) {
    known.names.push(name);
    known.words.push(name.toLowerCase());
  }
}

/** How many were looked at, have a label, and are wrong or unreadable; and the classes that occur. */
export function counted(known) {
  const count = { looked: 0, labelled: 0, wrong: 0, unreadable: 0, says: new Set(), truth: new Set() };
  for (let i = 0; i < known.says.length; i++) {
    if (known.says[i] === NOT_YET) continue;
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

/** Indices of the inputs that pass `wish`, in its order. */
export function sifted(known, wish, className) {
  const text = wish.text.trim().toLowerCase();
  const tests = [SHOWN[wish.show]];
  if (wish.says !== null) tests.push((_, i) => known.says[i] === wish.says);
  if (wish.truth !== null) tests.push((_, i) => known.truth[i] === wish.truth);
  if (wish.low > 0 || wish.high < 1) tests.push((_, i) => known.says[i] >= 0 && known.confidence[i] >= wish.low && known.confidence[i] <= wish.high);
  if (text) tests.push(speaksOf(known, text, className));
  const found = [];
  for (let i = 0; i < known.says.length; i++) if (tests.every((test) => test(known, i))) found.push(i);
  const compare = ORDERS[wish.sort]?.(known);
  return Int32Array.from(compare ? found.sort(compare) : found);
}

/** Whether `text` is in the name of an input or of one of its classes; each class name is read once. */
function speaksOf(known, text, className) {
  const found = new Map();
  const inClass = (index) => {
    if (index < 0) return false;
    if (!found.has(index)) found.set(index, className(index).toLowerCase().includes(text));
    return found.get(index);
  };
  return (_, i) => known.words[i]?.includes(text) || inClass(known.says[i]) || inClass(known.truth[i]);
}

