// What is taken for what: a table for a few classes, else a list of the most frequent confusions.

import { element } from "../base/common.js";

export const MOST_CLASSES = 25; // of the table
const MOST_CONFUSIONS = 30; // of the list

/** The confusions among the labelled inputs; `choose(truth, says)` is called at a click. */
export function confusion(known, className, choose) {
  const counts = new Map(); // by truth, then by what the network says
  const classes = new Set();
  known.says.forEach((says, i) => {
    const truth = known.truth[i];
    if (says < 0 || truth < 0) return;
    if (!counts.has(truth)) counts.set(truth, new Map());
    counts.get(truth).set(says, (counts.get(truth).get(says) ?? 0) + 1);
    classes.add(says).add(truth);
  });
  const sorted = [...classes].sort((a, b) => a - b);
  return (sorted.length > MOST_CLASSES ? confusions : matrix)(counts, sorted, className, choose);
}

function matrix(counts, classes, className, choose) {
  const most = Math.max(1, ...[...counts].flatMap(([truth, row]) => [...row].map(([says, n]) => (says === truth ? 0 : n))));
  const long = classes.some((index) => className(index).length > 3);
  const heads = classes.map((index) => element("th", { scope: "col", title: className(index) }, element("span", {}, className(index))));
  const table = element(
    "table",
    { className: `lrp-confusion ${long ? "lrp-upright" : ""}`, ariaLabel: "Confusion matrix: truth by row, what the network says by column" },
    element("thead", {}, element("tr", {}, element("th", { className: "lrp-quiet", scope: "col" }, "truth ↓ says →"), ...heads)),
    element("tbody", {}, ...classes.map((truth) => element("tr", {}, element("th", { scope: "row", title: className(truth) }, className(truth)), ...classes.map((says) => cell(truth, says))))),
  );
  table.addEventListener("keydown", (event) => move(table, event));
  table.addEventListener("focusin", ({ target }) => {
    for (const each of table.querySelectorAll("td button")) each.tabIndex = each === target ? 0 : -1;
  });
  const first = table.querySelector("td button");
  if (first) first.tabIndex = 0;
  return table;

  function cell(truth, says) {
    const count = counts.get(truth)?.get(says) ?? 0;
    if (!count) return element("td", { className: "lrp-quiet" }, "·");
    const made = confused(truth, says, count, className, choose);
    made.tabIndex = -1; // the table is one stop of the tab key
    made.textContent = count;
    made.classList.toggle("lrp-quiet", truth === says);
    if (truth !== says) made.style.setProperty("--share", `${Math.round(12 + (28 * count) / most)}%`);
    return element("td", {}, made);
  }
}

function confusions(counts, _, className, choose) {
  const found = [...counts].flatMap(([truth, row]) => [...row].map(([says, count]) => ({ truth, says, count })));
  const wrong = found.filter(({ truth, says }) => truth !== says).sort((a, b) => b.count - a.count);
  const items = wrong.slice(0, MOST_CONFUSIONS).map(({ truth, says, count }) => {
    const made = confused(truth, says, count, className, choose);
    made.append(`${className(truth)} → ${className(says)} `, element("b", {}, count));
    return element("li", {}, made);
  });
  return element("ul", { className: "lrp-confusions", ariaLabel: "Most frequent confusions: truth, what the network says, count" }, ...items);
}

function confused(truth, says, count, className, choose) {
  const title = `${count} of ${className(truth)}, of which the network says ${className(says)}`;
  const made = element("button", { type: "button", title, ariaLabel: title });
  made.addEventListener("click", () => choose(truth, says));
  return made;
}

/** Arrow keys lead to the next cell of the table that counts something. */
function move(table, event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const now = document.activeElement.closest("td");
  if (!step || !now) return;
  event.preventDefault();
  let [row, column] = [now.parentElement.rowIndex, now.cellIndex];
  for (;;) {
    [row, column] = [row + step[0], column + step[1]];
    const cell = column > 0 && row > 0 ? table.rows[row]?.cells[column] : null;
    if (!cell) return;
    const next = cell.querySelector("button");
    if (next) return next.focus();
  }
}

