// The poison test: what it found, in words, figures and pictures; and a picture to draw a box on.

import { element, button, array, follow } from "../base/common.js";
import { drawingBoard } from "./poison_test/board.js";
import { verdict } from "./poison_test/verdict.js";

const ADVICE = "Separability only ranks. The test decides: it pastes what a cluster looks at on pictures of other classes. If they turn into this class, the model falls for it.";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-poison");
  const advice = element("p", { className: "lrp-quiet" }, ADVICE);
  const paper = element("div", { className: "lrp-poison-verdict", ariaLive: "polite" });
  const tests = element("div", { className: "lrp-poison-tests", role: "group", ariaLabel: "Tests that were made" });
  const [count, done] = [element("span"), element("i")];
  const running = element("p", { className: "lrp-poison-running lrp-quiet", role: "status" }, count, element("u", {}, done));
  const cluster = button("", "Put this cluster to the poison test", () => model.send({ test: model.get("candidate").number }), { className: "lrp-poison-name" });
  const draws = button("draw a box", "Test what is in a box of a picture", () => model.send({ draw: 0 }));
  const all = button("test all clusters", "Put every cluster to the poison test", () => model.send({ test: "all" }));
  const tools = element("div", { className: "lrp-poison-tools" }, cluster, draws, all);
  const board = drawingBoard(model);
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Is it a Clever Hans?"), element("span", { className: "lrp-quiet" }, "poison test")),
    advice, paper, tests, tools, board.made, running,
  );

  function draw() {
    const [candidate, tested, drawing] = [model.get("candidate"), model.get("tested"), board.open()];
    cluster.textContent = candidate.name ? `test “${candidate.name}”` : "test this cluster";
    for (const each of [cluster, draws, all]) each.disabled = candidate.number === null || candidate.number === undefined;
    advice.hidden = drawing || Boolean(tested.class);
    paper.hidden = drawing || !tested.class;
    tools.hidden = drawing;
    if (!paper.hidden) {
      paper.classList.toggle("lrp-hans", tested.hans);
      paper.replaceChildren(...verdict(tested, array(model.get("patch"), Uint8Array), array(model.get("poisoned"), Uint8Array)));
    }
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
    count.textContent = `testing … ${past.toLocaleString("en")} of ${total.toLocaleString("en")} pictures`;
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
