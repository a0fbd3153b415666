// Classes as rows that are buttons: name, bar, separability. A row is made once for its class and moves up and down.

import { element, button, array, follow } from "../base/common.js";
import { listOf } from "./class_ranking/list.js";
import { rowOf } from "./class_ranking/row.js";

const KINDS = [["prediction", "A map belongs to the class that the model predicts"], ["label", "A map belongs to the class of its label"]];

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-ranking");
  const kinds = Object.fromEntries(KINDS.map(([name, title]) => [name, button(name, title, () => model.send({ by: name }))]));
  const list = listOf();
  const unitLabel = element("span", { className: "lrp-quiet" });
  const note = element("p", { className: "lrp-quiet", role: "status" });
  const test = button("test each class", "Put the most separable cluster of every class to the poison test", () => model.send({ test: "classes" }));
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Classes"), unitLabel),
    element("div", { className: "lrp-ranking-by lrp-quiet" }, "by ", element("span", { className: "lrp-choices", role: "group", ariaLabel: "Which maps belong to a class" }, ...Object.values(kinds))),
    list.made,
    note,
    test,
  );
  const rows = /** @type {Map<number | null, ReturnType<typeof rowOf>>} */ (new Map()); // by class; null for all maps

  function draw() {
    const labels = [...array(model.get("labels"), Int32Array)];
    const state = model.get("state"), { by } = state;
    unitLabel.textContent = `most separable first (${state.unit})`;
    unitLabel.title = state.unit === "τ" ? "How far its most separable cluster stands apart" : "How far its most separable cluster stands apart, in units of what is ordinary where there are no clusters; grey: chance may be all";
    for (const [name, each] of Object.entries(kinds)) each.ariaPressed = String(name === by);
    listRows(labels);
    say(labels.length);
  }

  function listRows(/** @type {number[]} */ labels) {
    const { group, maps, unit } = model.get("state"), classes = model.get("classes");
    const [values, sizes, stands] = [array(model.get("values"), Float32Array), array(model.get("sizes"), Int32Array), array(model.get("stands"), Uint8Array)];
    const most = Math.max(0, ...values);
    /** @type {Map<number | null, [boolean, string]>} */
    const marks = new Map(model.get("marks").map((/** @type {[number | null, boolean, string]} */ [label, hans, told]) => [label, [hans, told]]));
    const fill = (/** @type {number | null} */ label, /** @type {string} */ name, /** @type {number} */ size, /** @type {number | null} */ value, faint = false) => {
      const [hans, told] = marks.get(label) ?? [false, ""];
      row(label).fill({ name, size, value, unit, faint, most: value === null ? 0 : most, hans, told });
    };
    list.made.classList.toggle("lrp-marked", marks.size > 0);
    list.made.style.setProperty("--name", `${Math.max(1, ...labels.map((label) => classes[label].length))}ch`);
    fill(null, "all maps", maps, null);
    labels.forEach((label, place) => fill(label, classes[label], sizes[place], values[place], unit !== "τ" && !stands[place]));
    list.show([null, ...labels].map((label) => row(label).made));
    list.choose(labels.includes(group) || group === null ? row(group).made : null, row(null).made);
  }

  function row(/** @type {number | null} */ label) {
    const made = rows.get(label) ?? rowOf(() => model.send({ group: label }));
    rows.set(label, made);
    return made;
  }

  function say(/** @type {number} */ found) {
    const { ranking, present, fewest, shown, stored } = model.get("state");
    const under = shown && `The class on the screen is under ${shown}, the others are under ${stored}, as stored.`;
    note.textContent = ranking ? `ranking … ${found} of ${present}` : found ? under : `No class has ${fewest} maps or more.`;
    note.hidden = !note.textContent;
    test.disabled = ranking || !found;
  }

  return follow(model, el, draw);
}

export default { render };
