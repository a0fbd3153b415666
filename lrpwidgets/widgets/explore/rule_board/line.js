// One row: a choice of a rule, its sliders, and a bar. It stands for a layer, a block, or a family of layers.

import { element } from "../../base/common.js";
import { amountsOf } from "./amounts.js";
import { knobOf } from "./knob.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @typedef {object} Subject what a row stands for
 * @property {string} about its name
 * @property {(Node | string)[]} cells the first three
 * @property {string[]} choices of rules
 * @property {object} target what the kernel is told of it
 * @property {(told: import("./told.js").Told) => Now} now
 * @property {boolean} [several] whether it stands for layers anywhere
 *
 * @typedef {object} Now
 * @property {number[]} rows which layers it stands for
 * @property {number | null} rule null: several
 * @property {number[]} amounts whose amounts it shows
 *
 * @typedef {object} Line
 * @property {HTMLTableRowElement} row
 * @property {(told: import("./told.js").Told) => void} update
 * @property {string} [block] the path of the block that it is for
 * @property {string} [inside] the path of the block that it is in
 * @property {string} [layer]
 */

/**
 * @param {Subject} subject
 * @param {import("./messages.js").Messages} messages
 * @param {(row: HTMLTableRowElement) => void} changed called when a row has other controls
 * @returns {Line}
 */
export function lineOf({ about, cells, choices, target, now, several = false }, messages, changed) {
  const rule = choiceOf(about, choices, target, messages, () => changed(row));
  const amounts = amountsOf(several);
  const down = element("button", { type: "button", ariaLabel: `The rule of ${about} from here down`, title: "This rule from here down to the input", tabIndex: -1 }, "↓");
  const back = element("button", { type: "button", ariaLabel: `${about}: back to the preset`, title: "Back to the preset", tabIndex: -1 }, "↺");
  down.addEventListener("click", () => messages.send({ ...target, down: true }));
  back.addEventListener("click", () => messages.send({ ...target, reset: true }));
  const [first, ...rest] = cells;
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, first),
    ...rest.map((cell) => element("td", { className: "lrp-quiet" }, cell)),
    element("td", {}, rule.select),
    rule.knobs,
    element("td", {}, amounts.bar),
    amounts.loss,
    element("td", { className: "lrp-more" }, ...(several ? [] : [down]), back),
  );

  /** @param {import("./told.js").Told} told */
  function update(told) {
    const { rows, rule: number, amounts: indices } = now(told);
    const [named, values] = (number === null ? null : told.state.rules[number]) ?? [null, []];
    row.classList.toggle("lrp-none", number !== null && named === null); // a max pool that sends all to the winner
    const changes = rows.some((index) => told.changed.has(index));
    const again = rows.some((index) => told.again.has(index));
    row.classList.toggle("lrp-again", again);
    rule.select.classList.toggle("lrp-changed", changes);
    back.hidden = !changes || !told.state.preset;
    down.disabled = named === null;
    rule.show(named, values, told.network);
    amounts.show(indices, told);
    if (again && told.fresh) flash(row);
  }

  return { row, update };
}

/**
 * The rule of a row and its sliders.
 *
 * @param {string} about
 * @param {string[]} choices
 * @param {object} target
 * @param {import("./messages.js").Messages} messages
 * @param {() => void} changed called when there are other sliders
 */
function choiceOf(about, choices, target, messages, changed) {
  const other = element("option", { hidden: true }); // what the choices do not hold, such as "mixed"
  const select = element("select", { ariaLabel: `Rule for ${about}`, tabIndex: -1 }, ...choices.map((rule) => element("option", { value: rule }, rule)), other);
  const knobs = element("td");
  let turned = /** @type {ReturnType<typeof knobOf>[]} */ ([]); // the sliders of `shown`
  let shown = /** @type {string | null | undefined} */ (undefined); // nothing yet
  select.addEventListener("change", () => messages.send({ ...target, rule: select.value }));

  /**
   * @param {string | null} rule null: several, or none
   * @param {number[]} values
   * @param {import("./told.js").Network} network
   */
  function show(rule, values, network) {
    if (shown === undefined || messages.heard()) {
      other.textContent = other.value = rule !== null && choices.includes(rule) ? "" : rule ?? "mixed";
      select.value = rule ?? "mixed";
    }
    if (rule !== shown) build(rule, network);
    turned.forEach((knob, index) => knob.update(values[index]));
  }

  /**
   * @param {string | null} rule
   * @param {import("./told.js").Network} network
   */
  function build(rule, network) {
    shown = rule;
    select.title = rule ? network.rules[rule].help : "The layers inside have different rules";
    turned = rule ? network.rules[rule].knobs.map((knob) => knobOf(about, target, knob, messages)) : [];
    knobs.replaceChildren(...(turned.length ? turned.map(({ label }) => label) : ["—"]));
    changed();
  }

  return { select, knobs, show };
}

/** @param {HTMLTableRowElement} row */
function flash(row) {
  if (still.matches || row.hidden || row.getAnimations().length) return;
  const amber = getComputedStyle(row).getPropertyValue("--changed");
  row.animate([{ backgroundColor: amber }, { backgroundColor: amber, offset: 0.4 }, { backgroundColor: "transparent" }], { duration: 700, easing: "steps(6)" }); // few frames: while a slider moves, every core counts
}
