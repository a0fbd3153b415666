// The input, its relevance, and the maps that are pinned beside it.

import { paperOf, element, array, follow, receiveFile } from "../base/common.js";
import { closeMenus } from "../base/controls.js";
import { tellFirst } from "./heatmap/captions.js";
import { handOf } from "./heatmap/hand.js";
import { lookOf } from "./heatmap/look.js";
import { looking } from "./heatmap/looking.js";
import { drawPanes } from "./heatmap/painting.js";
import { pinsOf } from "./heatmap/pins.js";
import { pointing } from "./heatmap/pointing.js";
import { regionOf } from "./heatmap/region.js";
import { save } from "./heatmap/saving.js";
import { scaleOf } from "./heatmap/scale.js";
import { Shown } from "./heatmap/shown.js";
import { strokesOf } from "./heatmap/strokes.js";
import { toolbar } from "./heatmap/toolbar.js";
import { toolsOf } from "./heatmap/tools.js";

const GAP = 18; // pixels between panes, as in the style
const NARROWEST = 165;

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-heatmap");
  const shown = new Shown(lookOf(model.get("look")));
  const { setLook, zoomTo, moveTo } = looking(el, shown, redraw);
  const strokes = strokesOf(shown, say, showControls);
  const region = regionOf(shown, showControls);
  const { made: readout, read, over, pen } = pointing(shown, region, strokes);
  const hand = handOf({ size: () => shown.size, zoom: () => shown.look.zoom, zoomTo, moveTo, read, over, pen });
  const row = element("div", { className: "lrp-panes" }, shown.input.figure, shown.live.figure);
  const pins = pinsOf(shown, row, hand.attach, say, setLook);
  const scale = scaleOf(shown, setLook, readout);
  const tools = toolsOf(shown, region, strokes, setLook, take);
  const bar = toolbar(shown, model.get("presets"), tools.toggle, { setLook, zoomTo, say, save: (kind) => save(el, shown, columnsOf(row), scale, kind) });
  let expected = model.get("received"); // messages that the kernel has heard once it knows all strokes
  [shown.input, shown.live].forEach(hand.attach);
  el.append(bar.made, tools.made, row, scale.made, region.made);

  function say(/** @type {object} */ message) {
    expected += 1;
    model.send(message);
  }

  function take(/** @type {import("./heatmap/tools.js").Tool} */ tool) {
    shown.tool = tool;
    over(null);
    showControls();
  }

  function showControls() {
    bar.show();
    tools.show();
  }

  function receive() {
    shown.size = shown.input.size = shown.live.size = model.get("size");
    el.hidden = !shown.size[1];
    if (el.hidden) return;
    shown.caption = model.get("caption");
    shown.picture = array(model.get("picture"), Uint8Array);
    shown.live.values = array(model.get("relevance"), Float32Array);
    region.fit();
    if (model.get("received") >= expected) strokes.hear(model.get("strokes"));
    el.style.setProperty("--aspect", String(shown.size[1] / shown.size[0]));
    pins.receive(model.get("pinned"), model.get("pin_maps"), model.get("pin_pictures"));
    const composites = model.get("composites");
    [shown.live, ...shown.pins].forEach((pane, index) => (pane.composite = composites[index]));
    arrange(row, shown.panes.length);
    redraw();
    region.draw();
  }

  function redraw() {
    showControls();
    draw();
  }

  function draw() {
    const { size, live } = shown;
    if (!size[1] || live.values.length !== size[0] * size[1]) return;
    shown.paper = paperOf(el);
    pins.compare();
    drawPanes(shown);
    tellFirst(shown);
    pins.tell();
    scale.tell();
    read(shown.under);
  }

  const restore = () => setLook(lookOf(model.get("look")));
  const received = (/** @type {{ save?: string }} */ message, /** @type {DataView<ArrayBuffer>[]} */ buffers) => receiveFile(message, buffers);
  const close = (/** @type {Event} */ { target }) => closeMenus(el, target);
  const observer = new ResizeObserver(() => {
    arrange(row, shown.panes.length);
    if (String(paperOf(el)) !== String(shown.paper)) draw(); // only on the page is there a theme
  });
  observer.observe(row);
  model.on("change:look", restore);
  model.on("msg:custom", received);
  document.addEventListener("pointerdown", close);
  const stop = follow(model, el, receive, draw);
  return () => {
    stop();
    observer.disconnect();
    model.off("change:look", restore);
    model.off("msg:custom", received);
    document.removeEventListener("pointerdown", close);
  };
}

/**
 * As many panes in a row as fit, and rows of equal length.
 *
 * @param {HTMLElement} row
 * @param {number} count
 */
function arrange(row, count) {
  const fit = Math.max(1, Math.floor((row.clientWidth + GAP) / (NARROWEST + GAP)));
  row.style.setProperty("--columns", String(Math.ceil(count / Math.ceil(count / fit))));
  row.classList.toggle("lrp-crowded", count > 2);
}

/** @param {HTMLElement} row */
function columnsOf(row) {
  return Number(row.style.getPropertyValue("--columns"));
}

export default { render };
