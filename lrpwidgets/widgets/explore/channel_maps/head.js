// What stands above the tiles: the layer, the order of its channels, and what to do with those that are chosen.

import { element, button, number } from "../../base/common.js";

const RANKS = { sum: "Σ R", size: "Σ |R|", activation: "activation" };

/**
 * @typedef {object} Layer
 * @property {string} layer empty for none
 * @property {string} rank
 * @property {number} count of its channels
 * @property {number} total relevance
 * @property {boolean} heads whether its channels are heads
 * @property {string} sentence
 *
 * @typedef {object} Chosen
 * @property {number[]} channels
 * @property {boolean} only whether only they count
 * @property {number | null} share of the relevance
 */

/**
 * @param {import("../../base/common.js").Model} model
 * @param {HTMLElement[]} choices what the maps show
 */
export function headOf(model, choices) {
  const layer = element("select", { ariaLabel: "Layer to look into", className: "lrp-mono" });
  const note = element("span", { className: "lrp-quiet" });
  const only = button("", "Show the relevance through the chosen channels only, or all of it again", () => model.send({ only: !model.get("chosen").only }), { data: { shortcut: "c" } });
  const wants = button("", "What would the chosen channel like to see?", () => model.send({ wants: model.get("chosen").channels[0] }), { data: { shortcut: "a" } });
  const share = element("span", { className: "lrp-quiet" });
  const sentence = element("p", { className: "lrp-quiet", role: "status" });
  const rank = element("select", { ariaLabel: "Order of the channels" }, ...Object.entries(RANKS).map(([value, text]) => element("option", { value }, text)));
  const order = element("label", { className: "lrp-quiet" }, "by ", rank);
  const rows = [
    element("div", { className: "lrp-head" }, element("h2", {}, "Inside"), layer, element("span", { className: "lrp-space" }), wants, only),
    element("div", { className: "lrp-head lrp-inside-tools" }, ...choices, order, element("span", {}, note, share)),
    sentence,
  ];
  let listed = /** @type {[string, string][] | null} */ (null);
  layer.addEventListener("change", () => model.send({ layer: layer.value }));
  rank.addEventListener("change", () => model.send({ rank: rank.value }));

  /**
   * Which layer it is, of those that `layers` name and describe.
   *
   * @param {Layer} head
   * @param {[string, string][]} layers
   */
  function tell(head, layers) {
    if (layers !== listed) layer.replaceChildren(...layers.map(([value, text]) => element("option", { value }, text)));
    listed = layers;
    layer.value = head.layer;
    layer.title = layer.selectedOptions[0]?.textContent ?? "";
    note.textContent = `${head.count.toLocaleString("en")} ${nounOf(head)}${head.count === 1 ? "" : "s"} · Σ R = ${number(head.total)}`;
    rank.value = head.rank;
    sentence.textContent = head.sentence;
    sentence.hidden = !head.sentence;
  }

  /**
   * Which channels are chosen, and what can be done with them.
   *
   * @param {Layer} head
   * @param {Chosen} chosen
   */
  function suit(head, { channels, only: alone, share: part }) {
    const [noun, names] = [nounOf(head), namesOf(channels)];
    only.textContent = channels.length ? `only ${noun}${channels.length > 1 ? "s" : ""} ${names}` : `only the chosen ${noun}`;
    only.disabled = !channels.length;
    only.ariaPressed = String(alone);
    wants.hidden = !model.get("wants") || !head.count;
    wants.disabled = channels.length !== 1;
    wants.textContent = wants.disabled ? "what does it want?" : `what does ${names} want?`;
    share.textContent = channels.length && part !== null ? `, of it ${number(100 * part)} % in ${names}` : "";
  }

  return { rows, order, tell, suit };
}

/** @param {Layer} head */
function nounOf({ heads }) {
  return heads ? "head" : "channel";
}

/**
 * The first of some channels.
 *
 * @param {number[]} channels
 */
export function namesOf(channels) {
  return channels.slice(0, 3).map((channel) => `#${channel}`).join(", ") + (channels.length > 3 ? " …" : "");
}
