// Clusters as cards. A card is made once for its cluster and refilled, so that a name is never lost while it is typed.

import { paperOf, element, button, array, follow } from "../base/common.js";
import { fillCard, makeCard, skeleton } from "./cluster_cards/card.js";
import { drawLarge, drawPair, drawTiles } from "./cluster_cards/pictures.js";
import { tellWords } from "./cluster_cards/words.js";
import { painter } from "../base/shades.js";

const MOST_SKELETONS = 12;

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-cards");
  const title = element("h2");
  const testAll = button("test all", "Put every cluster to the poison test", () => model.send({ test: "all" }), { className: "lrp-link" });
  const list = element("div", { className: "lrp-card-list", role: "group" });
  el.append(element("div", { className: "lrp-head" }, element("div", { className: "lrp-cards-title" }, title, element("span", { className: "lrp-quiet" }, "name them")), testAll), list);
  let cards = /** @type {Map<number, import("./cluster_cards/card.js").Card>} */ (new Map()); // by number of the cluster
  let edition = /** @type {number | null} */ (null);
  let pictures = { size: 0, inputs: new Uint8Array(), relevance: new Int8Array(), large: new Uint8Array() };

  function draw() {
    if (edition !== model.get("edition")) [cards, edition] = [new Map(), model.get("edition")];
    pictures = { size: model.get("size"), inputs: array(model.get("inputs"), Uint8Array), relevance: array(model.get("relevance"), Int8Array), large: array(model.get("large"), Uint8Array) };
    title.textContent = list.ariaLabel = model.get("title");
    testAll.hidden = !model.get("cards").length;
    const wanted = model.get("cards").map(fill);
    const skeletons = Array.from({ length: Math.min(MOST_SKELETONS, model.get("waiting")) }, skeleton);
    if ([...wanted, ...skeletons].some((card, place) => card !== list.children[place]) || list.children.length !== wanted.length) {
      list.replaceChildren(...wanted, ...skeletons);
    }
    drawPictures();
  }

  function fill(/** @type {import("./cluster_cards/card.js").Said} */ said) {
    const card = cards.get(said.number) ?? make(said.number);
    fillCard(card, said, model.get("selected").includes(said.number));
    return card.body;
  }

  function make(/** @type {number} */ number) {
    const of = model.get("edition"); // the kernel is told which atlas is meant: a newer one may have other clusters
    const card = makeCard(number, (message) => model.send({ ...message, edition: of }), drawPictures);
    cards.set(number, card);
    return card;
  }

  function drawPictures() {
    if (!el.isConnected) return; // it has no paper yet
    const paper = paperOf(el);
    let [at, from] = [0, 0];
    for (const { number, captions, large, words } of model.get("cards")) {
      const card = /** @type {import("./cluster_cards/card.js").Card} */ (cards.get(number));
      if (words) {
        tellWords(card, painter(el));
        continue;
      }
      const { mean, map, more, large: row, tiles } = card;
      drawPair(mean, map, pictures, at, paper);
      if (!more.hidden) drawLarge(row, pictures, at, pictures.large.subarray(from), large, paper);
      if (!more.hidden) drawTiles(tiles, captions, pictures, at + 1, paper);
      at += 1 + captions.length;
      from += 3 * large[0] * large[1] ** 2;
    }
  }

  const undo = follow(model, el, draw);
  const appearance = new ResizeObserver(drawPictures);
  appearance.observe(el);
  window.addEventListener("lrp-theme", drawPictures);
  return () => {
    window.removeEventListener("lrp-theme", drawPictures);
    appearance.disconnect();
    undo();
  };
}

export default { render };
