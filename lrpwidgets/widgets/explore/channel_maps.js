// The channels inside a layer. Which of relevance and activation is drawn, and with which sign, is chosen here alone.

import { paperOf, element, follow, halves, array } from "../base/common.js";
import { choicesOf } from "./channel_maps/choices.js";
import { gridOf } from "./channel_maps/grid.js";
import { headOf } from "./channel_maps/head.js";
import { legendOf } from "./channel_maps/legend.js";
import { paintTile, tellTile } from "./channel_maps/tile.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-inside");
  const look = { shows: "relevance", sign: "±" };
  const maps = { relevance: new Float32Array(), activation: new Uint8Array(), size: [0, 0] };
  const choices = choicesOf(look, draw);
  const head = headOf(model, choices);
  const grid = gridOf(choose, (place) => model.send({ wants: model.get("tiles")[place].channel }));
  const scale = element("div", { className: "lrp-map-scale lrp-quiet" });
  el.append(...head.rows, grid.made, scale);

  function receive() {
    maps.relevance = halves(model.get("relevance"));
    maps.activation = array(model.get("activation"), Uint8Array);
    const layer = model.get("head");
    el.hidden = !layer.layer;
    if (el.hidden) return;
    head.tell(layer, model.get("layers"));
    head.suit(layer, model.get("chosen"));
    draw();
  }

  function draw() {
    if (!el.isConnected) return; // it has no paper yet
    maps.size = model.get("size");
    const [height] = maps.size;
    grid.made.hidden = scale.hidden = !height;
    for (const part of [...choices, head.order]) part.hidden = !height;
    if (height) drawTiles(model.get("tiles"), model.get("chosen").channels);
  }

  /**
   * @param {import("./channel_maps/tile.js").Channel[]} channels
   * @param {number[]} chosen
   */
  function drawTiles(channels, chosen) {
    const paper = paperOf(grid.made);
    grid.resize(channels.length);
    channels.forEach((channel, place) => {
      paintTile(grid.tiles[place], place, maps, look, paper);
      tellTile(grid.tiles[place], channel, look, channel.channel !== null && chosen.includes(channel.channel), model.get("wants"));
    });
    scale.textContent = legendOf(model.get("scale"), look.shows, channels[0].apart);
    scale.title = model.get("scale").pooled > 1 ? "Relevance is summed over pooled positions, so sums are kept; activation is averaged" : "";
  }

  function choose(/** @type {number} */ place, /** @type {boolean} */ add) {
    const { channel } = model.get("tiles")[place];
    if (channel !== null) model.send({ channel, add });
  }

  const undo = follow(model, el, receive, draw);
  const appearance = new ResizeObserver(draw);
  appearance.observe(el);
  return () => {
    appearance.disconnect();
    undo();
  };
}

export default { render };
