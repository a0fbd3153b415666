// Thumbnails in one row; beside them what is counted, and which of them to show.

import { element, follow } from "../base/common.js";
import { uploads } from "../base/uploads.js";
import { confusionPanel } from "./input_strip/confusion.js";
import { film } from "./input_strip/film.js";
import { KINDS } from "./input_strip/kinds.js";
import { filterOf } from "./input_strip/filter.js";
import { framingOf } from "./input_strip/framing.js";
import { headOf } from "./input_strip/head.js";
import { hear, hearTraits } from "./input_strip/hearing.js";
import { ALL, nothingKnown, counted, sifted } from "./input_strip/sieve.js";
import { further, walking } from "./input_strip/walking.js";
import { label, problemsPanel, wordsOf } from "./input_strip/words.js";

const BRING_SOME = {
  picture: "There are no pictures yet: drop some here, paste one, or upload it.",
  text: "There are no texts yet: drop some here, paste one, or open a file.",
};
const NONE = "This subject has no inputs to look at.";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-strip");
  const brought = /** @type {import("../base/uploads.js").Brought} */ (el.dataset.brought = model.get("brought"));
  const [known, wish] = [nothingKnown(), { ...ALL }];
  const className = (/** @type {number} */ index) => model.get("classes")[index] ?? `class ${index}`;
  const { now, placeIn, ask, come } = walking(model);
  let [order, waiting] = [new Int32Array(), 0];

  const [broken, filter] = [problemsPanel(known, look), filterOf(sift)];
  const taken = confusionPanel(known, brought, { className, choose: (truth, says) => sift({ ...ALL, truth, says }) });
  const head = headOf(wish, brought, sift, walk, { broken: broken.opener, filter: filter.opener, confusion: taken.opener });
  const row = element("div", { className: "lrp-thumbnails", role: "listbox", ariaLabel: "Inputs", ariaOrientation: "horizontal" });
  const empty = element("p", { className: "lrp-quiet lrp-empty" }, model.get("takes_uploads") ? BRING_SOME[brought] : NONE);
  const bring = model.get("takes_uploads") ? uploads(model, el, () => sift(ALL), brought) : { controls: [], refusals: null, close: () => {} };
  const dress = (/** @type {HTMLElement} */ tile, /** @type {number} */ index) => label(tile, wordsOf(known, index, className));
  const strip = film(row, { kind: KINDS[brought], dress, look, removable: (index) => index >= model.get("samples"), remove: (index) => model.send({ remove: index }), want: (indices) => model.send({ thumbnails: indices }) });
  const reel = element("div", { className: "lrp-reel" }, head.made, row, empty, element("div", { className: "lrp-bring" }, ...bring.controls));
  const framing = framingOf((change) => model.send(change));
  el.append(reel, framing.made, ...(bring.refusals ? [bring.refusals] : []), broken.made, filter.made, taken.made);

  function receive(/** @type {import("./input_strip/hearing.js").Told} */ message, /** @type {DataView<ArrayBuffer>[]} */ buffers) {
    if (message.thumbnails) message.thumbnails.forEach((index, at) => strip.receive(index, buffers[at]));
    else hear(known, message, buffers);
    if (!message.thumbnails) waiting ||= requestAnimationFrame(redraw);
  }

  function draw() {
    hearTraits(known, model);
    strip.forget(known.removed);
    framing.show(model.get("framing"));
    redraw();
    strip.mark(now());
  }

  function redraw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const count = counted(known);
    head.tell(count, className);
    filter.offer(count.truth, wish.truth, className);
    head.made.hidden = row.hidden = !count.all;
    empty.hidden = Boolean(count.all);
    el.dataset.looked = String(count.looked);
    strip.dress();
    redrawRow();
  }

  function sift(/** @type {Partial<import("./input_strip/sieve.js").Wish>} */ changes) {
    Object.assign(wish, changes);
    redrawRow();
    if (changes.show === "wrong" && order.length && placeIn(order) < 0) look(order[0]); // who asks for them wants to see one
    strip.reveal();
  }

  function redrawRow() {
    order = sifted(known, wish, className);
    head.suit(order.length);
    filter.show(wish);
    strip.show(order);
    enable();
  }

  function look(/** @type {number} */ index) {
    ask(index);
    strip.mark(index);
    enable();
  }

  function walk(/** @type {number} */ by) {
    const to = further(placeIn(order), by, order.length);
    if (to !== null) look(order[to]);
  }

  function enable() {
    head.enable(placeIn(order), order.length);
  }

  model.on("msg:custom", receive);
  model.on("change:chosen", come);
  const stop = follow(model, el, draw);
  model.send({ everything: true });
  return () => {
    stop();
    cancelAnimationFrame(waiting);
    model.off("msg:custom", receive);
    model.off("change:chosen", come);
    strip.close();
    bring.close();
  };
}

export default { render };
