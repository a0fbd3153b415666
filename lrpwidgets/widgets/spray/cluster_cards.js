// Clusters as cards. A card is made once for its cluster and refilled, so that a name is never lost while it is typed.

import { paperOf, element, button, array, follow } from "../base/common.js";
import { LOOK, paint, show } from "../base/maps.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-cards");
  const title = element("h2");
  const testAll = button("test all", "Put every cluster to the poison test", () => model.send({ test: "all" }), { className: "lrp-link" });
  const list = element("div", { className: "lrp-card-list", role: "group" });
  el.append(element("div", { className: "lrp-head" }, element("div", { className: "lrp-cards-title" }, title, element("span", { className: "lrp-quiet" }, "name them")), testAll), list);
  let cards = new Map(); // by number of the cluster
  let edition = null;
  let pictures = { inputs: new Uint8Array(), relevance: new Int8Array() };

  /** Tell the kernel what is meant of a card, and of which atlas: a newer one may have other clusters. */
  const send = (card, message) => model.send({ ...message, edition: card.edition });

  function draw() {
    if (edition !== model.get("edition")) [cards, edition] = [new Map(), model.get("edition")];
    pictures = { inputs: array(model.get("inputs"), Uint8Array), relevance: array(model.get("relevance"), Int8Array) };
    title.textContent = list.ariaLabel = model.get("title");
    testAll.hidden = !model.get("cards").length;
    const wanted = model.get("cards").map(fill);
    const skeletons = Array.from({ length: Math.min(12, model.get("waiting")) }, skeleton);
    if ([...wanted, ...skeletons].some((card, place) => card !== list.children[place]) || list.children.length !== wanted.length) {
      list.replaceChildren(...wanted, ...skeletons);
    }
    drawPictures();
  }

  function skeleton() {
    return element("div", { className: "lrp-card lrp-skeleton", ariaHidden: "true" }, element("i"), element("span"), element("span"), element("span", { className: "lrp-quiet" }, "…"));
  }

  // -- one card ------------------------------------------------------------------------------------------------------

  function make(number) {
    const [mean, map] = [element("canvas"), element("canvas")];
    const pick = button("", "Select its members; shift adds them, alt takes them away", () => {}, { className: "lrp-card-pick" });
    pick.append(mean, map);
    const name = button("", "Rename", () => rename(card), { className: "lrp-card-name" });
    const [figures, purity] = [element("span", { className: "lrp-quiet" }), element("span", { className: "lrp-quiet" })];
    const verdict = button("", "", () => judge(card));
    const unfold = button("", "Prototypes and note", () => fold(card), { className: "lrp-card-unfold", ariaExpanded: "false" });
    const tiles = element("div", { className: "lrp-card-tiles" });
    const note = element("textarea", { rows: 2, placeholder: "Note: what do they have in common?", maxLength: 2000 });
    const more = element("div", { className: "lrp-card-more", hidden: true }, tiles, note);
    const bar = element("i");
    const body = element("div", { className: "lrp-card" }, bar, pick, element("div", { className: "lrp-card-words" }, name, element("div", { className: "lrp-card-line" }, figures, purity, verdict)), unfold, more);
    const card = { number, edition, body, bar, pick, mean, map, name, figures, purity, verdict, unfold, more, tiles, note, said: {} };
    body.addEventListener("click", (event) => event.target.closest("button:not(.lrp-card-pick), input, textarea, .lrp-card-more") || select(card, event));
    pick.addEventListener("keydown", (event) => event.key === "Enter" && event.altKey && cancel(event, () => select(card, event))); // not a click to a browser
    note.addEventListener("change", () => call(card, card.said.name, note.value));
    note.addEventListener("keydown", (event) => event.key === "Escape" && cancel(event, () => (note.value = card.said.note)));
    return card;
  }

  function fill(said) {
    if (!cards.has(said.number)) cards.set(said.number, make(said.number));
    const card = cards.get(said.number);
    const share = `${Math.round(100 * said.purity)} % ${said.kind}`;
    card.said = said;
    card.bar.style.background = said.hue;
    card.name.textContent = said.name;
    card.figures.textContent = `${said.size.toLocaleString("en")} · τ ${said.tau.toFixed(1)}`;
    card.purity.textContent = card.purity.title = share;
    const chosen = model.get("selected").includes(said.number);
    card.body.classList.toggle("lrp-chosen", chosen);
    card.pick.ariaPressed = String(chosen);
    card.pick.ariaLabel = `Select ${said.name}: ${said.size} maps, separability ${said.tau.toFixed(2)}, ${share}`;
    if (document.activeElement !== card.note) card.note.value = said.note;
    card.note.ariaLabel = `Note on ${said.name}`;
    card.unfold.classList.toggle("lrp-noted", Boolean(said.note));
    card.unfold.ariaLabel = `Prototypes of ${said.name}, and a note`;
    card.verdict.textContent = said.hans === null ? "test" : said.hans ? "Clever Hans" : "acquitted";
    card.verdict.className = said.hans === null ? "lrp-link" : said.hans ? "lrp-badge lrp-hans" : "lrp-badge";
    card.verdict.title = said.hans === null ? "Put it to the poison test" : "See its poison test";
    return card.body;
  }

  function select(card, event) {
    send(card, { select: card.number, how: event.shiftKey ? "add" : event.altKey ? "subtract" : "only" });
  }

  function judge(card) {
    send(card, card.said.hans === null ? { test: card.number } : { verdict: card.number });
  }

  function fold(card) {
    card.more.hidden = !card.more.hidden;
    card.unfold.ariaExpanded = String(!card.more.hidden);
    drawPictures();
  }

  // -- names and notes -----------------------------------------------------------------------------------------------

  function rename(card) {
    const input = element("input", { type: "text", value: card.said.name, ariaLabel: "Name of the cluster", maxLength: 80 });
    let open = true;
    const end = (save) => {
      if (!open) return;
      open = false;
      const focused = document.activeElement === input;
      input.replaceWith(card.name);
      if (focused) card.name.focus();
      if (save && input.value.trim() !== card.said.name) call(card, input.value, card.said.note);
    };
    input.addEventListener("blur", () => end(true));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") cancel(event, () => end(true));
      if (event.key === "Escape") cancel(event, () => end(false));
    });
    card.name.replaceWith(input);
    input.select();
    input.focus();
  }

  /** Do `act`, and nothing else that the key may mean on the page. */
  function cancel(event, act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  function call(card, name, note) {
    send(card, { call: card.number, name, note });
  }

  // -- pictures ------------------------------------------------------------------------------------------------------

  function drawPictures() {
    if (!el.isConnected) return; // it has no paper yet
    const paper = paperOf(el);
    let at = 0;
    for (const { number, captions } of model.get("cards")) {
      const { mean, map, more, tiles } = cards.get(number);
      drawPair(mean, map, at, paper);
      if (!more.hidden) drawTiles(tiles, captions, at + 1, paper);
      at += 1 + captions.length;
    }
  }

  function drawTiles(tiles, captions, at, paper) {
    while (tiles.children.length > captions.length) tiles.lastChild.remove();
    while (tiles.children.length < captions.length) tiles.append(element("span", {}, element("canvas"), element("canvas")));
    captions.forEach((caption, place) => {
      const tile = tiles.children[place];
      tile.title = caption;
      drawPair(...tile.children, at + place, paper);
    });
  }

  function drawPair(picture, map, at, paper) {
    const size = model.get("size");
    const pixels = size * size;
    show(picture, [size, size], pictures.inputs.subarray(3 * at * pixels, 3 * (at + 1) * pixels));
    paint(map, [size, size], pictures.relevance.subarray(at * pixels, (at + 1) * pixels), 127, LOOK, null, paper);
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
