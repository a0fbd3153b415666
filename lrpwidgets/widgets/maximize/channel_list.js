// Layers, an input, and its channels as rows that are buttons: where it is, number, bar, Σ R.

import { paperOf, element, button, number, array, follow } from "../base/common.js";
import { uploads } from "../base/uploads.js";
import { paintRgb, picture } from "./pictures.js";
import { parts, paintRelevance } from "./tiles.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-concepts");
  const layers = element("div", { className: "lrp-layers", role: "group", ariaLabel: "Layers from the output down" });
  const canvas = picture("Input");
  const name = element("span", { className: "lrp-quiet lrp-name" });
  const says = element("b");
  const before = button("‹", "The input before", () => model.send({ item: model.get("state").item - 1 }), { ariaLabel: "The input before" });
  const after = button("›", "The next input", () => model.send({ item: model.get("state").item + 1 }), { ariaLabel: "The next input" });
  const item = element("input", { type: "number", min: 0, step: 1, className: "lrp-count", ariaLabel: "Number of the input", title: "Number of the input" });
  item.addEventListener("change", () => item.value !== "" && model.send({ item: Number(item.value) }));
  const subtitle = element("span", { className: "lrp-quiet" });
  const rows = element("div", { className: "lrp-rows", role: "group", ariaLabel: "Channels, the most relevant first" });
  const map = element("canvas", { role: "img" });
  const where = element("div", { className: "lrp-quiet lrp-located" });
  const input = element("div", { className: "lrp-input" }, element("div", {}, canvas, map), element("div", { className: "lrp-choose" }, before, item, after, name), element("div", { className: "lrp-quiet" }, "said to be ", says), where);
  const bring = model.get("takes_pictures") ? uploads(model, el, () => {}) : { controls: [], close() {} };
  const heading = element("div", { className: "lrp-head" }, element("h2", {}, "Input"), element("span", { className: "lrp-space" }), ...bring.controls);
  const titles = [["sees", "What it saw where it mattered most in the data"], ["where", "Where it is in this input"], ["", ""], ["Σ R", "Relevance, summed over positions"]];
  const columns = element("div", { className: "lrp-columns-head lrp-quiet" }, ...titles.map(([text, title]) => element("span", { title }, text)));
  const channels = element("div", {}, input, element("div", { className: "lrp-head" }, element("h2", {}, "Channels"), subtitle), columns, rows);
  const nothing = element("p", { className: "lrp-quiet" }, "There is no input yet in which channels could be looked for.");
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Layers"), element("span", { className: "lrp-quiet" }, "from the output down")), layers, heading, channels, nothing);
  window.addEventListener("lrp-theme", draw);

  function draw() {
    const state = model.get("state");
    list(state);
    const known = state.layer !== undefined;
    channels.hidden = !known;
    nothing.hidden = state.count !== 0;
    if (!known) return;
    subtitle.textContent = `of ${state.layer}, most relevant for “${state.says}”`;
    paintRgb(canvas, array(model.get("picture"), Uint8Array), model.get("size"));
    canvas.ariaLabel = `Input ${state.item}: ${state.name}`;
    name.textContent = state.name;
    name.title = state.name;
    says.textContent = state.says;
    item.max = state.count - 1;
    if (document.activeElement !== item) item.value = state.item;
    locate(state);
    fillRows(state);
    el.dataset.item = state.item;
    el.dataset.layer = state.layer;
  }

  /** Where in the input that is which is wished for. */
  function locate({ where: what, sum, share, wished }) {
    map.hidden = what === null;
    where.textContent = what === null ? "What is wished for has no place in it." : `${wished === null ? "for" : "where"} ${what}: ${wished === null ? "score" : "Σ R"} ${number(sum)}${share === null ? "" : `, ${number(100 * share)} % of the score`}`;
    if (what === null) return;
    paintRelevance(map, array(model.get("where"), Int8Array), model.get("heatmap"), paperOf(el));
    map.ariaLabel = where.textContent;
  }

  function list({ layer, wished }) {
    const known = model.get("layers");
    if (layers.children.length !== known.length) {
      layers.replaceChildren(
        ...known.map(([each, words]) => {
          const [kind, sizes] = words.split(" · ");
          const made = button("", `Look into ${each}`, () => model.send({ layer: each }));
          made.append(element("span", { className: "lrp-mono" }, each), element("span", { className: "lrp-quiet" }, kind), element("span", { className: "lrp-quiet" }, sizes));
          return made;
        }),
      );
    }
    known.forEach(([each], place) => (layers.children[place].ariaPressed = String(each === (wished ?? layer))));
  }

  function fillRows({ layer, wished, number: chosen }) {
    const [known, bytes, size] = [model.get("rows"), array(model.get("heatmaps"), Int8Array), model.get("heatmap")];
    const most = Math.max(1e-30, ...known.map(([, sum]) => Math.abs(sum)));
    const maps = parts(bytes, known.map(() => size), 1);
    const sizes = model.get("face_sizes");
    const faces = parts(array(model.get("faces"), Uint8Array), sizes, 3);
    const paper = paperOf(el);
    rows.replaceChildren(
      ...known.map(([channel, sum], place) => {
        const [face, map] = [element("canvas"), element("canvas")];
        if (sizes[place]?.[0]) paintRgb(face, faces[place], sizes[place]);
        paintRelevance(map, maps[place], size, paper);
        const bar = element("i", { style: { width: `${(100 * Math.abs(sum)) / most}%` } });
        const made = button("", `What does #${channel} want?`, () => model.send({ channel }), { data: { channel }, ariaPressed: String(layer === wished && channel === chosen), ariaLabel: `channel ${channel}, Σ R ${number(sum)}` });
        made.append(face, map, element("span", {}, element("b", {}, `#${channel}`), element("span", { className: "lrp-bar" }, bar)), element("b", {}, number(sum)));
        return made;
      }),
    );
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    bring.close();
    window.removeEventListener("lrp-theme", draw);
  };
}

export default { render };
