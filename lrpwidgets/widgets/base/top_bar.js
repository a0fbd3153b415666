// Title, links and files, help and theme, and the keys of all controls.

import { element, button, download, follow } from "./common.js";
import { closeMenus, menu } from "./controls.js";
import { markOut } from "./landmarks.js";
import { addressOf, lookOn } from "./top_bar/address.js";
import { savePicture, saveState, stateFile } from "./top_bar/files.js";
import { holdingOf } from "./top_bar/holding.js";
import { keep, shortcuts } from "./top_bar/keys.js";
import { presentingOf } from "./top_bar/presenting.js";
import { copied, helpOf, listingOf } from "./top_bar/sheets.js";
import { inVoila, themeOf } from "./top_bar/theme.js";

const SAID = 6000; // milliseconds that a note stands

/** @param {{ model: import("./common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-top");
  markOut(el, "banner");
  const page = () => /** @type {HTMLElement} */ (el.closest(".lrp-page") ?? el);
  const want = (/** @type {string} */ text) => model.send({ want: text });
  const tabs = element("nav", { className: "lrp-rooms-bar", ariaLabel: "Rooms" });
  const note = element("span", { className: "lrp-quiet lrp-note", role: "status" });
  const file = stateFile(model);
  const holding = holdingOf((text) => saveState(text, lookOn(page())), () => want("whole"));
  const [help, listing, theme, presenting] = [helpOf(page), listingOf(), themeOf(el, page), presentingOf(page)];
  const share = named("Share link", "Copy a link to this view", () => want("link"));
  share.hidden = !inVoila();
  const present = named("Present", "Present: the question, the maps and the scores alone", presenting.toggle, "f");
  el.append(
    element("strong", {}, "lrpwidgets"),
    element("span", { className: "lrp-quiet lrp-subject", title: model.get("title") }, model.get("title")),
    tabs,
    element("span", { className: "lrp-space" }),
    note,
    ...exportsOf(model.get("exports"), want),
    named("Copy as Python", "Copy Python code that computes this", () => want("code"), "y"),
    share,
    named("Save", "Save this view as a file", () => want("state")),
    named("Open", "Open a saved view", () => file.click()),
    present,
    named("?", "Keys and words", help.open, "?"),
    named("◐", "Light or dark", theme.toggle, "d"),
    file,
    help.made,
    listing.made,
    holding.made,
  );

  const address = (/** @type {string} */ query) => addressOf(query, lookOn(page()), model.get("home") ? "" : model.get("room"));

  /** @param {{ as: string, text: string, name: string, pictures?: import("./top_bar/holding.js").Held[], most?: number, brought?: string }} message */
  async function receive({ as, text, name, pictures = [], most = 0, brought = "picture" }) {
    if (as === "note") return say(text);
    if (as === "file") return download(new Blob([text]), name);
    if (as === "picture") return savePicture(text, name);
    if (as === "code") return listing.open(text);
    if (as === "link") return say((await copied(address(text))) ? "link copied" : address(text));
    if (pictures.length) return holding.ask(text, pictures, most, brought);
    saveState(text, lookOn(page()));
  }

  function say(/** @type {string} */ text) {
    note.textContent = text;
    setTimeout(() => note.textContent === text && (note.textContent = ""), SAID);
  }

  let first = ""; // the address of a page that was just opened stays as it is
  let moved = false;
  let away = false; // in another room

  /** The address follows the state, so that a reload comes back to it. */
  function draw() {
    listRooms(tabs, model);
    const [query, here] = [model.get("link"), model.get("here")];
    first ||= query;
    moved ||= query !== first || !model.get("home") || !here;
    if (here && away) page().scrollIntoView();
    away = !here;
    if (inVoila() && query && moved && here) history.replaceState(null, "", address(query));
  }

  const listening = new AbortController();
  const waiting = requestAnimationFrame(() => {
    theme.begin();
    if (!page().matches(".lrp-steady")) present.remove(); // with its key
    hearKeys(el, page, listening.signal);
  });
  const close = (/** @type {Event} */ { target }) => closeMenus(el, target);
  document.addEventListener("pointerdown", close, { signal: listening.signal });
  model.on("msg:custom", receive);
  const stop = follow(model, el, draw);
  if (inVoila() && model.get("home")) followLink(model);
  return () => {
    stop();
    cancelAnimationFrame(waiting);
    presenting.end();
    model.off("msg:custom", receive);
    listening.abort();
  };
}

/**
 * Hear the keys of all controls, once the view is in its page.
 *
 * @param {HTMLElement} el
 * @param {() => HTMLElement} page
 * @param {AbortSignal} signal ends it
 */
function hearKeys(el, page, signal) {
  const all = /** @type {HTMLElement | Document} */ (inVoila() ? document : page());
  all.addEventListener("keydown", /** @type {EventListener} */ (shortcuts(el, page)), { signal });
  if (inVoila()) return;
  page().tabIndex = -1; // a click between controls puts the focus here, not on the cell, where "d d" would delete it
  all.addEventListener("keydown", /** @type {EventListener} */ (keep), { signal });
}

/**
 * Further buttons; a menu where they are several.
 *
 * @param {[string, string, string][]} exports word, title, what they want
 * @param {(text: string) => void} want
 */
function exportsOf(exports, want) {
  if (exports.length < 2) return exports.map(([text, title, what]) => named(text, title, () => want(what)));
  return [menu("Export ▾", "Take along what is on the screen", exports.map(([text, title, what]) => [text, () => want(what), title]), "Export")];
}

/**
 * A button that is named by its title, as some show a sign only.
 *
 * @param {string} text
 * @param {string} title
 * @param {() => void} act
 * @param {string | null} [shortcut]
 */
function named(text, title, act, shortcut = null) {
  return button(text, title, act, { ariaLabel: title, data: shortcut ? { shortcut } : {} });
}

/**
 * Restore the state that the page was opened with.
 *
 * @param {import("./common.js").Model} model
 */
function followLink(model) {
  const parts = new URLSearchParams(location.search);
  parts.delete("ticket"); // of the line at the door
  if (parts.size) model.send({ restore: `?${parts}` });
}

/**
 * @param {HTMLElement} tabs
 * @param {import("./common.js").Model} model
 */
function listRooms(tabs, model) {
  const [rooms, room] = [/** @type {[string, string, string][]} */ (model.get("rooms")), model.get("room")];
  tabs.hidden = rooms.length < 2;
  if (tabs.children.length === rooms.length) return;
  const tab = (/** @type {[string, string, string]} */ [name, title, closed]) =>
    name === room
      ? button(title, `You are in ${title}`, () => {}, { ariaCurrent: "page" })
      : button(title, closed || `${title}, with what you look at`, () => model.send({ enter: name }), { disabled: Boolean(closed) });
  tabs.replaceChildren(...rooms.map(tab));
}

export default { render };
