// The poison tests: what they found, in words, figures and pictures; and a picture to draw a box on, or a word to name.

import { element, button, array, follow } from "../base/common.js";
import { drawingBoard } from "./poison_test/board.js";
import { makeVerdict } from "./poison_test/verdict.js";
import { wordField } from "./poison_test/word.js";


/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-poison");
  const of = model.get("of");
  const advice = element("p", { className: "lrp-quiet" }, `Separability only ranks. The tests decide: they take what a cluster looks at, or has in common, to ${of} of other classes. If these turn into its class, the model falls for it.`);
  const verdict = makeVerdict(of);
  const tests = element("div", { className: "lrp-poison-tests", role: "group", ariaLabel: "What was tested" });
  const [count, done] = [element("span"), element("i")];
  const running = element("p", { className: "lrp-poison-running lrp-quiet", role: "status" }, count, element("u", {}, done));
  const cluster = button("", "Put this cluster to the poison tests", () => model.send({ test: model.get("candidate").number }), { className: "lrp-poison-name" });
  const draws = button("draw a box", "Test what is in a box of a picture", () => model.send({ draw: 0 }));
  const word = wordField((text) => model.send({ word: text, cluster: model.get("candidate").number }));
  const all = button("test all clusters", "Put every cluster to the poison tests", () => model.send({ test: "all" }));
  const lasso = button("", "Put what is selected to the poison tests, beside the rest", () => model.send({ test: "selection" }));
  const mend = button("mend this", "Have the model forget it, and prove that it does: the room Improve", () => model.send({ mend: true }));
  const tools = element("div", { className: "lrp-poison-tools" }, cluster, lasso, of === "texts" ? word.made : draws, all, mend);
  const board = drawingBoard(model);
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Is it a Clever Hans?"), element("span", { className: "lrp-quiet" }, "poison tests")),
    tools, running, advice, verdict.paper, tests, board.made,
  );

  function draw() {
    const [candidate, tested, drawing] = [model.get("candidate"), model.get("tested"), board.open()];
    cluster.textContent = candidate.name ? `test “${candidate.name}”` : "test this cluster";
    word.list(candidate.words ?? []);
    for (const each of [cluster, draws, all, word.field]) each.disabled = candidate.number === null || candidate.number === undefined;
    lasso.hidden = !candidate.selected;
    lasso.textContent = `test the ${(candidate.selected ?? 0).toLocaleString("en")} selected`;
    mend.hidden = !tested.mend;
    advice.hidden = drawing || Boolean(tested.class);
    verdict.paper.hidden = drawing || !tested.class;
    tools.hidden = drawing;
    if (!verdict.paper.hidden) verdict.tell(tested, array(model.get("pictures"), Uint8Array));
    list(tested.place);
    tests.hidden = drawing || tests.children.length < 2;
    tellProgress();
    const inside = board.made.contains(document.activeElement);
    board.draw();
    if (inside && !drawing) draws.focus(); // the board is gone, and the focus with it
  }

  function list(/** @type {number | undefined} */ place) {
    const chips = model.get("history").map((/** @type {[string, boolean]} */ [name, hans], /** @type {number} */ at) => {
      const end = hans ? "Clever Hans" : "not convicted";
      const chip = button(hans ? `${name}: Clever Hans` : `${name} ✓`, `${name}: ${end}`, () => model.send({ verdict: at }), { ariaLabel: `${name}: ${end}`, ariaPressed: String(at === place) });
      if (hans) chip.className = "lrp-hans";
      return chip;
    });
    const focus = [...tests.children].findIndex((each) => each === document.activeElement);
    const found = (/** @type {Element} */ chip) => Number(chip.classList.contains("lrp-hans"));
    chips.sort((/** @type {Element} */ a, /** @type {Element} */ b) => found(b) - found(a));
    tests.replaceChildren(...chips);
    chips[focus]?.focus();
  }

  function tellProgress() {
    const [past, total] = model.get("progress");
    running.hidden = !total;
    if (!total) return;
    count.textContent = `testing … ${past.toLocaleString("en")} of ${total.toLocaleString("en")} ${of}`;
    done.style.width = `${(100 * past) / total}%`;
  }

  const undo = follow(model, el, draw);
  const appearance = new ResizeObserver(board.draw);
  appearance.observe(el);
  window.addEventListener("lrp-theme", board.draw);
  return () => {
    window.removeEventListener("lrp-theme", board.draw);
    appearance.disconnect();
    undo();
  };
}

export default { render };
