// The poison test: what it found, in words, figures and pictures; and a picture to draw a box on.

import { paperOf, element, button, number, array, follow } from "../base/common.js";
import { LOOK, paint, show } from "../base/maps.js";

const ADVICE = "Separability only ranks. The test decides: it pastes what a cluster looks at on pictures of other classes. If they turn into this class, the model falls for it.";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-poison");
  const advice = element("p", { className: "lrp-quiet" }, ADVICE);
  const paper = element("div", { className: "lrp-poison-verdict", ariaLive: "polite" });
  const tests = element("div", { className: "lrp-poison-tests", role: "group", ariaLabel: "Tests that were made" });
  const running = element("p", { className: "lrp-poison-running lrp-quiet", role: "status" }, element("span"), element("u", {}, element("i")));
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
    const { number, name } = model.get("candidate");
    const drawing = board.open();
    cluster.textContent = name ? `test “${name}”` : "test this cluster";
    for (const each of [cluster, draws, all]) each.disabled = number === null || number === undefined;
    advice.hidden = drawing || Boolean(model.get("tested").class);
    paper.hidden = drawing || !model.get("tested").class;
    tools.hidden = drawing;
    if (!paper.hidden) tell(model.get("tested"));
    list();
    tests.hidden = drawing || tests.children.length < 2;
    tellProgress();
    const inside = board.made.contains(document.activeElement);
    board.draw();
    if (inside && !drawing) draws.focus(); // the board is gone, and the focus with it
  }

  // -- what was found ------------------------------------------------------------------------------------------------

  function tell(tested) {
    const { hans, samples, turned, turned_by_control: byControl, before, after, control, lender, reason } = tested;
    const b = (text) => element("b", {}, text);
    const patch = element("canvas", { title: "What was pasted" });
    const poisoned = element("canvas", { title: "It on a picture of another class" });
    show(patch, tested.sizes[0], array(model.get("patch"), Uint8Array));
    show(poisoned, tested.sizes[1], array(model.get("poisoned"), Uint8Array));
    const [, , height, width] = tested.box;
    const what = tested.drawn ? [b(tested.source), `, ${height} × ${width} pixels`] : ["what ", b(tested.source), ` looks at, ${height} × ${width} pixels of its pictures`];
    paper.classList.toggle("lrp-hans", hans);
    paper.replaceChildren(
      element("div", { className: "lrp-poison-pictures" }, patch, poisoned),
      element(
        "div",
        {},
        element("p", {}, "Candidate: ", ...what, `. Pasted on ${samples.toLocaleString("en")} pictures of other classes: accuracy `, b(`${percent(before)} → ${percent(after)}`), ", ", b(turned), ` turned into “${tested.class}”; a box of ${lender} there: ${percent(control)}, ${byControl} turned.`),
        element("p", {}, b(hans ? "A Clever Hans: the model falls for it." : "Not a Clever Hans: "), reason),
      ),
      element("div", { className: "lrp-poison-bars" }, ...bar("before", before), ...bar("with it", after, turned), ...bar(`with ${lender}`, control, byControl)),
      element("p", { className: "lrp-quiet", title: `Probability of so many more turning, if a box of ${lender} did the same (McNemar's exact test)` }, `p ${probability(tested.chance)} · score of “${tested.class}” ${number(tested.score_change, { sign: true })} on average`),
    );
  }

  function bar(words, share, turned = null) {
    return [
      element("span", { className: "lrp-quiet", title: words }, words),
      element("span", { className: "lrp-bar" }, element("i", { style: { width: `${100 * share}%` } })),
      element("b", {}, percent(share)),
      element("span", { className: "lrp-quiet" }, turned === null ? "read right" : `${turned.toLocaleString("en")} turned`),
    ];
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const probability = (p) => (p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`);

  function list() {
    const { place } = model.get("tested");
    const chips = model.get("history").map(([name, hans], at) => {
      const end = hans ? "Clever Hans" : "acquitted";
      const chip = button(hans ? `${name}: Clever Hans` : `${name} ✓`, `${name}: ${end}`, () => model.send({ verdict: at }), { ariaLabel: `${name}: ${end}`, ariaPressed: String(at === place) });
      if (hans) chip.className = "lrp-hans";
      return chip;
    });
    const at = [...tests.children].indexOf(document.activeElement);
    tests.replaceChildren(...[...chips].sort((a, b) => b.classList.contains("lrp-hans") - a.classList.contains("lrp-hans")));
    tests.children[at]?.focus();
  }

  function tellProgress() {
    const [done, total] = model.get("progress");
    running.hidden = !total;
    if (!total) return;
    running.firstChild.textContent = `testing … ${done.toLocaleString("en")} of ${total.toLocaleString("en")} pictures`;
    running.querySelector("i").style.width = `${(100 * done) / total}%`;
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

/** A picture and its map beside it; a box that is drawn on one is on both. */
function drawingBoard(model) {
  const [picture, map] = [element("canvas"), element("canvas")];
  const frames = [picture, map].map((canvas) => element("div", { className: "lrp-poison-frame" }, canvas, element("u", { hidden: true })));
  const area = element("div", { className: "lrp-poison-frames", tabIndex: 0, role: "group" }, ...frames);
  const title = element("span", { className: "lrp-poison-title" });
  const steps = element("span", { className: "lrp-choices" }, button("‹", "The one before", () => step(-1), { ariaLabel: "The picture before" }), button("›", "The next one", () => step(1), { ariaLabel: "The next picture" }));
  const said = element("span", { className: "lrp-quiet", role: "status" });
  const test = button("test this box", "Paste what is in the box on pictures of other classes", tryBox);
  const close = button("close", "Back to the tests", () => model.send({ draw: null }));
  const made = element("div", { className: "lrp-poison-board" }, element("div", { className: "lrp-head" }, title, steps), area, element("div", { className: "lrp-poison-tools" }, test, close, said));
  area.ariaLabel = "Picture: drag a box, or move it with the arrow keys; with shift they change its size, Enter tests it";
  let box = null; // top, left, height, width in pixels of the input
  let from = null; // where a drag began
  let row = null;
  for (const frame of frames) {
    frame.addEventListener("pointerdown", begin);
    frame.addEventListener("pointermove", (event) => from && stretch(from, pixel(event)));
    frame.addEventListener("pointerup", () => (from = null));
    frame.addEventListener("pointercancel", () => (from = null));
  }
  area.addEventListener("keydown", steer);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    model.send({ draw: null });
  });

  const open = () => model.get("sample").row !== undefined;
  const step = (by) => model.send({ draw: by });

  function draw() {
    const appears = made.hidden && open();
    const sample = model.get("sample");
    made.hidden = !open();
    if (sample.row !== row) [box, from, row] = [null, null, sample.row];
    if (!open() || !made.isConnected) return;
    const pixels = array(model.get("picture"), Uint8Array);
    show(picture, sample.size, pixels);
    paint(map, sample.size, array(model.get("relevance"), Int8Array), 127, { ...LOOK, overlay: 0.2 }, pixels, paperOf(made));
    title.textContent = title.title = `${sample.name} · ${(sample.place + 1).toLocaleString("en")} of ${sample.count.toLocaleString("en")}`;
    steps.hidden = sample.count < 2;
    mark();
    if (appears) area.focus({ preventScroll: true });
  }

  function mark() {
    const [height, width] = model.get("sample").input;
    for (const frame of frames) {
      frame.lastChild.hidden = !box;
      if (box) Object.assign(frame.lastChild.style, { top: `${(100 * box[0]) / height}%`, left: `${(100 * box[1]) / width}%`, height: `${(100 * box[2]) / height}%`, width: `${(100 * box[3]) / width}%` });
    }
    test.disabled = !box;
    said.textContent = box ? `${box[2]} × ${box[3]} pixels` : "drag a box around what may be the mark";
  }

  function begin(event) {
    event.currentTarget.setPointerCapture(event.pointerId);
    from = pixel(event);
    stretch(from, from);
  }

  /** The pixel of the input under the mouse: row and column. */
  function pixel({ currentTarget, clientX, clientY }) {
    const { left, top, width, height } = currentTarget.getBoundingClientRect();
    const place = [(clientY - top) / height, (clientX - left) / width];
    return model.get("sample").input.map((length, axis) => Math.min(length - 1, Math.max(0, Math.floor(place[axis] * length))));
  }

  function stretch([y1, x1], [y2, x2]) {
    box = [Math.min(y1, y2), Math.min(x1, x2), Math.abs(y1 - y2) + 1, Math.abs(x1 - x2) + 1];
    mark();
  }

  function steer(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.target !== area || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && box) tryBox();
    else if (event.key in moves) box ? move(moves[event.key], event.shiftKey) : startInMiddle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function startInMiddle() {
    const sides = model.get("sample").input.map((length) => Math.max(1, Math.round(length / 4)));
    box = [...model.get("sample").input.map((length, axis) => Math.floor((length - sides[axis]) / 2)), ...sides];
    mark();
  }

  function move(by, resize) {
    model.get("sample").input.forEach((length, axis) => {
      const pace = by[axis] * Math.max(1, Math.round(length / 64));
      const [start, side] = [box[axis], box[axis + 2]];
      if (resize) box[axis + 2] = Math.min(length - start, Math.max(1, side + pace));
      else box[axis] = Math.min(length - side, Math.max(0, start + pace));
    });
    mark();
  }

  function tryBox() {
    model.send({ box, row });
  }

  return { made, open, draw };
}

export default { render };
