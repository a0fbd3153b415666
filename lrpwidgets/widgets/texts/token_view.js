// The text, whose words have the colours of their relevance, and below it those that are pinned.

import { array, element, follow, paperOf, receiveFile } from "../base/common.js";
import { closeMenus } from "../base/controls.js";
import { lookAround } from "../base/top_bar/address.js";
import { painter } from "../base/shades.js";
import { point, pointed } from "./pointing.js";
import { cellsOf, heldBySinks, limitsOf } from "./token_view/cells.js";
import { editingOf } from "./token_view/editing.js";
import { handOf } from "./token_view/hand.js";
import { legendOf } from "./token_view/legend.js";
import { lookingOf } from "./token_view/look.js";
import { pinsOf, tellPin } from "./token_view/pins.js";
import { pointedAt, saidOf } from "./token_view/readout.js";
import { sentenceOf } from "./token_view/sentence.js";
import { toolsOf } from "./token_view/tools.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-tokens");
  const looking = lookingOf(model, el, draw);
  let [values, paper, laid] = [new Float32Array(), "", /** @type {import("./token_view/cells.js").Layout | null} */ (null)];
  const say = (/** @type {object} */ message) => model.send(message);
  const sentence = sentenceOf("button");
  const hand = handOf(sentence, { point: read, strike });
  const legend = legendOf((sinks) => looking.take({ sinks }));
  const editing = editingOf((text) => say({ typed: text }));
  const said = element("p", { className: "lrp-text-said", role: "status" });
  const readout = element("span", { className: "lrp-quiet lrp-told", ariaLive: "off" });
  const pinned = element("div", { className: "lrp-pin-texts" });
  const pins = pinsOf(pinned, say);
  const tools = toolsOf(editing.controls, said, model.get("presets"), { say, take: (level) => looking.take({ level }), save: (kind) => say({ save: kind, look: { ...lookAround(el), ...looking.look() } }) });
  el.append(tools.made, editing.field, element("div", { className: "lrp-texts" }, sentence.made, pinned), element("div", { className: "lrp-text-foot" }, legend.made, readout));

  /**
   * @param {number | null} at
   * @param {number | null} token
   */
  function read(at, token) {
    const item = at === null ? null : sentence.items()[at];
    const places = item && looking.look().level === "token" && token !== null ? item.places.slice(token, token + 1) : (item?.places ?? []);
    readout.textContent = item ? pointedAt(item, places, values, model.get("words"), model.get("caption").score) : "";
    point(el, item && item.word >= 0 ? item.word : null);
  }

  /** @param {number} at */
  function strike(at) {
    const { word, sentence: held } = sentence.items()[at];
    if (word < 0) return; // the tokenizer adds it again
    const whole = sentence.items().filter((item) => item.sentence === held);
    say({ strike: looking.look().level === "sentence" ? whole.map((item) => item.word) : [word] });
  }

  function receive() {
    const layout = model.get("words");
    el.hidden = !layout.items;
    if (el.hidden) return;
    values = array(model.get("relevance"), Float32Array);
    if (layout !== laid) sentence.lay(layout);
    laid = layout;
    pins.receive(model.get("pinned"), model.get("pin_maps"), model.get("pin_words"), layout);
    editing.show(model.get("text"), model.get("typed"));
    hand.refresh();
    draw();
  }

  /** Colour all texts; those of one composite have one scale. */
  function draw() {
    if (!laid || el.hidden) return;
    const brush = painter(el);
    const { level, sinks } = looking.look();
    paper = String(brush.paper);
    const shown = [{ sentence, values }, ...pins.all()].map((each) => ({ ...each, cells: each.values.length ? cellsOf(each.sentence.items(), each.values, level, sinks) : [] }));
    const limits = limitsOf(shown.map(({ cells }) => cells), model.get("composites"));
    shown.forEach(({ sentence: text, cells }, at) => cells.length && text.paint(cells, level, limits[at], brush));
    pins.all().forEach((pin, at) => tellPin(pin, limits[at + 1] === limits[0] ? null : limits[at + 1]));
    legend.tell(level, limits[0], rangeOf(limits), brush.paper);
    legend.tellSinks(sinks, heldBySinks(sentence.items(), values), model.get("reached"), laid.attended);
    said.replaceChildren(...saidOf(model.get("caption"), sentence.items()));
    tools.show(level);
  }

  const close = (/** @type {Event} */ { target }) => closeMenus(el, target);
  const observer = new ResizeObserver(() => String(paperOf(el)) !== paper && draw()); // only on the page is there a theme
  const leave = pointed(el, sentence.touch);
  observer.observe(el);
  model.on("msg:custom", receiveFile);
  document.addEventListener("pointerdown", close);
  const stop = follow(model, el, receive, draw);
  return () => {
    stop();
    leave();
    editing.close();
    observer.disconnect();
    looking.stop();
    model.off("msg:custom", receiveFile);
    document.removeEventListener("pointerdown", close);
  };
}

/** @param {number[]} limits */
function rangeOf(limits) {
  if (limits.length < 2) return "";
  return limits.every((limit) => limit === limits[0]) ? "; one scale for all" : "; other composites have their own";
}

export default { render };
