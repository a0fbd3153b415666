// An input while it is taken away: a slider, and what is left in the order of each method.

import { array, button, element, follow } from "../base/common.js";
import { drawPicture } from "../base/maps.js";

const PACE = 500; // ms a point
/** @type {Record<string, string>} */
const FILLS = { uniform: "uniform noise", zero: "zero", mean: "mean", blur: "blur", cut: "cut out", hide: "hidden" };

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-flips");
  const fills = element("div", { className: "lrp-choices", role: "group", ariaLabel: "What becomes of flipped parts" });
  const become = element("span", { className: "lrp-quiet" });
  const next = button("next", "Flip the next input", () => model.send({ next: true }));
  const told = element("p", { role: "status" });
  const slider = element("input", { type: "range", min: 0, step: 1, ariaLabel: "How much is flipped" });
  const play = button("▶ play", "Flip more and more", () => (timer ? stop() : start()));
  const [left, pictures] = [element("div", { className: "lrp-flips-left" }, told, slider, element("div", { className: "lrp-flips-buttons" }, play, next)), element("div", { className: "lrp-flips-pictures" })];
  let timer = 0;
  el.append(element("div", { className: "lrp-head" }, become, fills), element("div", { className: "lrp-flips-body" }, left, pictures));
  slider.addEventListener("input", () => model.send({ cut: Number(slider.value) }));

  function start() {
    if (model.get("state").cut >= model.get("state").cuts) model.send({ cut: 0 });
    timer = window.setInterval(() => {
      const { cut, cuts } = model.get("state");
      if (cut >= cuts) stop();
      else model.send({ cut: cut + 1 });
    }, PACE);
    play.textContent = "❚❚ pause";
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ play";
  }

  function draw() {
    const { cut, cuts, share, fill, fills: known = [], words = {}, class: name } = model.get("state");
    become.textContent = words.become;
    next.textContent = `next ${words.input}`;
    fills.replaceChildren(...known.map((/** @type {string} */ each) => button(FILLS[each] ?? each, `${words.become} ${FILLS[each] ?? each}`, () => model.send({ fill: each }), { ariaPressed: String(each === fill) })));
    slider.max = String(cuts);
    if (document.activeElement !== slider || timer) slider.value = String(cut);
    told.replaceChildren(element("b", {}, `${Math.round(100 * share)} % flipped`), name ? ` “${name}”` : "");
    const [size, pixels, texts] = [model.get("size"), array(model.get("pictures"), Uint8Array), model.get("texts")];
    pictures.classList.toggle("lrp-flips-texts", texts.length > 0);
    const orders = ["most", "least"].map((order) => element("div", { className: "lrp-flips-order", ariaLabel: `${order} relevant first` }, element("span", { className: "lrp-quiet" }, `${order} relevant first`), ...model.get("parts").flatMap((/** @type {any} */ part, /** @type {number} */ place) => (part.order === order ? [figureOf(part, texts.length ? leftOf(texts[place]) : pictureOf(part, size, pixels, place))] : []))));
    pictures.replaceChildren(...orders);
  }

  const undo = follow(model, el, draw);
  return () => {
    stop();
    undo();
  };
}

/** @param {number} p */
const told = (p) => p.toFixed(2).replace("-", "−").replace("−0.00", "0.00");

/**
 * @param {{ title: string, p: number, mark: number | null }} part
 * @param {HTMLElement} left what is left
 */
function figureOf({ title, p, mark }, left) {
  return element("figure", { data: { mark: mark ?? "none" } }, left, element("figcaption", {}, element("span", {}, title.replaceAll("_", "_\u200b")), element("b", {}, told(p))));
}

/**
 * @param {{ title: string, p: number }} part
 * @param {number[]} size
 * @param {Uint8Array} pixels
 * @param {number} place
 */
function pictureOf({ title, p }, size, pixels, place) {
  const canvas = element("canvas", { role: "img", ariaLabel: `${title}: probability ${told(p)}` });
  const each = size[0] * size[1] * 3;
  drawPicture(canvas, size, pixels.subarray(place * each, (place + 1) * each));
  return canvas;
}

/**
 * A text whose words are struck that are gone.
 *
 * @param {[string, boolean, boolean, boolean, boolean, boolean][]} text
 */
function leftOf(text) {
  const words = text.flatMap(([letters, spaced, , , struck]) => [spaced ? " " : "", struck ? element("s", {}, letters) : letters]);
  return element("p", { className: "lrp-flips-text", dir: "auto" }, ...words);
}

export default { render };
