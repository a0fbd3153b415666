// Scores as rows that are buttons: name, bar, score, probability if there is one. Bars start at zero, wherever that lies.

import { element, button, array, follow } from "../base/common.js";
import { lineOf, listed, percent, ranked, shortened } from "./class_scores/ranking.js";
import { rowOf } from "./class_scores/row.js";

const SHORTCUTS = 9; // rows that a digit reaches

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-scores");
  const state = () => /** @type {import("./class_scores/ranking.js").State} */ (model.get("state"));
  const ask = (/** @type {object} */ question) => model.send(question);
  const contrasts = () => (state().than ?? null) !== null;
  const modes = {
    top: button("explain top", "Explain the class with the highest score, whatever the input", () => ask({ target: null, than: null })),
    keep: button("keep", "Explain the same class for every input", () => ask({ target: state().target, than: null })),
    than: button("A − B", "Explain why one class rather than another", () => ask({ than: second() })),
  };
  const list = element("div", { className: "lrp-classes", role: "group", ariaLabel: "Classes by score" });
  const search = element("input", { type: "search", ariaLabel: "Search the classes", data: { shortcut: "/" }, title: "Search the classes" });
  const spoken = element("p", { className: "lrp-spoken", role: "status" }); // for those who hear the page
  const none = element("p", { className: "lrp-quiet", hidden: true }, "No class has that in its name.");
  let said = saidBy(model);
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
    if (event.key !== "Escape") return;
    search.value = "";
    fill();
  });
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "What the network says"), element("span", { className: "lrp-quiet" }, "click a class: why this one?")),
    element("div", { className: "lrp-choices", role: "group", ariaLabel: "Which class is explained" }, ...Object.values(modes)),
    list,
    none,
    search,
    spoken,
  );

  /** The best class beside the one that is explained. */
  function second() {
    return ranked(said.scores, said.classes).find((index) => index !== state().target);
  }

  function draw() {
    said = saidBy(model);
    const { classes } = said;
    el.hidden = !classes.length;
    if (el.hidden) return;
    const { target, than, follows } = state();
    modes.keep.textContent = `keep “${shortened(classes[target])}”`;
    modes.than.disabled = classes.length < 2;
    modes.than.textContent = contrasts() ? `“${shortened(classes[target])}” − “${shortened(classes[Number(than)])}”` : "A − B";
    modes.top.setAttribute("aria-pressed", String(follows && !contrasts()));
    modes.keep.setAttribute("aria-pressed", String(!follows && !contrasts()));
    modes.than.setAttribute("aria-pressed", String(contrasts()));
    search.placeholder = `Search ${classes.filter(Boolean).length.toLocaleString("en")} classes …`;
    search.hidden = classes.length <= model.get("top");
    const [top] = ranked(said.scores, said.classes);
    const words = `The network says ${classes[top]}${said.probabilities.length ? `, ${percent(said.probabilities[top])}` : ""}.`;
    if (spoken.textContent !== words) spoken.textContent = words;
    fill();
  }

  function fill() {
    const shown = listed(ranked(said.scores, said.classes), said.classes, state(), model.get("top"), search.value);
    none.hidden = shown.length > 0;
    const focused = [...list.children].findIndex((each) => each === document.activeElement);
    const line = [...ranked(said.scores, said.classes).slice(0, model.get("top")), ...shown]; // what is found lies on the line of the best
    const at = lineOf(line.map((index) => said.scores[index]));
    list.replaceChildren(...shown.map((index, place) => row(index, place, at)));
    /** @type {HTMLElement | undefined} */ (list.children[focused])?.focus();
  }

  /**
   * @param {number} index
   * @param {number} place
   * @param {(score: number) => number} at
   */
  function row(index, place, at) {
    const made = rowOf(index, said, state(), contrasts(), at);
    if (place < SHORTCUTS) made.dataset.shortcut = String(place + 1);
    made.addEventListener("click", () => ask(contrasts() && index !== state().target ? { than: index } : { target: index, than: null }));
    return made;
  }

  return follow(model, el, draw);
}

/** @param {import("../base/common.js").Model} model */
function saidBy(model) {
  const [scores, probabilities, before] = ["scores", "probabilities", "before"].map((trait) => array(model.get(trait), Float32Array));
  return { classes: /** @type {string[]} */ (model.get("classes")), scores, probabilities, before };
}

export default { render };
