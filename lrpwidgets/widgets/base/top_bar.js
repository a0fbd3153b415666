// Title, links and files, help and theme. Any control of the dashboard with `data-shortcut` is clicked by that key, as long as
// it is seen; one with `data-unseen` is there for its key alone.

import { element, button, download, follow } from "./common.js";

const MOST_STATE = 5 * 2 ** 20; // characters of a state file

function render({ model, el }) {
  el.classList.add("lrp", "lrp-top");
  const inVoila = "voila" in document.body.dataset;
  const page = () => el.closest(".lrp-page") ?? el;
  const tabs = element("nav", { className: "lrp-rooms-bar", ariaLabel: "Rooms" });
  const note = element("span", { className: "lrp-quiet lrp-note", role: "status" });
  const file = element("input", { type: "file", accept: ".json,application/json", hidden: true, ariaLabel: "State file" });
  const sheet = element("dialog", { className: "lrp-sheet", ariaLabel: "Keyboard shortcuts" });
  const listing = element("dialog", { className: "lrp-sheet", ariaLabel: "Copy as Python" });
  const share = named("Share link", "Copy a link to this view", () => want("link"));
  share.hidden = !inVoila;
  file.addEventListener("change", open);
  el.append(
    element("strong", {}, "lrpwidgets"),
    element("span", { className: "lrp-quiet lrp-subject", title: model.get("title") }, model.get("title")),
    tabs,
    element("span", { className: "lrp-space" }),
    note,
    ...model.get("exports").map(([text, title, what]) => named(text, title, () => want(what))),
    named("Copy as Python", "Copy Python code that computes this", () => want("code"), "y"),
    share,
    named("Save", "Save this view as a file", () => want("state")),
    named("Open", "Open a saved view", () => file.click()),
    named("?", "Keyboard shortcuts", help, "?"),
    named("◐", "Light or dark", toggleTheme, "d"),
    file,
    sheet,
    listing,
  );

  /** One that is named by its title, as some show a sign only. */
  function named(text, title, act, shortcut = null) {
    return button(text, title, act, { ariaLabel: title, data: shortcut ? { shortcut } : {} });
  }

  const want = (text) => model.send({ want: text });

  // what the browser alone knows: how the maps are drawn
  function look() {
    const view = page().querySelector(".lrp-heatmap");
    return view?.dataset.look ? JSON.parse(view.dataset.look) : {};
  }

  function address(query) {
    const drawn = look();
    const more = Object.keys(drawn).length ? `&look=${encodeURIComponent(JSON.stringify(drawn))}` : "";
    const room = !model.get("home") ? `room=${model.get("room")}&` : "";
    return `${location.origin}${location.pathname}?${room}${query}${more}`;
  }

  async function receive({ as, text, name }) {
    if (as === "note") return say(text);
    if (as === "file") return download(new Blob([text]), name);
    if (as === "picture") return download(new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" }), name);
    if (as === "code") return show(text);
    if (as === "link") return say((await copied(address(text))) ? "link copied" : address(text));
    const state = JSON.stringify({ ...JSON.parse(text), look: look() }, null, 1);
    download(new Blob([state], { type: "application/json" }), `lrpwidgets-${JSON.parse(text).subject.replace(/[^\w-]+/g, "_")}.json`);
  }

  async function show(text) {
    const close = element("button", { type: "button", autofocus: true }, "close");
    close.addEventListener("click", () => listing.close());
    const did = await copied(text);
    const head = element("div", { className: "lrp-head" }, element("h2", {}, "This view as Python"), element("span", { className: "lrp-quiet" }, did ? "copied" : "select and copy"), element("span", { className: "lrp-space" }), close);
    listing.replaceChildren(head, element("pre", { className: "lrp-mono", tabIndex: 0 }, text));
    listing.showModal();
  }

  /** Whether the browser let us put `text` on its clipboard. */
  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }

  function say(text) {
    note.textContent = text;
    setTimeout(() => note.textContent === text && (note.textContent = ""), 6000);
  }

  async function open() {
    const [chosen] = file.files;
    file.value = ""; // so that the same file can be chosen again
    if (chosen) model.send({ restore: chosen.size > MOST_STATE ? "" : await chosen.text() });
  }

  // -- keys

  const typing = (node) => node.matches?.("select, textarea, [contenteditable], input:not([type=range], [type=checkbox], [type=radio])");

  function key(event) {
    if (!el.checkVisibility()) return; // another room of the page is open
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const found = [...page().querySelectorAll("[data-shortcut]")].find(
      (control) => control.dataset.shortcut === event.key && !control.disabled && (control.dataset.unseen || control.checkVisibility()),
    );
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus();
    else found.click();
  }

  /** JupyterLab would add or delete cells: most of its shortcuts are for whatever has the focus in a notebook. */
  function keep(event) {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  }

  function help() {
    const keys = new Map();
    for (const { dataset, title } of page().querySelectorAll("[data-shortcut]")) {
      keys.set(title, [...new Set([...(keys.get(title) ?? []), dataset.shortcut])]);
    }
    const rows = [...keys].map(([title, each]) =>
      element("tr", {}, element("th", { scope: "row" }, ...(each.length > 2 ? [keycap(each[0]), " … ", keycap(each.at(-1))] : each.flatMap((one) => [keycap(one), " "]))), element("td", {}, title)),
    );
    const close = element("button", { type: "button", autofocus: true }, "close");
    close.addEventListener("click", () => sheet.close());
    sheet.replaceChildren(
      element("div", { className: "lrp-head" }, element("h2", {}, "Keyboard shortcuts"), element("span", { className: "lrp-space" }), close),
      element("table", {}, ...rows),
      element("p", { className: "lrp-quiet" }, "Tab goes through all controls; sliders and lists move with the arrow keys, a picture zooms with + and −."),
    );
    sheet.showModal();
  }

  const keycap = (name) => element("kbd", {}, name);

  // -- theme

  function setTheme(theme) {
    for (const each of el.closest(".lrp-rooms")?.querySelectorAll(":scope > .lrp-page") ?? [page()]) each.dataset.theme = theme;
    if (inVoila) document.documentElement.dataset.theme = theme;
    window.dispatchEvent(new Event("lrp-theme"));
  }

  function toggleTheme() {
    const dark = getComputedStyle(el).colorScheme === "dark";
    setTheme(dark ? "light" : "dark");
    if (inVoila) localStorage.setItem("lrp-theme", dark ? "light" : "dark");
  }

  // -- beginning and end

  function followLink() {
    const parts = new URLSearchParams(location.search);
    parts.delete("ticket"); // of the line at the door
    if (inVoila && parts.size) model.send({ restore: `?${parts}` });
  }

  let first = ""; // the address of a page that was just opened stays as it is
  let moved = false;
  let away = false; // in another room

  /** The address follows the state, so that a reload comes back to it. */
  function draw() {
    list();
    const query = model.get("link");
    first ||= query;
    const here = model.get("here");
    moved ||= query !== first || !model.get("home") || !here;
    if (here && away) page().scrollIntoView();
    away = !here;
    if (inVoila && query && moved && here) history.replaceState(null, "", address(query));
  }

  function list() {
    const [rooms, room] = [model.get("rooms"), model.get("room")];
    tabs.hidden = rooms.length < 2;
    if (tabs.children.length === rooms.length) return;
    tabs.replaceChildren(...rooms.map(([name, title]) => button(title, name === room ? `You are in ${title}` : `${title}, with what you look at`, () => name !== room && model.send({ enter: name }), name === room ? { ariaCurrent: "page" } : {})));
  }

  let listening = null; // what hears the keys; known once the view is in the page
  const waiting = requestAnimationFrame(() => {
    const other = el.closest(".lrp-rooms")?.querySelector(":scope > [data-theme]");
    if (inVoila) setTheme(document.documentElement.dataset.theme ?? "light");
    else if (other) page().dataset.theme = other.dataset.theme;
    listening = inVoila ? document : page();
    listening.addEventListener("keydown", key);
    if (!inVoila) listening.addEventListener("keydown", keep);
  });
  model.on("msg:custom", receive);
  const stop = follow(model, el, draw);
  if (model.get("home")) followLink();
  return () => {
    stop();
    cancelAnimationFrame(waiting);
    model.off("msg:custom", receive);
    listening?.removeEventListener("keydown", key);
    listening?.removeEventListener("keydown", keep);
  };
}

export default { render };
