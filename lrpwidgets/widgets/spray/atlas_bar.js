// The head of the map: what is compared, as a sentence with choices in it.

import { element, follow } from "../base/common.js";

const SIGNS = [["signed", "signed R"], ["absolute", "|R|"], ["positive", "positive R"]];
const METHODS = [["spectral", "k-means"], ["agglomerative", "agglomerative"], ["hdbscan", "HDBSCAN"]];

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-atlas-bar");
  const from = (/** @type {string} */ name, /** @type {string} */ value) => (name === "count" ? Number(value) || null : value);
  const select = (/** @type {string} */ name, /** @type {string} */ label) => {
    const made = element("select", { ariaLabel: label, title: label });
    made.addEventListener("change", () => model.send({ set: name, to: from(name, made.value) }));
    return made;
  };

  const title = element("h2");
  const embedding = select("embedding", "Embedding");
  const colour = select("colour", "Colour of the points");
  const count = element("span");
  const composite = select("composite", "Composite under which the maps are computed");
  const sign = select("sign", "What is compared of the relevance");
  const layer = select("layer", "Where relevance is compared");
  const layerLabel = element("label", {}, "at ", layer);
  const method = select("method", "Clustering");
  const clusters = select("count", "Number of clusters");
  const clustersLabel = element("label", {}, "into ", clusters);
  const moving = element("span", { className: "lrp-moving", hidden: true });
  el.append(
    element("div", { className: "lrp-head" }, title, element("span", { className: "lrp-space" }), moving, embedding, element("label", {}, "colour ", colour)),
    element("div", { className: "lrp-quiet" }, count),
    element(
      "div",
      { className: "lrp-sentence lrp-quiet" },
      element("label", {}, "under ", composite),
      element("label", {}, "by ", sign),
      layerLabel,
      element("label", {}, "cut by ", method),
      clustersLabel,
    ),
  );

  /**
   * @param {HTMLSelectElement} node
   * @param {string[][]} pairs
   * @param {string} value
   */
  function fill(node, pairs, value) {
    const text = JSON.stringify(pairs);
    if (node.dataset.choices !== text) {
      node.replaceChildren(...pairs.map(([key, words]) => element("option", { value: key }, words)));
      node.dataset.choices = text;
    }
    node.value = value;
  }

  function draw() {
    const state = model.get("state");
    if (!state.embeddings) return;
    title.textContent = state.title;
    count.textContent = `${state.samples.toLocaleString("en")} ${state.drawn}s · each point is one explanation, near points look at the same thing`;
    fill(embedding, state.embeddings, state.embedding);
    fill(colour, state.colours.map((/** @type {string} */ name) => [name, name]), state.colour);
    fill(composite, state.composites, state.composite);
    fill(sign, SIGNS, state.sign);
    fill(layer, state.views, state.layer);
    layerLabel.hidden = state.views.length < 3;
    fill(method, METHODS, state.method);
    const most = Math.max(12, state.clusters);
    const numbers = Array.from({ length: most }, (_, i) => [String(i + 1), i ? `${i + 1} clusters` : "1 cluster"]);
    fill(clusters, [["0", `${state.eigengap} (eigengap)`], ...numbers], String(state.count ?? 0));
    clustersLabel.hidden = state.method === "hdbscan";
    moving.hidden = !state.moving;
    moving.textContent = "spectral while it is computed …";
  }

  return follow(model, el, draw);
}

export default { render };
