// Thumbnails of the selected points on one canvas, which stays in view while what scrolls is an empty spacer.

import { paperOf, element, button, array, follow } from "../base/common.js";
import { lately } from "./lately.js";
import { sprites } from "./sprites.js";

const MODES = {
  input: "The pictures alone",
  heatmap: "The heatmaps alone, each on its own scale",
  both: "Pictures and heatmaps side by side",
  overlay: "Heatmaps over the pictures",
};
const GAP = 8; // pixels between tiles
const EDGE = 4; // pixels beside them, for outlines
const WIDTHS = { input: 52, heatmap: 52, both: 74, overlay: 52 }; // of a tile, at least
const AHEAD = 1; // windows that are asked for above and below the one in view

function render({ model, el }) {
  el.classList.add("lrp", "lrp-wall");
  const [title, subtitle] = [element("h2"), element("span", { className: "lrp-quiet" })];
  const modes = Object.entries(MODES).map(([name, words]) => button(name, words, () => show(name)));
  const next = element("button", { type: "button", hidden: true, title: "Picture, heatmap, both or overlay", data: { shortcut: "t", unseen: true } });
  const canvas = element("canvas");
  const spacer = element("div", { className: "lrp-wall-spacer" });
  const option = element("div", { role: "option", id: `lrp-wall-${crypto.getRandomValues(new Uint32Array(1))[0]}`, className: "lrp-unseen" });
  const scroller = element("div", { className: "lrp-wall-scroller", tabIndex: 0, role: "listbox", ariaLabel: "Pictures: arrow keys walk along them, Enter opens one" }, canvas, spacer, option);
  const probe = element("span", { hidden: true });
  const sort = element("select", { ariaLabel: "Order of the pictures" });
  const range = element("span", { className: "lrp-quiet", role: "status" });
  const back = button("‹", "Page up", () => page(-1), { ariaLabel: "Page up", data: { shortcut: "," } });
  const forth = button("›", "Page down", () => page(1), { ariaLabel: "Page down", data: { shortcut: "." } });
  el.append(
    element("div", { className: "lrp-head" }, title, subtitle, element("span", { className: "lrp-space" }), element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the pictures show" }, ...modes), next),
    scroller,
    element("div", { className: "lrp-wall-foot" }, element("label", { className: "lrp-quiet" }, "order ", sort), element("span", { className: "lrp-space" }), range, element("span", { className: "lrp-choices" }, back, forth)),
    probe,
  );

  let order = new Uint32Array(); // positions, in the order of the wall
  let rows = new Uint32Array(); // by position
  let wrong = new Uint8Array(); // by position
  let mode = "both";
  let grid = { columns: 1, width: 0, height: 0, pitch: 1, down: 1 };
  const inks = {}; // colours of the theme
  let focused = null; // place of the tile that keys start from
  let [hovered, here] = [null, false]; // the position that is looked at; whether the mouse is over the wall
  let asked = new Set(); // rows that the kernel was asked for
  let waiting = 0;
  const thumbnails = sprites();

  // -- what the kernel says ------------------------------------------------------------------------------------------

  const got = {};
  const came = (...traits) => traits.filter((trait) => got[trait] !== (got[trait] = model.get(trait))).length > 0;

  function receive() {
    if (came("source")) forget();
    if (came("rows", "wrong")) [rows, wrong] = [array(got.rows, Uint32Array), array(got.wrong, Uint8Array)];
    if (came("shown")) list(array(got.shown, Uint32Array));
    title.textContent = model.get("title");
    subtitle.textContent = subtitle.title = model.get("subtitle");
    if (came("sorts")) sort.replaceChildren(...["", ...got.sorts].map((name) => element("option", { value: name }, name || "of the data set")));
    sort.value = model.get("sort");
    sort.parentElement.hidden = !model.get("sorts").length;
    if (!here) hovered = model.get("hovered");
    soon();
  }

  function list(positions) {
    order = positions;
    focused = null;
    asked = new Set();
    scroller.scrollTop = 0;
    Object.assign(el.dataset, { shown: order.length, drawn: 0 });
    layOut();
  }

  function receiveTiles(message, buffers) {
    thumbnails.receive(message, buffers);
    soon();
  }

  /** Forget the pictures: they are of other data, or in the colours of another theme. */
  function forget() {
    asked = new Set();
    thumbnails.clear(paperOf(scroller));
    soon();
  }

  // -- where tiles are -----------------------------------------------------------------------------------------------

  function layOut() {
    const room = scroller.clientWidth - 2 * EDGE;
    if (room <= 0) return; // not on the page yet
    const columns = Math.max(1, Math.floor((room + GAP) / (WIDTHS[mode] + GAP)));
    const fill = Math.floor((room + GAP) / columns) - GAP;
    const height = mode === "both" ? Math.floor(fill / 2) : fill;
    const width = mode === "both" ? 2 * height : height;
    grid = { columns, width, height, pitch: (room - width) / Math.max(1, columns - 1), down: height + GAP };
    spacer.style.height = `${Math.ceil(order.length / columns) * grid.down}px`;
    const ratio = devicePixelRatio;
    canvas.style.height = `${scroller.clientHeight}px`;
    spacer.style.marginTop = `${-scroller.clientHeight}px`; // the canvas takes no room of its own
    Object.assign(canvas, { width: Math.round(scroller.clientWidth * ratio), height: Math.round(scroller.clientHeight * ratio) });
    soon();
  }

  const xOf = (place) => EDGE + Math.round((place % grid.columns) * grid.pitch);
  const yOf = (place) => Math.floor(place / grid.columns) * grid.down + GAP / 2;

  /** The first place in view and the first one behind it, `windows` further on both sides. */
  function inView(windows = 0) {
    const [top, high] = [scroller.scrollTop, scroller.clientHeight];
    const row = (y) => Math.max(0, Math.floor(y / grid.down)) * grid.columns;
    return [Math.min(order.length, row(top - windows * high)), Math.min(order.length, row(top + (1 + windows) * high) + grid.columns)];
  }

  function placeAt({ clientX, clientY }) {
    const { left, top } = canvas.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top + scroller.scrollTop - GAP / 2];
    const [column, row] = [Math.min(grid.columns - 1, Math.floor((x - EDGE) / grid.pitch)), Math.floor(y / grid.down)];
    const place = row * grid.columns + column;
    return x >= xOf(place) && x <= xOf(place) + grid.width && y >= 0 && place < order.length ? place : null;
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  function soon() {
    waiting ||= requestAnimationFrame(draw);
  }

  function draw() {
    waiting = 0;
    if (!grid.width) return;
    const [from, to] = inView();
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = inks.pane;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    const there = places.filter((place) => thumbnails.has(rows[order[place]]));
    thumbnails.use(there.map((place) => rows[order[place]]));
    drawTiles(context, there);
    drawFrames(context, places);
    el.dataset.drawn = there.length;
    range.textContent = order.length ? `${(from + 1).toLocaleString("en")}–${to.toLocaleString("en")} of ${order.length.toLocaleString("en")}` : "";
    back.disabled = scroller.scrollTop <= 0;
    forth.disabled = scroller.scrollTop >= scroller.scrollHeight - scroller.clientHeight - 1;
    describe();
    ask(places);
  }

  const top = (place) => yOf(place) - scroller.scrollTop;

  function drawTiles(context, places) {
    const parts = { input: ["inputs"], heatmap: ["heatmaps"], both: ["inputs", "heatmaps"], overlay: ["inputs", "heatmaps"] }[mode];
    context.imageSmoothingEnabled = grid.height * devicePixelRatio < 3 * thumbnails.size(); // larger pixels are shown as they are
    const put = (part, aside) => places.forEach((place) => thumbnails.draw(context, part, rows[order[place]], xOf(place) + aside, top(place), grid.height));
    put(parts[0], 0);
    if (mode === "overlay") grey(context);
    if (parts[1]) put(parts[1], mode === "both" ? grid.height : 0);
  }

  /** Take the colours from all that was drawn: in an overlay colours mean relevance. */
  function grey(context) {
    context.globalCompositeOperation = "saturation";
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "source-over";
  }

  function drawFrames(context, places) {
    const { width, height } = grid;
    const [corners, frames, lines] = [new Path2D(), new Path2D(), new Path2D()];
    for (const place of places) {
      const [x, y] = [xOf(place), top(place)];
      corners.rect(x - 1, y - 1, width + 2, height + 2);
      corners.roundRect(x, y, width, height, 4);
      frames.roundRect(x - 0.5, y - 0.5, width + 1, height + 1, 4);
      if (wrong[order[place]]) lines.rect(x + 1, y + height + 2, width - 2, 2);
    }
    context.fillStyle = inks.pane;
    context.fill(corners, "evenodd");
    context.fillStyle = inks.for;
    context.fill(lines);
    context.lineWidth = 1;
    context.strokeStyle = inks.hairline;
    context.stroke(frames);
    const marked = places.filter((place) => place === focused || order[place] === hovered);
    for (const place of marked) {
      context.beginPath();
      context.roundRect(xOf(place) - 2.5, top(place) - 2.5, width + 5, height + 5, 6);
      context.lineWidth = place === focused ? 2 : 1.5;
      context.strokeStyle = place === focused ? inks.ink : inks.quiet;
      context.stroke();
    }
  }

  function ask(visible) {
    const [from, to] = inView(AHEAD);
    const [above, below] = [order.subarray(from, visible[0] ?? from), order.subarray((visible.at(-1) ?? from) + 1, to)];
    const missing = [...visible.map((place) => order[place]), ...below, ...above].filter((position) => !thumbnails.has(rows[position]));
    if (missing.every((position) => asked.has(rows[position]))) return;
    asked = new Set(missing.map((position) => rows[position]));
    model.send({ want: missing });
  }

  // -- what a person does --------------------------------------------------------------------------------------------

  const look = lately((position) => model.send({ hover: position }));

  function hover(position) {
    if (position === hovered) return;
    hovered = position;
    look(position);
    soon();
  }

  function show(name) {
    mode = name;
    modes.forEach((each) => (each.ariaPressed = String(each.textContent === name)));
    const first = inView()[0];
    layOut();
    scroller.scrollTop = yOf(first) - GAP / 2;
  }

  function page(direction) {
    const whole = Math.max(1, Math.floor(scroller.clientHeight / grid.down));
    scroller.scrollTop += direction * whole * grid.down;
  }

  function walk(to) {
    focused = Math.min(order.length - 1, Math.max(0, to));
    const [upper, lower] = [yOf(focused) - GAP, yOf(focused) + grid.height + GAP];
    if (upper < scroller.scrollTop) scroller.scrollTop = upper;
    if (lower > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = lower - scroller.clientHeight;
    hover(order[focused]);
    soon();
  }

  function key(event) {
    if (!order.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const rowsOfPage = Math.max(1, Math.floor(scroller.clientHeight / grid.down)) * grid.columns;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns, PageUp: -rowsOfPage, PageDown: rowsOfPage, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && focused !== null) open(focused);
    else if (event.key in steps) walk(focused === null ? inView()[0] : focused + steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function open(place) {
    focused = place;
    soon();
    model.send({ open: order[place] });
  }

  function describe() {
    const caption = focused === null ? "" : thumbnails.caption(rows[order[focused]]);
    option.textContent = focused === null ? "" : caption || `picture ${focused + 1}`;
    option.ariaSelected = "true";
    option.ariaPosInSet = String((focused ?? 0) + 1);
    option.ariaSetSize = String(order.length);
    if (focused === null) scroller.removeAttribute("aria-activedescendant");
    else scroller.setAttribute("aria-activedescendant", option.id);
    canvas.title = hovered === null ? "" : thumbnails.caption(rows[hovered]);
  }

  // -- beginning and end ---------------------------------------------------------------------------------------------

  function turnTheme() {
    for (const name of ["pane", "hairline", "ink", "quiet", "for"]) {
      probe.style.color = `var(--${name})`;
      inks[name] = getComputedStyle(probe).color;
    }
    forget();
  }

  function resize() {
    if (!inks.pane) turnTheme();
    layOut();
  }

  scroller.addEventListener("scroll", soon, { passive: true });
  scroller.addEventListener("keydown", key);
  scroller.addEventListener("blur", () => here || hover(null));
  canvas.addEventListener("pointermove", (event) => {
    here = true;
    const place = placeAt(event);
    hover(place === null ? null : order[place]);
  });
  canvas.addEventListener("pointerleave", () => {
    here = false;
    hover(null);
  });
  canvas.addEventListener("click", (event) => {
    const place = placeAt(event);
    if (place !== null) open(place);
  });
  sort.addEventListener("change", () => model.send({ sort: sort.value }));
  next.addEventListener("click", () => show(Object.keys(MODES)[(Object.keys(MODES).indexOf(mode) + 1) % 4]));
  window.addEventListener("lrp-theme", turnTheme);
  model.on("msg:custom", receiveTiles);
  const watching = new ResizeObserver(resize);
  watching.observe(scroller);
  show(mode);
  const undo = follow(model, el, receive);
  return () => {
    cancelAnimationFrame(waiting);
    window.removeEventListener("lrp-theme", turnTheme);
    model.off("msg:custom", receiveTiles);
    watching.disconnect();
    undo();
  };
}

export default { render };
