// Two rows of real inputs, each a button: where the channel mattered, where it fired; and the classes that it speaks for.

import { paperOf, element, button, number, array, follow } from "../base/common.js";
import { heading, rank, same, tile } from "./sample_view/ranks.js";
import { progress } from "./sample_view/told.js";
import { parts, paintRelevance } from "./tiles.js";

/**
 * @typedef {import("./sample_view/ranks.js").Sample} Sample
 *
 * @typedef {object} Told what the kernel says
 * @property {import("./sample_view/told.js").Pass} [pass]
 * @property {string} problem
 * @property {boolean} none whether there are no real inputs
 * @property {boolean} class whether what is looked at is a class, not a channel
 * @property {string} what
 * @property {string} [layer]
 * @property {number | null} item that is looked at
 * @property {number} largest relevance of a pixel
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-samples");
  const state = element("p", { className: "lrp-quiet", role: "status" });
  const go = button("", "Let the pass over the data wait, or go on", () => model.send({ collect: !model.get("state").pass.going }));
  const ranks = [rank("Where it mattered"), rank("Where it fired")];
  const scale = element("div", { className: "lrp-samples-scale lrp-quiet" });
  const shares = element("div", { className: "lrp-shares" });
  const classes = element("section", {}, heading("For which classes", element("span", { className: "lrp-quiet" }, "its relevance, by the class that was said")), shares);
  const pass = element("div", { className: "lrp-samples-pass" }, state, go);
  el.append(pass, ...ranks.map((each) => each.section), scale, classes);

  function draw() {
    const told = model.get("state");
    tell(told);
    const known = told.layer !== undefined;
    for (const each of [...ranks.map((one) => one.section), scale, classes]) each.hidden = !known;
    if (!known) return;
    const [mattered, fired] = model.get("rows");
    ranks[0].said.textContent = told.class ? "real inputs that have the highest scores" : "RelMax: relevance for the class that was said";
    const idle = fired.filter((/** @type {Sample} */ sample) => sample[4] <= 0).length;
    ranks[1].said.textContent = idle ? `ActMax: ${idle} of ${fired.length} did not matter at all` : "ActMax: highest activation";
    ranks[1].section.hidden = told.class && same(mattered, fired);
    fillRows(told, [mattered, fired]);
    legend(told);
    list(told);
    Object.assign(el.dataset, { layer: told.layer, what: told.what });
  }

  function tell(/** @type {Told} */ told) {
    const words = progress(told);
    pass.hidden = !(told.pass || told.problem || told.none);
    go.hidden = !told.pass;
    go.textContent = told.pass?.going ? "wait" : "go";
    if (!pass.hidden) state.textContent = words;
    el.dataset.pass = told.pass ? String(told.pass.done) : "ended";
  }

  /**
   * @param {Told} told
   * @param {Sample[][]} ranked
   */
  function fillRows(told, ranked) {
    const [sizes, mapSizes] = [model.get("sizes"), model.get("heatmap_sizes")];
    const pictures = parts(array(model.get("pixels"), Uint8Array), sizes, 3);
    const maps = parts(array(model.get("heatmaps"), Int8Array), mapSizes, 1);
    const paper = paperOf(el);
    let at = 0;
    ranked.forEach((samples, which) => {
      const made = samples.map((sample) => {
        const shown = { pixels: pictures[at], size: sizes[at], map: maps[at], mapSize: mapSizes[at++] };
        const one = tile(sample, which === 1, told.class, shown, paper, () => model.send({ item: sample[0] }));
        one.ariaPressed = String(sample[0] === told.item);
        return one;
      });
      ranks[which].row.replaceChildren(...(made.length ? made : [element("p", { className: "lrp-quiet" }, which ? "It never fires in the data." : "It never matters in the data.")]));
    });
  }

  function legend(/** @type {Told} */ told) {
    const canvas = element("canvas");
    paintRelevance(canvas, Int8Array.from({ length: 64 }, (_, i) => 4 * i - 126), [1, 64], paperOf(el));
    scale.replaceChildren(`−${number(told.largest)}`, canvas, `+${number(told.largest)} per pixel, through ${told.class ? `“${told.what}”` : told.what} only`);
  }

  function list(/** @type {Told} */ told) {
    const known = model.get("shares");
    classes.hidden = !known.length || told.class;
    const most = known[0]?.[1] || 1;
    shares.replaceChildren(
      ...known.flatMap((/** @type {[string, number, number]} */ [name, share, inputs]) => [
        element("span", { title: name }, name),
        element("span", { className: "lrp-bar" }, element("i", { style: { width: `${(100 * share) / most}%` } })),
        element("b", {}, `${number(100 * share)} %`),
        element("span", { className: "lrp-quiet" }, `${inputs.toLocaleString("en")} input${inputs === 1 ? "" : "s"}`),
      ]),
    );
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
  };
}

export default { render };
