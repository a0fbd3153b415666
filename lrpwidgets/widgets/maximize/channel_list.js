// Layers, an input, and its channels as rows that are buttons: where it is, number, bar, Σ R.

import { paperOf, element, array, follow } from "../base/common.js";
import { uploads } from "../base/uploads.js";
import { inputOf } from "./channel_list/input.js";
import { layersOf } from "./channel_list/layers.js";
import { columns, row } from "./channel_list/rows.js";
import { parts } from "./tiles.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-concepts");
  const layers = layersOf((layer) => model.send({ layer }));
  const input = inputOf(
    (step) => model.send({ item: model.get("state").item + step }),
    (item) => model.send({ item }),
  );
  const bring = model.get("takes_pictures") ? uploads(model, el, () => {}) : { controls: [], refusals: null, close() {} };
  const heading = element("div", { className: "lrp-head" }, element("h2", {}, "Input"), element("span", { className: "lrp-space" }), ...bring.controls);
  const subtitle = element("span", { className: "lrp-quiet" });
  const rows = element("div", { className: "lrp-rows", role: "group", ariaLabel: "Channels, the most relevant first" });
  const channels = element("div", {}, input.made, element("div", { className: "lrp-head" }, element("h2", {}, "Channels"), subtitle), columns(), rows);
  const nothing = element("p", { className: "lrp-quiet" }, "There is no input yet in which channels could be looked for.");
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Layers"), element("span", { className: "lrp-quiet" }, "from the output down")), layers.made, heading, ...(bring.refusals ? [bring.refusals] : []), channels, nothing);

  function draw() {
    const state = model.get("state");
    layers.show(model.get("layers"), state.wished ?? state.layer);
    const known = state.layer !== undefined;
    channels.hidden = !known;
    nothing.hidden = state.count !== 0;
    if (!known) return;
    subtitle.textContent = `of ${state.layer}, most relevant for “${state.says}”`;
    input.show(state, array(model.get("picture"), Uint8Array), model.get("size"));
    input.locate(state, array(model.get("where"), Int8Array), model.get("heatmap"), paperOf(el));
    fillRows(state);
    Object.assign(el.dataset, { item: state.item, layer: state.layer });
  }

  /** @param {{ layer: string, wished: string | null, number: number }} state */
  function fillRows({ layer, wished, number: chosen }) {
    const [known, size] = [/** @type {[number, number][]} */ (model.get("rows")), model.get("heatmap")];
    const maps = parts(array(model.get("heatmaps"), Int8Array), known.map(() => size), 1);
    const sizes = model.get("face_sizes");
    const faces = parts(array(model.get("faces"), Uint8Array), sizes, 3);
    const most = Math.max(1e-30, ...known.map(([, sum]) => Math.abs(sum)));
    const paper = paperOf(el);
    const made = known.map(([channel, sum], place) =>
      row({ channel, sum, most, face: faces[place], faceSize: sizes[place], map: maps[place], size }, layer === wished && channel === chosen, paper, () => model.send({ channel })),
    );
    rows.replaceChildren(...made);
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    bring.close();
  };
}

export default { render };
