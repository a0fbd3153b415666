// One card: a cluster's mean picture and map, or its words, its name, figures and verdict, and folded away prototypes and a note.

import { element, button } from "../../base/common.js";
import { cancel, rename } from "./renaming.js";

/**
 * @typedef {object} Said what the kernel says of a cluster
 * @property {number} number
 * @property {string} name
 * @property {string} note
 * @property {string} hue
 * @property {number} size
 * @property {number} tau
 * @property {number} purity from 0 to 1
 * @property {string} kind
 * @property {boolean | null} hans null if it was not tested
 * @property {number[]} [large] of pictures: how many large ones there are, and pixels of a side
 * @property {string[]} [captions] of its prototypes
 * @property {[word: string, excess: number, texts: number][]} [words] of texts: those on which it has more relevance than others
 * @property {import("../excerpts.js").Excerpt[]} [examples] the texts in its middle
 */

/** @typedef {ReturnType<typeof makeCard>} Card */

/**
 * A card of the cluster `number`.
 *
 * @param {number} number
 * @param {(message: object) => void} send
 * @param {() => void} unfolded called when more or less of it is shown
 */
export function makeCard(number, send, unfolded) {
  const [mean, map] = [element("canvas"), element("canvas")];
  const pick = button("", "Select its members; shift adds them, alt takes them away", () => {}, { className: "lrp-card-pick" });
  const chips = element("span", { className: "lrp-card-chips" });
  pick.append(mean, map, chips);
  const name = button("", "Rename", () => rename(card, call), { className: "lrp-card-name" });
  const [figures, purity] = [element("span", { className: "lrp-quiet" }), element("span", { className: "lrp-quiet" })];
  const verdict = button("", "", () => send(card.said.hans === null ? { test: number } : { verdict: number }));
  const unfold = button("", "More of it, and a note", fold, { className: "lrp-card-unfold", ariaExpanded: "false" });
  const large = element("div", { className: "lrp-card-large" });
  const tiles = element("div", { className: "lrp-card-tiles" });
  const note = element("textarea", { rows: 2, placeholder: "Note: what do they have in common?", maxLength: 2000 });
  const more = element("div", { className: "lrp-card-more", hidden: true }, large, tiles, note);
  const bar = element("i");
  const words = element("div", { className: "lrp-card-words" }, name, element("div", { className: "lrp-card-line" }, figures, purity, verdict));
  const body = element("div", { className: "lrp-card" }, bar, pick, words, unfold, more);
  const said = /** @type {Said} */ ({});
  const card = { body, bar, pick, mean, map, chips, name, figures, purity, verdict, unfold, more, large, tiles, note, said };

  const call = (/** @type {string} */ newName, /** @type {string} */ newNote) => send({ call: number, name: newName, note: newNote });
  const select = (/** @type {MouseEvent | KeyboardEvent} */ event) => send({ select: number, how: event.shiftKey ? "add" : event.altKey ? "subtract" : "only" });

  function fold() {
    more.hidden = !more.hidden;
    unfold.ariaExpanded = String(!more.hidden);
    unfolded();
  }

  body.addEventListener("click", (event) => {
    const controls = "button:not(.lrp-card-pick), input, textarea, .lrp-card-more";
    if (!(/** @type {Element} */ (event.target).closest(controls))) select(event);
  });
  pick.addEventListener("keydown", (event) => event.key === "Enter" && event.altKey && cancel(event, () => select(event))); // not a click to a browser
  note.addEventListener("change", () => call(card.said.name, note.value));
  note.addEventListener("keydown", (event) => event.key === "Escape" && cancel(event, () => (note.value = card.said.note)));
  return card;
}

/**
 * Write on a card what is `said` of its cluster.
 *
 * @param {Card} card
 * @param {Said} said
 * @param {boolean} chosen
 */
export function fillCard(card, said, chosen) {
  const share = `${Math.round(100 * said.purity)} % ${said.kind}`;
  card.said = said;
  card.bar.style.background = said.hue;
  card.name.textContent = said.name;
  card.figures.textContent = `${said.size.toLocaleString("en")} · τ ${said.tau.toFixed(1)}`;
  card.purity.textContent = card.purity.title = share;
  card.body.classList.toggle("lrp-chosen", chosen);
  card.pick.ariaPressed = String(chosen);
  card.pick.ariaLabel = `Select ${said.name}: ${said.size} maps, separability ${said.tau.toFixed(2)}, ${share}`;
  if (document.activeElement !== card.note) card.note.value = said.note;
  card.note.ariaLabel = `Note on ${said.name}`;
  card.unfold.classList.toggle("lrp-noted", Boolean(said.note));
  card.unfold.ariaLabel = `More of ${said.name}, and a note`;
  card.body.classList.toggle("lrp-worded", Boolean(said.words));
  card.mean.hidden = card.map.hidden = Boolean(said.words);
  card.verdict.textContent = said.hans === null ? "test" : said.hans ? "Clever Hans" : "not convicted";
  card.verdict.className = said.hans === null ? "lrp-link" : said.hans ? "lrp-badge lrp-hans" : "lrp-badge";
  card.verdict.title = said.hans === null ? "Put it to the poison test" : "See its poison test";
}

/** What is there while a cluster is looked for. */
export function skeleton() {
  return element("div", { className: "lrp-card lrp-skeleton", ariaHidden: "true" }, element("i"), element("span"), element("span"), element("span", { className: "lrp-quiet" }, "…"));
}
