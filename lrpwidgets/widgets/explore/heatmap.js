// The input, its relevance, and the maps that are pinned beside it.

import { colour, mapOn, paperOf, element, button, download, number, array, follow } from "../base/common.js";
import { group, slider, choice, menu } from "../base/controls.js";
import {
  CHOICES,
  MOST_ZOOM,
  lookOf,
  paint,
  show,
  limitOf,
  strongOf,
  strongest,
  correlation,
  regionOf,
  outline,
  area,
  dots,
  stamp,
  box,
} from "../base/maps.js";
import { figureOf, rasterized, asBlob } from "./figures.js";
import { paneOf, mark, see, handOf } from "./panes.js";

const TOOLS = {
  move: ["move", "Drag moves the picture, the wheel zooms"],
  box: ["box", "Drag selects a region"],
  brush: ["brush", "Brush over pixels to select them"],
  grey: ["paint grey", "Paint the input grey: what does the network say then?"],
  blur: ["paint blur", "Paint the input blurred: what does the network say then?"],
};
const GAP = 18; // pixels between panes, as in the style
const NARROWEST = 165;

function render({ model, el }) {
  el.classList.add("lrp", "lrp-heatmap");
  let look = lookOf(model.get("look"));
  let [picture, size] = [new Uint8Array(), [0, 0]];
  let [tool, radius] = ["move", 10];
  let [region, inverted, anchor] = [null, false, null];
  let [strokes, current, waiting] = [[], null, false];
  let [expected, under, overlaid] = [model.get("received"), null, 0.5];
  let paper = null; // the colour of nothing, as it was drawn last
  const differences = []; // by pin: whether it shows the live map less its own
  const view = { size: () => size, zoom: () => look.zoom, zoomTo, moveTo, read, over, pen };
  const hand = handOf(view);
  const [input, live] = [paneOf("input", hand), paneOf("live", hand)];
  const panes = [input, live];

  const gain = slider("gain", "Brightens faint relevance", [0, 2], (value) => setLook({ gain: 10 ** value }));
  const overlay = slider("overlay", "Lets the input shine through", [0, 1], (value) => setLook({ overlay: value }));
  const brushes = slider("radius", "Radius of the brush, in pixels of the input", [0.5, 40], (value) => (radius = value), "radius");
  const choose = (name, words, text) => choice(words, CHOICES[name], (value) => setLook({ [name]: value }), text);
  const selects = {
    map: choose("map", "colours"),
    scale: choose("scale", "scale"),
    clip: choose("clip", "scale ends at", (value) => (value === 100 ? "the largest" : `${value} %`)),
    sign: choose("sign", "sign", (value) => (value === "both" ? "both" : `${value} only`)),
    contour: choose("contour", "contour", (value) => (value ? `top ${value} %` : "off")),
    strongest: choose("strongest", "dots", (value) => (value ? `top ${value}` : "off")),
  };
  const tools = Object.entries(TOOLS).map(([name, [words, title]]) => button(words, title, () => take(name), { data: { tool: name } }));
  const paintTools = group(
    button("undo stroke", "Take the last stroke away", () => repaint(strokes.slice(0, -1))),
    button("clear paint", "Back to the original input", () => repaint([])),
  );
  const regionTools = group(
    button("invert", "Select the rest instead", () => setRegion(region, !inverted)),
    button("clear", "Select nothing", () => setRegion(null, false)),
  );
  const more = element(
    "div",
    { className: "lrp-tools lrp-more", hidden: true },
    element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the pointer does" }, ...tools),
    brushes.label,
    regionTools,
    paintTools,
    ...Object.values(selects).map(({ label }) => label),
  );
  const toggle = button("tools ▾", "Scale, colours, contours, regions, painting", () => open(more.hidden), { ariaExpanded: "false" });
  const container = element("div", { className: "lrp-panes" }, input.figure, live.figure);
  const [low, high] = ["lrp-number", "lrp-number"].map((className) => element("span", { className }));
  const ramp = element("span", { className: "lrp-ramp", role: "img" });
  const unit = element("span", { className: "lrp-quiet lrp-unit" });
  const rescale = button("", "One scale for all maps, or one for each", () => setLook({ scale: look.scale === "own" ? "shared" : "own" }), { className: "lrp-link" });
  const readout = element("span", { className: "lrp-readout", ariaLive: "off" });
  const about = element("div", { className: "lrp-region", role: "status", hidden: true });

  el.append(
    element(
      "div",
      { className: "lrp-tools" },
      button("gain", "Gain back to 1", () => setLook({ gain: 1 }), { className: "lrp-plain", data: { shortcut: "g" } }),
      gain.label,
      button("overlay", "Overlay the input, on or off", toggleOverlay, { className: "lrp-plain", data: { shortcut: "o" } }),
      overlay.label,
      element("span", { className: "lrp-space" }),
      element(
        "span",
        { className: "lrp-choices" },
        button("−", "Zoom out", () => zoomTo(look.zoom[0] / 1.5), { ariaLabel: "Zoom out" }),
        button("+", "Zoom in", () => zoomTo(look.zoom[0] * 1.5), { ariaLabel: "Zoom in" }),
        button("fit", "Show the whole picture", () => zoomTo(1), { ariaLabel: "Show the whole picture" }),
      ),
      element(
        "span",
        { className: "lrp-choices" },
        button("pin", "Pin the live map: it stays beside the next one", () => say({ pin: {} }), { data: { shortcut: "p" } }),
        menu("▾", "Pin another map beside this one", [
          ["this map, and keep its picture", () => say({ pin: { kept: true } })],
          ["the second best class", () => say({ pin: { second: true } })],
          ...model.get("presets").map((name) => [name, () => say({ pin: { composite: name } })]),
        ], "Pin another map"),
      ),
      menu("save ▾", "Save what is shown", [
        ["picture (PNG)", () => save("png")],
        ["figure (SVG)", () => save("svg")],
        ["numbers (NPZ)", () => say({ save: "npz", look })],
        ["report (HTML)", () => say({ save: "html", look })],
      ]),
      button("next colours", "Next colour map", nextMap, { hidden: true, data: { shortcut: "m", unseen: true } }),
      toggle,
    ),
    more,
    container,
    element("div", { className: "lrp-scale" }, low, ramp, high, unit, rescale, readout),
    about,
  );

  // -- controls -----------------------------------------------------------------------------------------------------

  function closeMenus(event) {
    for (const each of el.querySelectorAll(".lrp-menu[open]")) if (!each.contains(event.target)) each.open = false;
  }

  function open(opened) {
    more.hidden = !opened;
    toggle.ariaExpanded = String(opened);
    if (!opened) take("move");
  }

  function take(name) {
    tool = name;
    over(null);
    showControls();
  }

  function showControls() {
    gain.range.value = Math.log10(look.gain);
    overlay.range.value = look.overlay;
    brushes.range.max = Math.max(1, Math.min(...size) / 4);
    radius = Math.min(radius, Number(brushes.range.max));
    brushes.range.value = radius;
    for (const [name, { made }] of Object.entries(selects)) made.value = CHOICES[name].indexOf(look[name]);
    for (const each of tools) each.ariaPressed = String(each.dataset.tool === tool);
    brushes.label.hidden = !["brush", "grey", "blur"].includes(tool);
    regionTools.hidden = !region;
    paintTools.hidden = !strokes.length;
    for (const { frame } of panes) frame.dataset.tool = tool;
  }

  /** Look in another way; nobody hears of it but who reads `data-look`. */
  function setLook(change) {
    look = { ...look, ...change };
    el.dataset.look = JSON.stringify(look);
    showControls();
    draw();
  }

  function toggleOverlay() {
    if (look.overlay) overlaid = look.overlay;
    setLook({ overlay: look.overlay ? 0 : overlaid });
  }

  function nextMap() {
    setLook({ map: CHOICES.map[(CHOICES.map.indexOf(look.map) + 1) % CHOICES.map.length] });
  }

  function say(message) {
    expected += 1;
    model.send(message);
  }

  // -- what came from the kernel ------------------------------------------------------------------------------------

  function receive() {
    size = model.get("size");
    el.hidden = !size[1];
    if (!size[1]) return;
    picture = array(model.get("picture"), Uint8Array);
    live.values = array(model.get("relevance"), Float32Array);
    if (region?.length !== live.values.length) [region, inverted] = [null, false];
    if (!current && model.get("received") >= expected) strokes = model.get("strokes");
    el.style.setProperty("--aspect", size[1] / size[0]);
    receivePins();
    arrange();
    showControls();
    draw();
    drawRegion();
  }

  function receivePins() {
    const pinned = model.get("pinned");
    while (panes.length > 2 + pinned.length) panes.pop().figure.remove();
    while (panes.length < 2 + pinned.length) {
      panes.push(pinPane(panes.length - 2));
      container.append(panes.at(-1).figure);
    }
    differences.length = pinned.length;
    pinned.forEach((caption, index) => {
      const pane = panes[2 + index];
      pane.caption = caption;
      pane.own = array(model.get("pin_maps")[index], Float32Array);
      pane.size = caption.size ?? size;
      pane.picture = array(model.get("pin_pictures")[index], Uint8Array);
    });
  }

  function pinPane(index) {
    const pane = paneOf("pin", hand);
    const close = button("×", "Close this map", () => unpin(index), { className: "lrp-plain", ariaLabel: "Close this map" });
    pane.follows = button("", "", () => say({ number: index, follows: !pane.caption.follows }));
    pane.difference = button("difference", "Show the live map less this one", () => {
      differences[index] = !differences[index];
      draw();
    });
    pane.thumbnail = element("canvas", { className: "lrp-small", role: "img", ariaLabel: "The picture of this map" });
    pane.words = element("span");
    pane.second.append(pane.thumbnail, pane.words);
    pane.lost = element("div", { className: "lrp-quiet", title: "Correlation with the live map, relevance on the input, and what was lost" });
    pane.foot.append(pane.lost, pane.follows, pane.difference);
    pane.note.after(close);
    return pane;
  }

  function unpin(index) {
    differences.splice(index, 1);
    say({ unpin: index });
  }

  // -- drawing ------------------------------------------------------------------------------------------------------

  function draw() {
    if (!size[1] || live.values?.length !== size[0] * size[1]) return;
    const pins = panes.slice(2);
    pins.forEach(compare);
    const maps = [live, ...pins.filter(({ values }) => values.length)];
    const limits = maps.map(({ values }) => limitOf(values, look.clip));
    const shared = Math.max(...limits);
    paper = paperOf(el);
    maps.forEach((pane, index) => {
      pane.limit = ((look.scale === "shared" ? shared : limits[index]) || 1) / look.gain;
      const behind = pane.picture?.length ? pane.picture : picture;
      paint(pane.canvas, pane.size ?? size, pane.values, pane.limit, look, behind, paper);
      markStrongest([pane], pane.values, pane.size ?? size);
    });
    show(input.canvas, size, picture);
    markStrongest([input], live.values, size);
    panes.forEach((pane) => see(pane, pane.size ?? size, look.zoom));
    tell(maps);
    read(under);
  }

  /** The values that a pin shows: its own, or what the live map has more. */
  function compare(pane, index) {
    const comparable = pane.own.length === live.values.length;
    pane.difference.disabled = !comparable;
    const differs = Boolean(differences[index]) && comparable;
    pane.difference.ariaPressed = String(differs);
    pane.values = differs ? live.values.map((value, i) => value - pane.own[i]) : pane.own;
    pane.differs = differs;
  }

  function markStrongest([pane], values, extent) {
    const wanted = [look.sign, look.contour, look.strongest].join();
    if (pane.marked === values && pane.wanted === wanted) return; // gain and zoom change nothing here
    [pane.marked, pane.wanted] = [values, wanted];
    mark(pane, "contour", look.contour ? outline(extent, strongOf(values, look.sign, look.contour)) : "");
    mark(pane, "dots", look.strongest ? dots(extent, strongest(values, look.sign, look.strongest)) : "");
  }

  /** Titles, notes and the scale. */
  function tell(maps) {
    const { name, before, score, file, ...caption } = model.get("caption");
    write(input.title, name);
    write(input.note, `${size[1]} × ${size[0]}`);
    write(input.second, caption.painted ? "painted: not the original input" : "");
    write(live.title, titleOf(caption));
    write(live.note, `f = ${before === null ? "" : `${number(before)} → `}${number(score)}`);
    write(live.second, secondOf(live, caption));
    input.canvas.ariaLabel = input.frame.ariaLabel = `Input ${name}`;
    live.canvas.ariaLabel = live.frame.ariaLabel = `Relevance for ${caption.class}`;
    panes.slice(2).forEach(tellPin);
    low.textContent = number(-live.limit);
    high.textContent = number(live.limit, { sign: true });
    ramp.ariaLabel = `Colour scale: ${legend()}`;
    ramp.style.background = `linear-gradient(90deg, ${stops().join()})`;
    const several = maps.length > 1;
    const same = several ? `same scale in ${maps.length === 2 ? "both" : "all"} maps` : "in units of the score";
    const range = look.scale === "own" && several ? "scale of the live map, each has its own" : same;
    rescale.hidden = !several;
    rescale.textContent = look.scale === "own" ? "one scale for all" : "one scale each";
    write(unit, `relevance per pixel: ${legend()}; ${range}`);
    input.figure.classList.toggle("lrp-painted", caption.painted);
  }

  function tellPin(pane) {
    const { caption } = pane;
    pane.figure.ariaBusy = String(caption.computing);
    const ready = "score" in caption;
    write(pane.title, ready ? (pane.differs ? `difference to ${asked(caption)}` : titleOf(caption)) : "pinned");
    write(pane.note, ready ? `f = ${number(caption.score)}` : "");
    write(pane.words, ready ? secondOf(pane, caption) : "computing …");
    if (ready && caption.computing) pane.words.textContent += " · computing …";
    pane.canvas.ariaLabel = pane.frame.ariaLabel = ready ? `Pinned relevance for ${caption.class}` : "Pinned, computing";
    pane.follows.textContent = caption.follows ? "follows picture" : "keeps picture";
    pane.follows.title = caption.follows ? "Keep this picture when another one is chosen" : "Show whatever picture is chosen";
    pane.follows.ariaPressed = String(!caption.follows);
    pane.thumbnail.hidden = !pane.picture.length;
    if (pane.picture.length) {
      show(pane.thumbnail, pane.size, pane.picture);
      pane.thumbnail.title = pane.thumbnail.ariaLabel = caption.name;
    }
    pane.lost.textContent = ready ? accountOf(pane) : "";
  }

  function accountOf({ caption, own }) {
    const { reached_input: reached, bias, stabilizer, rules } = caption.ledger;
    const alike = own.length === live.values.length ? correlation(live.values, own) : NaN;
    const likeness = Number.isFinite(alike) ? `correlation ${number(+alike.toFixed(3))} · ` : "";
    return `${likeness}Σ R ${number(reached)} · bias ${number(bias)} · ε ${number(stabilizer)}${rules ? ` · rules ${number(rules)}` : ""}`;
  }

  const hues = () => look.map.split("–").reverse(); // what speaks against, what speaks for
  const asked = ({ class: label, than }) => `“${label}”${than ? ` rather than “${than}”` : ""}`;

  const titleOf = (caption) => (caption.than ? "" : "for ") + asked(caption);

  /** What the colours mean. */
  function legend() {
    const [cold, warm] = hues();
    return { both: `${warm} for, ${cold} against`, positive: `${warm} for`, negative: `${cold} against` }[look.sign];
  }

  function secondOf(pane, { composite, changed, through }) {
    const own = look.scale === "own" && panes.length > 2 ? `±${number(pane.limit)}` : "";
    const less = pane.differs ? "live − pinned" : "";
    return [less, composite + (changed ? " *" : ""), through && `through channel ${through}`, own].filter(Boolean).join(" · ");
  }

  function write(node, text) {
    node.textContent = text;
    node.title = text; // where it is cut off
  }

  function stops() {
    const pixels = new Float32Array(4);
    return Array.from({ length: 21 }, (_, index) => {
      colour(pixels, 0, index / 10 - 1, mapOn(look.map, paper), paper);
      return `rgb(${pixels.slice(0, 3).map(Math.round).join()})`;
    });
  }

  /** As many panes in a row as fit, and rows of equal length. */
  function arrange() {
    const fit = Math.max(1, Math.floor((container.clientWidth + GAP) / (NARROWEST + GAP)));
    const rows = Math.ceil(panes.length / fit);
    container.style.setProperty("--columns", Math.ceil(panes.length / rows));
    container.classList.toggle("lrp-crowded", panes.length > 2);
  }

  // -- the pointer --------------------------------------------------------------------------------------------------

  function zoomTo(factor, x = look.zoom[1] + 0.5 / look.zoom[0], y = look.zoom[2] + 0.5 / look.zoom[0]) {
    const [before, left, top] = look.zoom;
    const wanted = Math.min(MOST_ZOOM, Math.max(1, factor));
    moveTo(x - ((x - left) * before) / wanted, y - ((y - top) * before) / wanted, wanted);
  }

  function moveTo(x, y, factor = look.zoom[0]) {
    const inside = (value) => Math.min(1 - 1 / factor, Math.max(0, value));
    look = { ...look, zoom: [factor, inside(x), inside(y)] };
    el.dataset.look = JSON.stringify(look);
    panes.forEach((pane) => see(pane, pane.size ?? size, look.zoom));
  }

  /** Say the values at a pixel and mark it in all panes. */
  function read(pixel) {
    under = pixel;
    for (const pane of panes) {
      pane.under.style.display = pixel ? "" : "none";
      if (pixel) Object.entries({ x: pixel[0], y: pixel[1] }).forEach(([key, value]) => pane.under.setAttribute(key, value));
    }
    readout.textContent = pixel ? `pointer (${pixel.join(", ")}): ${valuesAt(pixel)}` : "";
  }

  function valuesAt([x, y]) {
    const at = ({ values }) => number(values[y * size[1] + x], { sign: true });
    const pins = panes.slice(2).filter(({ values }) => values.length === live.values.length);
    const words = pins.map((pane) => at(pane) + (pane.differs ? " difference" : " pinned"));
    return [`${at(live)} for ${model.get("caption").class}`, ...words].join(", ");
  }

  /** Show where the brush is. */
  function over(point) {
    for (const pane of panes) {
      const shown = point && (tool === "brush" || (["grey", "blur"].includes(tool) && pane === input));
      pane.brush.style.display = shown ? "" : "none";
      if (shown) Object.entries({ cx: point[0], cy: point[1], r: radius }).forEach(([key, value]) => pane.brush.setAttribute(key, value));
    }
  }

  function pen(pane) {
    if (tool === "box") return { down: (at) => boxTo((anchor = at)), move: boxTo, up: () => {} };
    if (tool === "brush") return { down: (at) => brushTo((anchor = at)), move: brushTo, up: () => {} };
    if (tool !== "move" && pane === input) return { down: startStroke, move: goOn, up: endStroke };
    return null;
  }

  // -- regions ------------------------------------------------------------------------------------------------------

  function boxTo(at) {
    setRegion(box(size, anchor, at), inverted);
  }

  function brushTo(at) {
    const mask = region?.slice() ?? new Uint8Array(size[0] * size[1]);
    stamp(mask, size, anchor, at, radius);
    anchor = at;
    setRegion(mask, inverted);
  }

  function setRegion(mask, turned) {
    [region, inverted] = [mask, turned];
    showControls();
    drawRegion();
  }

  function drawRegion() {
    const inside = (i) => Boolean(region[i]) !== inverted;
    const [edge, shade] = region ? [outline(size, inside), area(size, (i) => !inside(i))] : ["", ""];
    for (const pane of panes) {
      mark(pane, "edge", edge);
      mark(pane, "shade", shade);
    }
    about.hidden = !region;
    if (region) tellRegion(regionOf(live.values, inside));
  }

  function tellRegion({ within, without, share, context }) {
    const ratio = element("span", {}, `context ratio μ = ${Number.isNaN(context) ? "—" : number(context)}`);
    ratio.title = "Mean relevance outside over mean relevance inside; it says nothing where one of the sums is negative.";
    const sums = `region: Σ inside ${number(within)} · Σ outside ${number(without)} · ${number(100 * share)} % of the area · `;
    about.replaceChildren(sums, ratio);
  }

  // -- painting -----------------------------------------------------------------------------------------------------

  function startStroke(at) {
    current = { kind: tool, radius, points: [at] };
    sendStrokes();
  }

  function goOn(at) {
    const [x, y] = current.points.at(-1);
    if (Math.hypot(at[0] - x, at[1] - y) < radius / 4) return;
    current.points.push(at);
    sendStrokes();
  }

  function endStroke() {
    strokes = [...strokes, current];
    current = null;
    showControls(); // no answer may come: the kernel knows this stroke from the last move
    sendStrokes();
  }

  function repaint(wanted) {
    strokes = wanted;
    sendStrokes();
  }

  /** Send all strokes, once per frame of the screen. */
  function sendStrokes() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      say({ strokes: current ? [...strokes, current] : strokes });
    });
  }

  // -- saving -------------------------------------------------------------------------------------------------------

  async function save(kind) {
    const style = getComputedStyle(el);
    const inks = { ink: style.color, quiet: getComputedStyle(unit).color, paper: `rgb(${paper.join()})` };
    const shown = panes.filter((pane) => pane === input || pane.values.length).map((pane) => ({
      canvas: pane.canvas,
      title: [pane.title.textContent, pane.note.textContent].join(" · "),
      note: (pane.words ?? pane.second).textContent,
      paths: PRINTED.map(([name, more]) => [pane.paths[name][1].getAttribute("d") ?? "", more]),
    }));
    const scale = { low: low.textContent, high: high.textContent, unit: unit.textContent, ramp: stops() };
    const columns = Number(container.style.getPropertyValue("--columns"));
    const figure = figureOf(shown, size, look.zoom, columns, scale, inks);
    download(kind === "svg" ? asBlob(figure) : await rasterized(figure), `${model.get("caption").file}.${kind}`);
  }

  function saved({ save: name }, buffers) {
    if (name) download(new Blob([buffers[0]]), name);
  }

  // -- coming and going ---------------------------------------------------------------------------------------------

  const restore = () => setLook(lookOf(model.get("look")));
  const observer = new ResizeObserver(() => {
    arrange();
    if (String(paperOf(el)) !== String(paper)) draw(); // only on the page is there a theme
  });
  observer.observe(container);
  model.on("change:look", restore);
  model.on("msg:custom", saved);
  window.addEventListener("lrp-theme", draw);
  document.addEventListener("pointerdown", closeMenus);
  el.dataset.look = JSON.stringify(look);
  const stop = follow(model, el, receive);
  return () => {
    stop();
    observer.disconnect();
    model.off("change:look", restore);
    model.off("msg:custom", saved);
    window.removeEventListener("lrp-theme", draw);
    document.removeEventListener("pointerdown", closeMenus);
  };
}

const PRINTED = [
  ["contour", {}],
  ["edge", { "stroke-dasharray": "4 3" }],
  ["dots", { "stroke-width": 5, "stroke-linecap": "round" }],
];

export default { render };
