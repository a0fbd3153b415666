// A tile: the maps of one channel, or of the whole layer, and its number.

import { element, number } from "../../base/common.js";
import { hues, ink, paint } from "./maps.js";

/**
 * @typedef {object} Channel
 * @property {number | null} channel null: the whole layer
 * @property {number} sum of its relevance
 * @property {number} mean of its activation
 * @property {number} [apart] relevance that is not on the map
 *
 * @typedef {object} Look
 * @property {string} shows relevance, activation, or both
 * @property {string} sign
 *
 * @typedef {object} Maps
 * @property {Float32Array} relevance map by map
 * @property {Uint8Array} activation map by map
 * @property {number[]} size of each: [height, width]
 *
 * @typedef {ReturnType<typeof tileOf>} Tile
 */

/**
 * @param {object} acts
 * @param {(event: MouseEvent) => void} acts.pick
 * @param {() => void} acts.focus
 * @param {() => void} acts.wish asks what the channel would like to see
 */
export function tileOf({ pick, focus, wish }) {
  const [relevance, activation] = [element("canvas", { className: "lrp-r" }), element("canvas", { className: "lrp-a" })];
  const [label, amount] = [element("span", { className: "lrp-quiet" }), element("b")];
  const star = element("span", { className: "lrp-tile-wish", ariaHidden: "true", title: "What would it like to see?" }, "✦"); // the button above is for keys
  const made = element(
    "div",
    { className: "lrp-tile", role: "option", tabIndex: -1 },
    star,
    element("div", { className: "lrp-tile-maps" }, relevance, activation),
    element("div", { className: "lrp-tile-caption" }, label, amount),
  );
  made.addEventListener("click", pick);
  made.addEventListener("focus", focus);
  star.addEventListener("click", (event) => {
    event.stopPropagation();
    wish();
  });
  return { made, relevance, activation, label, amount, star };
}

/**
 * Draw the maps of the tile at `place`.
 *
 * @param {Tile} tile
 * @param {number} place
 * @param {Maps} maps
 * @param {Look} look
 * @param {number[]} paper
 */
export function paintTile(tile, place, maps, look, paper) {
  tile.relevance.hidden = look.shows === "activation";
  tile.activation.hidden = look.shows === "relevance";
  const [start, end] = [place, place + 1].map((each) => each * maps.size[0] * maps.size[1]);
  if (!tile.relevance.hidden) paint(tile.relevance, maps.size, maps.relevance.subarray(start, end), hues(look.sign, paper));
  if (!tile.activation.hidden) paint(tile.activation, maps.size, maps.activation.subarray(start, end), ink(tile.made, paper));
}

/**
 * Say which channel it is, and how much of it there is.
 *
 * @param {Tile} tile
 * @param {Channel} channel
 * @param {Look} look
 * @param {boolean} chosen
 * @param {boolean} wants whether it can be asked what it would like to see
 */
export function tellTile({ made, label, amount, star }, { channel, sum, mean, apart }, look, chosen, wants) {
  const whole = channel === null;
  const name = whole ? "all" : `#${channel}`;
  const value = look.shows === "activation" ? mean : sum;
  const said = `${whole ? "Whole layer" : name}: Σ R = ${number(sum)}, mean activation ${number(mean)}`;
  made.title = said + (apart === undefined ? "" : `, of it ${number(apart)} at the class token, which is not on the map`);
  made.ariaLabel = made.title;
  label.textContent = name;
  amount.textContent = number(Number(value.toPrecision(2))); // there is room for no more
  star.hidden = whole || !wants;
  made.ariaSelected = String(!whole && chosen);
  made.dataset.channel = whole ? "all" : String(channel);
}
