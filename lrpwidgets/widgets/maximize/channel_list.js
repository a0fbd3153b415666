// Layers, an input, and its channels as rows that are buttons: where it is, number, bar, Σ R.

function render({ model, el }) {
  el.classList.add("lrp", "lrp-concepts");
  const layers = element("div", { className: "lrp-layers", role: "group", ariaLabel: "Layers from the output down" });
  const canvas = picture("Input");
  const name = element("span", { className: "lrp-quiet lrp-name" });
  const says = element("b");
  const before = button("‹", "The input before", () => model.send({ item: model.get("state").item - 1 }));
  const after = button("›", "The next input", () => model.send({ item: model.get("state").item + 1 }));
  const item = element("input", { type: "number", min: 0, step: 1, className: "lrp-count", ariaLabel: "Number of the input", title: "Number of the input" });
  item.addEventListener("change", () => item.value !== "" && model.send({ item: Number(item.value) }));
  const subtitle = element("span", { className: "lrp-quiet" });
  const rows = element("div", { className: "lrp-rows", role: "group", ariaLabel: "Channels, the most relevant first" });
  const input = element("div", { className: "lrp-input" }, canvas, element("div", {}, element("div", { className: "lrp-choose" }, before, item, after), name, element("div", { className: "lrp-quiet" }, "said to be ", says)));
  const channels = element("div", {}, element("div", { className: "lrp-head" }, element("h2", {}, "Channels"), subtitle), input, element("div", { className: "lrp-columns-head lrp-quiet" }, element("span", {}, "where"), element("span"), element("span", {}, "Σ R")), rows);
  const nothing = element("p", { className: "lrp-quiet" }, "There are no inputs in which channels could be looked for.");
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Layers"), element("span", { className: "lrp-quiet" }, "from the output down")), layers, channels, nothing);
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
    fillRows(state);
    el.dataset.item = state.item;
    el.dataset.layer = state.layer;
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
    const colours = mapOn("red–blue", paperOf(el));
    const each = size[0] * size[1];
    rows.replaceChildren(
      ...known.map(([channel, sum], place) => {
        const map = element("canvas", { width: size[1], height: size[0] });
        const image = new ImageData(Math.max(1, size[1]), Math.max(1, size[0]));
        for (let i = 0; i < each; i++) colour(image.data, 4 * i, bytes[place * each + i] / 127, colours, paperOf(el));
        map.getContext("2d").putImageData(image, 0, 0);
        map.style.imageRendering = "pixelated";
        const bar = element("i", { style: { width: `${(100 * Math.abs(sum)) / most}%` } });
        const made = button("", `What does #${channel} want?`, () => model.send({ channel }), { data: { channel }, ariaPressed: String(layer === wished && channel === chosen), ariaLabel: `channel ${channel}, Σ R ${number(sum)}` });
        made.append(map, element("span", {}, element("b", {}, `#${channel}`), element("span", { className: "lrp-bar" }, bar)), element("b", {}, number(sum)));
        return made;
      }),
    );
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    window.removeEventListener("lrp-theme", draw);
  };
}

export default { render };
