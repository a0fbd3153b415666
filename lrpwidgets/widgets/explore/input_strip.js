// Thumbnails in one row; beside them what is counted, and which of them to show.

import { element, button, array, follow } from "../base/common.js";
import { uploads } from "../base/uploads.js";
import { MOST_CLASSES, confusion } from "./confusion.js";
import { film } from "./film.js";
import { ALL, SHOWN, ORDERS, nothingKnown, enlarge, learn, learnNames, counted, sifted } from "./sieve.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-strip");
  const known = nothingKnown();
  const className = (index) => model.get("classes")[index] ?? `class ${index}`;
  const wish = { ...ALL };
  const sent = []; // inputs that were asked for and of which the kernel has not heard yet
  let waiting = 0;

  const total = element("b");
  const wrong = element("button", { type: "button", className: "lrp-link", data: { shortcut: "w" }, title: "Only wrong predictions, or all again" });
  const says = select("Class that the network says", (value) => sift({ says: value === "" ? null : Number(value) }));
  const show = select("Which inputs to show", (value) => sift({ show: value }));
  const next = button("›", "Next input", () => walk(1), { ariaLabel: "Next input", data: { shortcut: "j" } });
  const previous = button("‹", "Previous input", () => walk(-1), { ariaLabel: "Previous input", data: { shortcut: "k" } });
  const note = element("span", { className: "lrp-quiet" });
  const problems = element("ul", { className: "lrp-problems" });
  const [broken, brokenPanel] = panel("", "Inputs that cannot be read, and why", problems);
  const reset = element("button", { type: "button", className: "lrp-link", title: "Show all inputs in their order" }, "show all");

  const text = element("input", { type: "search", placeholder: "name or class", ariaLabel: "Search names and classes" });
  const truth = select("True class", (value) => sift({ truth: value === "" ? null : Number(value) }));
  const sort = select("Order of the inputs", (value) => sift({ sort: value }));
  const [low, high] = ["Lowest", "Highest"].map((which) => element("input", { type: "range", min: 0, max: 100, step: 1, ariaLabel: `${which} confidence in percent` }));
  const range = element("output");
  const [filter, filterPanel] = panel(
    "filter",
    "More ways to filter and to order",
    line("search", text),
    line("true class", truth),
    line("confidence", element("span", {}, low, high), range),
    line("order by", sort),
  );
  const matrixOf = element("div");
  const labelled = element("p", { className: "lrp-quiet" });
  const [confusionButton, confusionPanel] = panel("confusion", "What is taken for what", labelled, matrixOf);
  const head = element(
    "div",
    { className: "lrp-count" },
    element("div", {}, total, " ", wrong),
    element("div", {}, element("label", {}, "says ", says), confusionButton),
    element("div", {}, element("label", {}, "show ", show), filter, previous, next),
    element("div", { className: "lrp-notes" }, note, broken, reset),
  );
  const row = element("div", { className: "lrp-thumbnails", role: "listbox", ariaLabel: "Inputs", ariaOrientation: "horizontal" });
  const empty = element("p", { className: "lrp-quiet lrp-empty" });
  const bring = model.get("takes_pictures") ? uploads(model, el, () => sift(ALL)) : { controls: [], close() {} };
  const strip = film(row, { dress, look, want: (indices) => model.send({ thumbnails: indices }) });
  el.append(
    element("div", { className: "lrp-reel" }, head, row, empty, element("div", { className: "lrp-bring" }, ...bring.controls)),
    brokenPanel,
    filterPanel,
    confusionPanel,
  );

  options(show, Object.keys(SHOWN).map((name) => [name, name]));
  options(sort, Object.keys(ORDERS).map((name) => [name, name]));
  wrong.addEventListener("click", () => sift({ show: wish.show === "wrong" ? "all" : "wrong" }));
  reset.addEventListener("click", () => sift(ALL));
  text.addEventListener("input", () => sift({ text: text.value }));
  low.addEventListener("input", () => sift({ low: low.value / 100, high: Math.max(low.value, high.value) / 100 }));
  high.addEventListener("input", () => sift({ high: high.value / 100, low: Math.min(low.value, high.value) / 100 }));
  confusionPanel.addEventListener("beforetoggle", ({ newState }) => newState === "open" && drawConfusion());
  brokenPanel.addEventListener("beforetoggle", ({ newState }) => newState === "open" && drawProblems());
  model.on("msg:custom", receive);
  model.on("change:chosen", heardOf);

  // -- what the kernel says ------------------------------------------------------------------------------------------

  function receive(message, buffers) {
    if (message.thumbnails) message.thumbnails.forEach((index, at) => strip.receive(index, buffers[at]));
    else if ("names" in message) learnNames(known, message.names, JSON.parse(new TextDecoder().decode(buffers[0])));
    else learn(known, buffers.map((buffer, at) => array(buffer, at < 3 ? Int32Array : Float32Array)), message.problems);
    if (!message.thumbnails) waiting ||= requestAnimationFrame(redraw);
  }

  function draw() {
    enlarge(known, model.get("total"));
    redraw();
    strip.mark(now());
  }

  function redraw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const count = counted(known);
    const all = known.says.length;
    total.textContent = `${all.toLocaleString("en")} ${all === 1 ? "picture" : "pictures"}`;
    wrong.hidden = !count.labelled;
    wrong.textContent = `${count.wrong.toLocaleString("en")} wrong`;
    broken.textContent = `${count.unreadable.toLocaleString("en")} unreadable ▾`;
    broken.hidden = !count.unreadable;
    confusionButton.hidden = !count.labelled;
    classOptions(says, count.says, wish.says);
    classOptions(truth, count.truth, wish.truth);
    drawEmpty(all);
    el.dataset.looked = count.looked;
    note.dataset.looked = count.looked < all ? `looked at ${count.looked.toLocaleString("en")} of ${all.toLocaleString("en")}` : "";
    strip.dress();
    redrawRow();
  }

  function drawEmpty(all) {
    head.hidden = row.hidden = !all;
    empty.hidden = Boolean(all);
    empty.textContent = model.get("takes_pictures") ? "There are no pictures yet: drop some here, paste one, or upload it." : "This subject has no inputs to look at.";
  }

  function dress(tile, index) {
    const [label, problem, name] = [known.says[index], known.problems.get(index), known.names[index] ?? ""];
    const [said, truth] = [label >= 0 ? className(label) : "", known.truth[index]];
    const percent = `${Math.round(100 * known.confidence[index])} %`;
    const inTruth = truth >= 0 ? `, in truth ${className(truth)}` : "";
    tile.lastChild.textContent = problem ? "unreadable" : said || " ";
    tile.title = problem ? `${name}: ${problem}` : said ? `${name}: the network says ${said} (${percent})${inTruth}` : `${name}: not looked at yet`;
    tile.classList.toggle("lrp-wrong", Boolean(problem) || SHOWN.wrong(known, index));
  }

  // -- which of them -------------------------------------------------------------------------------------------------

  let order = new Int32Array();

  function sift(changes) {
    Object.assign(wish, changes);
    redrawRow();
    strip.reveal();
  }

  function redrawRow() {
    order = sifted(known, wish, className);
    const changed = Object.keys(ALL).filter((key) => wish[key] !== ALL[key]);
    show.value = wish.show;
    says.value = wish.says ?? "";
    truth.value = wish.truth ?? "";
    sort.value = wish.sort;
    if (text.value !== wish.text) text.value = wish.text;
    [low.value, high.value] = [Math.round(100 * wish.low), Math.round(100 * wish.high)];
    range.textContent = `${low.value} to ${high.value} %`;
    wrong.ariaPressed = wish.show === "wrong";
    filter.ariaPressed = changed.some((key) => key !== "show" && key !== "says");
    reset.hidden = !changed.length;
    const shown = changed.some((key) => key !== "sort") ? `${order.length.toLocaleString("en")} shown` : "";
    note.textContent = [shown, note.dataset.looked].filter(Boolean).join(" · ");
    note.hidden = !note.textContent;
    strip.show(order);
    enable();
  }

  // -- which one -----------------------------------------------------------------------------------------------------

  const now = () => sent.at(-1) ?? model.get("chosen");

  /** The kernel has come to an input that was asked for, or to another: then what was asked for is past. */
  function heardOf() {
    const at = sent.indexOf(model.get("chosen"));
    sent.splice(0, at < 0 ? Infinity : at + 1);
  }

  function look(index) {
    if (index !== now()) sent.push(index); // outlined at once; the kernel follows
    model.send({ item: index });
    strip.mark(index);
    enable();
  }

  function walk(by) {
    const place = order.indexOf(now());
    const to = place < 0 ? (by > 0 ? 0 : order.length - 1) : place + by;
    if (to >= 0 && to < order.length) look(order[to]);
  }

  function enable() {
    const place = order.indexOf(now());
    previous.disabled = !order.length || place === 0;
    next.disabled = !order.length || place === order.length - 1;
  }

  // -- panels --------------------------------------------------------------------------------------------------------

  function drawConfusion() {
    const { labelled: count } = counted(known);
    labelled.textContent = `${count.toLocaleString("en")} labelled ${count === 1 ? "picture" : "pictures"} looked at; click to see those`;
    matrixOf.replaceChildren(
      confusion(known, className, (truth, says) => {
        sift({ ...ALL, truth, says });
        confusionPanel.hidePopover();
      }),
    );
  }

  function drawProblems() {
    const items = [...known.problems].slice(0, 50).map(([index, why]) => {
      const made = element("button", { type: "button", className: "lrp-link" }, known.names[index] ?? `input ${index}`);
      made.addEventListener("click", () => look(index));
      return element("li", {}, made, ` ${why}`);
    });
    const more = known.problems.size - items.length;
    if (more > 0) items.push(element("li", { className: "lrp-quiet" }, `and ${more.toLocaleString("en")} more`));
    problems.replaceChildren(...items);
  }

  // -- small parts ---------------------------------------------------------------------------------------------------

  function select(label, choose) {
    const made = element("select", { ariaLabel: label });
    made.addEventListener("change", () => choose(made.value));
    return made;
  }

  function options(node, pairs) {
    node.replaceChildren(...pairs.map(([value, label]) => element("option", { value }, label)));
  }

  /** The classes that occur, by name; only made anew when there are others: a list that is open would close. */
  function classOptions(node, occurring, chosen) {
    const indices = [...new Set(chosen === null ? occurring : [...occurring, chosen])].sort((a, b) => a - b);
    if (node.dataset.classes === String(indices)) return;
    node.dataset.classes = String(indices);
    const named = indices.map((index) => [index, className(index)]);
    if (indices.length > MOST_CLASSES) named.sort((a, b) => a[1].localeCompare(b[1]));
    options(node, [["", "any"], ...named]);
  }

  const stop = follow(model, el, draw);
  model.send({ everything: true });
  return () => {
    stop();
    cancelAnimationFrame(waiting);
    model.off("msg:custom", receive);
    model.off("change:chosen", heardOf);
    strip.close();
    bring.close();
  };
}

/** A line of a panel: what it is, then the controls. */
function line(label, ...controls) {
  return element("div", { className: "lrp-line" }, element("span", { className: "lrp-quiet" }, label), ...controls);
}

/** A button and the panel that it opens under itself. */
function panel(label, title, ...children) {
  const made = element("div", { className: "lrp-panel", popover: "auto", ariaLabel: title, role: "dialog" }, ...children);
  const opener = element("button", { type: "button", title, popoverTargetElement: made }, label && `${label} ▾`);
  made.addEventListener("beforetoggle", () => {
    const { left, bottom } = opener.getBoundingClientRect();
    Object.assign(made.style, { left: `${left}px`, top: `${bottom + 4}px` });
  });
  return [opener, made];
}

export default { render };
