// What is taken for what: a table for a few classes, else a list of the most frequent confusions.

import { element } from "../../base/common.js";
import { MOST_CLASSES, atOpening, panel } from "./panel.js";
import { counted } from "./sieve.js";

const MOST_CONFUSIONS = 30; // of the list
/** @type {Record<string, number[]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * @typedef {Map<number, Map<number, number>>} Counts by truth, then by what the network says
 *
 * @typedef {object} Acts
 * @property {(index: number) => string} className
 * @property {(truth: number, says: number) => void} choose is called at a click
 */

/**
 * How often each class is taken for which, among the labelled inputs, and the classes that occur.
 *
 * @param {{ says: Int32Array, truth: Int32Array }} known
 */
export function countsOf({ says, truth }) {
  const counts = /** @type {Counts} */ (new Map());
  const classes = /** @type {Set<number>} */ (new Set());
  says.forEach((said, i) => {
    if (said < 0 || truth[i] < 0) return;
    const row = counts.get(truth[i]) ?? new Map();
    counts.set(truth[i], row.set(said, (row.get(said) ?? 0) + 1));
    classes.add(said).add(truth[i]);
  });
  return { counts, classes: [...classes].sort((a, b) => a - b) };
}

/**
 * A panel with the confusions among the labelled inputs, which closes once one is chosen.
 *
 * @param {import("./sieve.js").Known} known
 * @param {string} brought what an input is
 * @param {Acts} acts
 */
export function confusionPanel(known, brought, { className, choose }) {
  const [table, labelled] = [element("div"), element("p", { className: "lrp-quiet" })];
  const { opener, made } = panel("confusion", "What is taken for what", labelled, table);
  const chosen = (/** @type {number} */ truth, /** @type {number} */ says) => {
    choose(truth, says);
    made.hidePopover();
  };
  atOpening(made, () => {
    const { labelled: count } = counted(known);
    labelled.textContent = `${count.toLocaleString("en")} labelled ${brought}${count === 1 ? "" : "s"} looked at; click to see those`;
    table.replaceChildren(confusion(known, { className, choose: chosen }));
  });
  return { opener, made };
}

/**
 * @param {{ says: Int32Array, truth: Int32Array }} known
 * @param {Acts} acts
 */
function confusion(known, acts) {
  const { counts, classes } = countsOf(known);
  return classes.length > MOST_CLASSES ? confusions(counts, acts) : matrix(counts, classes, acts);
}

/**
 * @param {Counts} counts
 * @param {number[]} classes
 * @param {Acts} acts
 */
function matrix(counts, classes, acts) {
  const { className } = acts;
  const most = Math.max(1, ...found(counts).map(({ truth, says, count }) => (says === truth ? 0 : count)));
  const long = classes.some((index) => className(index).length > 3);
  const heads = classes.map((index) => element("th", { scope: "col", title: className(index) }, element("span", {}, className(index))));
  const rows = classes.map((truth) => element("tr", {}, element("th", { scope: "row", title: className(truth) }, className(truth)), ...classes.map((says) => cell({ truth, says, count: counts.get(truth)?.get(says) ?? 0 }, most, acts))));
  const table = element(
    "table",
    { className: `lrp-confusion ${long ? "lrp-upright" : ""}`, ariaLabel: "Confusion matrix: truth by row, what the network says by column" },
    element("thead", {}, element("tr", {}, element("th", { className: "lrp-quiet", scope: "col" }, "truth ↓ says →"), ...heads)),
    element("tbody", {}, ...rows),
  );
  const buttons = /** @type {HTMLButtonElement[]} */ ([...table.querySelectorAll("td button")]);
  table.addEventListener("keydown", (event) => move(table, event));
  table.addEventListener("focusin", ({ target }) => {
    for (const each of buttons) each.tabIndex = each === target ? 0 : -1;
  });
  if (buttons.length) buttons[0].tabIndex = 0;
  return table;
}

/** @typedef {{ truth: number, says: number, count: number }} Confusion */

/**
 * @param {Confusion} shown
 * @param {number} most count of a confusion
 * @param {Acts} acts
 */
function cell(shown, most, acts) {
  const { truth, says, count } = shown;
  if (!count) return element("td", { className: "lrp-quiet" }, "·");
  const made = confused(shown, acts);
  made.tabIndex = -1; // the table is one stop of the tab key
  made.textContent = String(count);
  made.classList.toggle("lrp-quiet", truth === says);
  if (truth !== says) made.style.setProperty("--share", `${Math.round(12 + (28 * count) / most)}%`);
  return element("td", {}, made);
}

/**
 * @param {Counts} counts
 * @returns {Confusion[]}
 */
function found(counts) {
  return [...counts].flatMap(([truth, row]) => [...row].map(([says, count]) => ({ truth, says, count })));
}

/**
 * @param {Counts} counts
 * @param {Acts} acts
 */
function confusions(counts, acts) {
  const wrong = found(counts).filter(({ truth, says }) => truth !== says).sort((a, b) => b.count - a.count);
  const items = wrong.slice(0, MOST_CONFUSIONS).map((each) => {
    const made = confused(each, acts);
    made.append(`${acts.className(each.truth)} → ${acts.className(each.says)} `, element("b", {}, String(each.count)));
    return element("li", {}, made);
  });
  return element("ul", { className: "lrp-confusions", ariaLabel: "Most frequent confusions: truth, what the network says, count" }, ...items);
}

/**
 * @param {Confusion} shown
 * @param {Acts} acts
 */
function confused({ truth, says, count }, { className, choose }) {
  const title = `${count} of ${className(truth)}, of which the network says ${className(says)}`;
  const made = element("button", { type: "button", title, ariaLabel: title });
  made.addEventListener("click", () => choose(truth, says));
  return made;
}

/**
 * Arrow keys lead to the next cell of the table that counts something.
 *
 * @param {HTMLTableElement} table
 * @param {KeyboardEvent} event
 */
function move(table, event) {
  const step = STEPS[event.key];
  const now = document.activeElement?.closest("td");
  if (!step || !now) return;
  event.preventDefault();
  let [row, column] = [/** @type {HTMLTableRowElement} */ (now.parentElement).rowIndex, now.cellIndex];
  for (;;) {
    [row, column] = [row + step[0], column + step[1]];
    const reached = column > 0 && row > 0 ? table.rows[row]?.cells[column] : null;
    if (!reached) return;
    const next = reached.querySelector("button");
    if (next) return next.focus();
  }
}
