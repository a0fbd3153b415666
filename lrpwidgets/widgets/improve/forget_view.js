// What the model is to forget: pictures with it, and what the poison tests said.

import { array, button, element, follow, halves, paperOf } from "../base/common.js";
import { drawPicture, LOOK, paint } from "../base/maps.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-forget");
  const note = element("span", { className: "lrp-quiet" });
  const [first, strip] = [element("div", { className: "lrp-forget-first" }), element("div", { className: "lrp-forget-strip" })];
  const said = element("div", { className: "lrp-forget-said", role: "status" });
  const others = element("select", { ariaLabel: "What was tested", title: "Have the model forget another cluster" });
  others.addEventListener("change", () => model.send({ concept: Number(others.value) }));
  const spray = button("look in SpRAy", "Open the room with the clusters; a box can be drawn there, too", () => model.send({ spray: true }), { className: "lrp-link" });
  const go = button("look again", "Put clusters to the poison tests once more", () => model.send({ go: true }));
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "What to forget"), note, element("span", { className: "lrp-space" }), spray), first, strip, said, go, others);

  function draw() {
    const state = model.get("state");
    const known = Boolean(state.name);
    note.textContent = known ? `class “${state.class}”` : "";
    first.hidden = strip.hidden = !known;
    if (known) drawPictures(state);
    said.replaceChildren(...(known ? verdictOf(state) : [element("p", {}, wordsOf(state))]));
    const tested = /** @type {[string, boolean][]} */ (model.get("tested"));
    go.hidden = known || Boolean(state.searching) || !state.stopped;
    const now = tested.findIndex(([, is]) => is);
    others.hidden = tested.length < (known ? 2 : 1) || Boolean(state.searching);
    others.replaceChildren(...(now < 0 ? [element("option", { value: "", disabled: true }, "choose a cluster")] : []), ...tested.map(([text], place) => element("option", { value: place }, text)));
    others.value = now < 0 ? "" : String(now);
  }

  function drawPictures(/** @type {any} */ state) {
    const [size, mapSize] = [model.get("size"), model.get("map_size")];
    const words = element("div", { className: "lrp-forget-words" }, element("b", {}, state.name), element("span", { className: "lrp-quiet" }, `${state.with.toLocaleString("en")} with it, ${state.without.toLocaleString("en")} without`));
    if (!size[0]) {
      first.replaceChildren(words);
      strip.replaceChildren();
      return;
    }
    const [pixels, maps, paper] = [array(model.get("pictures"), Uint8Array), halves(model.get("maps")), paperOf(el)];
    const [bytes, values] = [3 * size[0] * size[1], mapSize[0] * mapSize[1]];
    const picture = (/** @type {number} */ place, /** @type {string} */ title) => {
      const canvas = element("canvas", { title, role: "img", ariaLabel: title });
      drawPicture(canvas, size, pixels.subarray(place * bytes, (place + 1) * bytes));
      return canvas;
    };
    const map = (/** @type {number} */ place, /** @type {string} */ title) => {
      const canvas = element("canvas", { title, role: "img", ariaLabel: title });
      requestAnimationFrame(() => paint(canvas, mapSize, maps.subarray(place * values, (place + 1) * values), 1, LOOK, null, paper));
      return canvas;
    };
    first.replaceChildren(picture(0, "What these pictures have beyond others of the class, on average"), map(0, "Mean heatmap"), words);
    const count = Math.floor(pixels.length / bytes) - 1;
    strip.replaceChildren(...Array.from({ length: count }, (_, place) => element("div", {}, picture(place + 1, "A picture with it"), map(place + 1, `Why “${state.class}”?`))));
  }

  return follow(model, el, draw);
}

/** @param {any} state */
function wordsOf({ searching, stopped, tested }) {
  if (searching) return "Clusters of the data set are put to the poison tests, until one is convicted.";
  if (stopped) return `The search was ended after ${tested} cluster${tested === 1 ? "" : "s"}, none of which is convicted.`;
  if (!tested) return "It is not known yet what to forget.";
  return `${tested} cluster${tested > 1 ? "s were" : " was"} tested, the most separable ones, and none is convicted: nothing has to be forgotten. Choose one to mend it all the same, or draw a box in SpRAy.`;
}

/**
 * @param {any} state
 * @returns {HTMLElement[]}
 */
function verdictOf({ told, conclusion, convicted }) {
  if (!told.length) return [element("p", {}, "Not put to the poison tests.")];
  const [taken, figures, turned] = told;
  return [element("p", {}, `${taken} `, element("b", {}, figures), ` ${turned}`), element("p", {}, convicted ? element("b", {}, "A Clever Hans.") : conclusion)];
}

export default { render };
