// Explanations as points on a map. Points are pixels of one canvas; what a gesture leaves is drawn on another one above it.

import { DARK, SHINING } from "../base/colours.js";
import { paperOf, element, button, array, follow } from "../base/common.js";
import { dots } from "./dots.js";
import { inside } from "./lasso.js";
import { lately } from "./lately.js";
import { sprites } from "./sprites.js";

const TOOLS = { pan: "Move the map", box: "Select in a box: shift adds, alt subtracts", lasso: "Select in an outline drawn by hand: shift adds, alt subtracts" };
const TOOL_KEYS = { pan: "h", box: "b", lasso: "l" };
const NEAR = 8; // pixels from a point at which it is meant
const STILL = 4; // pixels that a click may move
const FINE = 3; // pixels between corners of a lasso
const MOST_ZOOM_IN = 200;
const GLIDE = 600; // milliseconds in which points move to where another embedding or composite puts them
const MOST_GLIDING = 20_000; // points: of more, each frame would take too long
const TIP = 64; // pixels of the pictures beside the pointer

function render({ model, el }) {
  el.classList.add("lrp", "lrp-scatter");
  const [field, marks] = [element("canvas", { className: "lrp-points" }), element("canvas", { className: "lrp-gestures" })];
  const tip = element("figure", { className: "lrp-tip", hidden: true }, element("canvas"), element("figcaption"));
  const stage = element(
    "div",
    { className: "lrp-stage", tabIndex: 0, role: "application", ariaLabel: "Map of the explanations: arrow keys move it, plus and minus zoom, 0 shows all" },
    field, marks, tip,
  );
  const legend = element("div", { className: "lrp-legend" });
  const probe = element("i", { hidden: true });
  const tools = Object.entries(TOOLS).map(([name, title]) => button(name, title, () => hold(name), { data: { shortcut: TOOL_KEYS[name] } }));
  const invert = button("invert", "Select all others instead", inverted, { data: { shortcut: "i" } });
  const isolate = button("isolate", "Show the selection alone, or all again", () => model.send({ isolate: !isolated }), { data: { shortcut: "s" } });
  const clear = button("clear", "Select nothing", () => select([]), { data: { shortcut: "x" } });
  const escape = button("clear", "Select nothing", () => select([]), { hidden: true, data: { shortcut: "Escape", unseen: true } });
  const fit = button("fit", "Show all of the map", () => zoomTo(model.get("home")), { data: { shortcut: "0" } });
  el.append(
    stage,
    legend,
    probe,
    element(
      "div",
      { className: "lrp-scatter-tools" },
      element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the mouse does" }, ...tools),
      invert, isolate, clear, escape, fit,
      element("span", { className: "lrp-quiet lrp-hint" }, "shift adds · alt subtracts"),
    ),
  );

  let xy = new Float32Array();
  let groups = new Int16Array();
  let seen = new Uint8Array(); // by position: whether it can be seen, and selected
  let tints = new Uint8Array(); // by position: red, green and blue
  let selection = new Uint32Array();
  let chosen = new Uint8Array(); // by position: whether it is selected
  let isolated = null;
  let domain = model.get("home"); // x0, x1, y0, y1 of what is in view
  let outline = null; // corners of the newest gesture, in the coordinates of the points
  let tool = "lasso";
  let gesture = null;
  let glide = null; // where points come from while they move
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let [hovered, here] = [null, false]; // the point that is looked at; whether the mouse is over the map
  let [width, height] = [0, 0];
  const stale = { points: true, marks: true };
  const thumbnails = sprites();
  let waiting = 0;

  // -- what the kernel says ------------------------------------------------------------------------------------------

  const got = {};
  /** Whether the kernel sent one of these traits since this was asked last. */
  const came = (...traits) => traits.filter((trait) => got[trait] !== (got[trait] = model.get(trait))).length > 0;

  function receive() {
    const [before, from] = [xy, got.home];
    const others = came("xy");
    if (others) xy = array(got.xy, Float32Array);
    if (others) glide = before.length === xy.length && xy.length <= 2 * MOST_GLIDING && !still.matches ? { from: carried(before, from, model.get("home")), start: performance.now() } : null;
    if (others) thumbnails.clear(paperOf(tip));
    if (came("home") || others) zoomTo(got.home);
    if (came("groups", "values", "legend", "hidden", "isolated") || others) arrange();
    if (came("selection") || others) hear(array(got.selection, Uint32Array));
    if (!here) hovered = model.get("hovered");
    soon("marks");
  }

  /** Coordinates that lie in the view `to` as `points` lie in the view `from`. */
  function carried(points, from, to) {
    return points.map((value, i) => {
      const [low, high] = i % 2 ? [2, 3] : [0, 1];
      return to[low] + ((value - from[low]) / (from[high] - from[low])) * (to[high] - to[low]);
    });
  }

  /** Which points are seen, and in which colours. */
  function arrange() {
    const n = xy.length / 2;
    groups = array(model.get("groups"), Int16Array);
    isolated = model.get("isolated");
    seen = new Uint8Array(n).fill(isolated ? 0 : 1);
    if (isolated) for (const p of array(isolated, Uint32Array)) seen[p] = 1;
    const hidden = new Set(model.get("hidden"));
    if (hidden.size) groups.forEach((group, p) => hidden.has(group) && (seen[p] = 0));
    isolate.ariaPressed = String(Boolean(isolated));
    redress();
  }

  function tint() {
    if (!el.isConnected) return; // it has no paper yet
    const values = array(model.get("values"), Float32Array);
    const [colours, none] = [palette(), rgbOf("var(--quiet)", probe)];
    tints = new Uint8Array(3 * groups.length);
    for (let p = 0; p < groups.length; p++) {
      const [r, g, b] = (values.length ? along(colours, values[p]) : colours[groups[p]]) ?? none;
      tints[3 * p] = r;
      tints[3 * p + 1] = g;
      tints[3 * p + 2] = b;
    }
    soon("points");
  }

  /** The colours of the groups; on dark paper each is as bright as it gets. */
  function palette() {
    const [r, g, b] = paperOf(stage);
    const bright = (colour) => colour.map((part) => Math.round((part * SHINING) / Math.max(...colour)));
    const colours = (model.get("legend").hues ?? []).map((hue) => rgbOf(hue, probe));
    return r + g + b > DARK ? colours : colours.map(bright);
  }

  function label() {
    if (!el.isConnected) return;
    const { names = [], sizes = [], low, high } = model.get("legend");
    const [hidden, hues] = [new Set(model.get("hidden")), palette().map((colour) => `rgb(${colour})`)];
    if (model.get("values")?.byteLength) {
      const ramp = element("i", { style: { background: `linear-gradient(90deg, ${hues.join(", ")})` } });
      legend.replaceChildren(element("span", { className: "lrp-ramp" }, low, ramp, high));
      return;
    }
    const entries = names.map((name, group) => {
      const off = hidden.has(group);
      const made = button("", `Show or hide “${name}”`, () => toggle(group), { ariaPressed: String(!off) });
      made.append(element("i", { style: { background: hues[group] } }), element("span", {}, name), element("span", { className: "lrp-quiet" }, sizes[group].toLocaleString("en")));
      return made;
    });
    const focus = [...legend.children].indexOf(document.activeElement);
    legend.replaceChildren(...entries);
    legend.children[focus]?.focus();
  }

  function toggle(group) {
    const hidden = new Set(model.get("hidden"));
    if (!hidden.delete(group)) hidden.add(group);
    model.send({ hidden: [...hidden] });
    const stays = selection.filter((p) => groups[p] !== group);
    if (stays.length < selection.length) select(stays); // what is hidden cannot be selected
  }

  // -- selection -----------------------------------------------------------------------------------------------------

  /** The kernel says what is selected, be it what it was told here. */
  function hear(positions) {
    const same = chosen.length === seen.length && positions.length === selection.length && positions.every((p, i) => p === selection[i]);
    if (!same) [outline] = [null, take(positions)];
  }

  function take(positions) {
    selection = positions;
    chosen = new Uint8Array(seen.length);
    for (const p of positions) chosen[p] = 1;
    isolate.disabled = !positions.length && !isolated;
    clear.disabled = escape.disabled = !positions.length;
    if (!positions.length) outline = null;
    el.dataset.selected = positions.length;
    soon("points");
  }

  /** Select these positions, by an `around` of corners or without; the kernel hears of it. */
  function select(positions, around = new Float64Array()) {
    outline = around.length ? around : null;
    take(Uint32Array.from(positions));
    soon("marks");
    model.send({ selected: model.get("edition") }, null, [selection.buffer, around.buffer]);
  }

  function inverted() {
    const others = [];
    for (let p = 0; p < seen.length; p++) if (seen[p] && !chosen[p]) others.push(p);
    select(others);
  }

  /** The selection with these positions: in its place, beside it with shift, without them with alt. */
  function join(positions, { shiftKey, altKey }) {
    if (!shiftKey && !altKey) return positions;
    const mask = chosen.slice();
    for (const p of positions) mask[p] = altKey ? 0 : 1;
    return mask.reduce((found, on, p) => (on && found.push(p), found), []);
  }

  // -- the map -------------------------------------------------------------------------------------------------------

  const across = (x) => ((x - domain[0]) / (domain[1] - domain[0])) * width;
  const down = (y) => height - ((y - domain[2]) / (domain[3] - domain[2])) * height;
  const xAt = (px) => domain[0] + (px / width) * (domain[1] - domain[0]);
  const yAt = (py) => domain[2] + (1 - py / height) * (domain[3] - domain[2]);

  function zoomTo(next) {
    domain = next;
    fit.disabled = model.get("home").every((end, i) => end === next[i]);
    soon("points");
    soon("marks");
  }

  /** Zoom by a factor, so that the place at (`px`, `py`) stays. */
  function zoom(factor, px = width / 2, py = height / 2) {
    const [x0, x1] = model.get("home");
    const spread = Math.min(4 * (x1 - x0), Math.max((x1 - x0) / MOST_ZOOM_IN, (domain[1] - domain[0]) / factor)) / (domain[1] - domain[0]);
    const [x, y] = [xAt(px), yAt(py)];
    zoomTo([x - (x - domain[0]) * spread, x + (domain[1] - x) * spread, y - (y - domain[2]) * spread, y + (domain[3] - y) * spread]);
  }

  function move(dx, dy) {
    const [x, y] = [(dx / width) * (domain[1] - domain[0]), (dy / height) * (domain[3] - domain[2])];
    zoomTo([domain[0] - x, domain[1] - x, domain[2] + y, domain[3] + y]);
  }

  /** The point that is meant at (`px`, `py`), or null. */
  function nearest(px, py) {
    let [found, best] = [null, NEAR ** 2];
    for (let p = 0; p < seen.length; p++) {
      const [dx, dy] = [across(xy[2 * p]) - px, down(xy[2 * p + 1]) - py];
      const distance = dx * dx + dy * dy;
      if (distance < best && seen[p]) [found, best] = [p, distance];
    }
    return found;
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  function soon(what) {
    stale[what] = true;
    waiting ||= requestAnimationFrame(draw);
  }

  function draw() {
    waiting = 0;
    if (!width || !tints.length !== !seen.length) return; // not on the page yet
    if (stale.points) drawPoints();
    if (stale.marks) drawMarks();
    Object.assign(stale, { points: false, marks: false });
  }

  /** Pixels of a dot's radius: the more points the smaller, and larger again as one zooms in. */
  function radius() {
    const closer = (model.get("home")[1] - model.get("home")[0]) / (domain[1] - domain[0]);
    return Math.min(6, Math.max(1.1, 2.9 * (1500 / Math.max(1500, seen.length)) ** 0.24) * Math.max(1, closer) ** 0.3);
  }

  function drawPoints() {
    const ratio = devicePixelRatio;
    const size = radius() * ratio;
    const surface = dots(field.width, field.height, paperOf(stage), 2 * size + 2);
    const pale = surface.brush(size, selection.length ? 0.42 : 0.8);
    const full = surface.brush(size + 0.6 * ratio, 1);
    const gone = glide ? Math.min(1, (performance.now() - glide.start) / GLIDE) : 1;
    if (gone === 1) glide = null;
    const left = (1 - gone) ** 3; // fast at first
    const at = (i) => (glide ? xy[i] + left * (glide.from[i] - xy[i]) : xy[i]);
    const put = (brush, p) => brush(across(at(2 * p)) * ratio, down(at(2 * p + 1)) * ratio, tints[3 * p], tints[3 * p + 1], tints[3 * p + 2]);
    for (let p = 0; p < seen.length; p++) if (seen[p] && !chosen[p]) put(pale, p);
    for (const p of selection) if (seen[p]) put(full, p);
    surface.show(field.getContext("2d"));
    if (glide) requestAnimationFrame(() => soon("points")); // behind this frame, whose work is marked done
  }

  function drawMarks() {
    const context = marks.getContext("2d");
    const { color } = getComputedStyle(stage);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.strokeStyle = context.fillStyle = color;
    const corners = gesture?.corners ?? outline;
    if (corners) drawOutline(context, corners);
    if (hovered !== null && hovered < seen.length && seen[hovered]) {
      context.beginPath();
      context.arc(across(xy[2 * hovered]), down(xy[2 * hovered + 1]), radius() + 3.5, 0, 2 * Math.PI);
      context.lineWidth = 2;
      context.stroke();
    }
    drawTip();
  }

  function drawOutline(context, corners) {
    context.beginPath();
    for (let i = 0; i < corners.length; i += 2) context.lineTo(across(corners[i]), down(corners[i + 1]));
    context.closePath();
    context.globalAlpha = 0.05;
    context.fill("evenodd");
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.setLineDash([4, 3]);
    context.stroke();
    context.setLineDash([]);
  }

  // -- the mouse -----------------------------------------------------------------------------------------------------

  const look = lately((position) => model.send({ hover: position }));

  function hover(position) {
    if (position === hovered) return;
    hovered = position;
    look(position);
    soon("marks");
  }

  function drawTip() {
    tip.hidden = !here || hovered === null || gesture !== null || !thumbnails.has(hovered);
    if (tip.hidden) return;
    const [canvas, caption] = tip.children;
    const side = TIP * devicePixelRatio;
    Object.assign(canvas, { width: 2 * side, height: side });
    const context = canvas.getContext("2d");
    thumbnails.draw(context, "inputs", hovered, 0, 0, side);
    thumbnails.draw(context, "heatmaps", hovered, side, 0, side);
    caption.textContent = thumbnails.caption(hovered);
    const [x, y] = [across(xy[2 * hovered]), down(xy[2 * hovered + 1])];
    const [w, h] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = `${Math.max(0, Math.min(width - w, x + 14))}px`;
    tip.style.top = `${y + 14 + h < height ? y + 14 : y - 14 - h}px`;
  }

  function hold(name) {
    tool = name;
    tools.forEach((each) => (each.ariaPressed = String(each.textContent === name)));
    stage.dataset.tool = name;
  }

  const placeOf = ({ clientX, clientY }) => {
    const { left, top } = stage.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };

  function begin(event) {
    if (event.button !== 0 || gesture) return;
    stage.setPointerCapture(event.pointerId);
    const [x, y] = placeOf(event);
    if (glide) soon("points");
    glide = null; // a gesture means the points where they are
    gesture = { start: [x, y], last: [x, y], path: [x, y], corners: null, moved: false };
  }

  function proceed(event) {
    const [x, y] = placeOf(event);
    here = true;
    if (!gesture) return hover(nearest(x, y));
    const [fromX, fromY] = gesture.start;
    gesture.moved ||= Math.hypot(x - fromX, y - fromY) > STILL;
    if (!gesture.moved) return;
    if (tool === "pan") move(x - gesture.last[0], y - gesture.last[1]);
    else if (tool === "box") gesture.path = [fromX, fromY, x, fromY, x, y, fromX, y];
    else if (Math.hypot(x - gesture.path.at(-2), y - gesture.path.at(-1)) >= FINE) gesture.path.push(x, y);
    gesture.last = [x, y];
    if (tool !== "pan") gesture.corners = Float64Array.from(gesture.path, (at, i) => (i % 2 ? yAt(at) : xAt(at)));
    hovered = null;
    soon("marks");
  }

  function end(event) {
    if (!gesture) return;
    const { corners, moved, start } = gesture;
    gesture = null;
    soon("marks");
    if (corners) return select(join(inside(xy, corners, seen), event), corners);
    const meant = moved ? null : nearest(...start);
    if (moved || (meant === null && !selection.length)) return;
    const more = event.shiftKey && meant !== null && chosen[meant] ? { altKey: true } : event; // once more takes it away
    if (meant !== null) select(join([meant], more));
    else if (!event.shiftKey && !event.altKey) select([]);
  }

  function drop() {
    gesture = null;
    soon("marks");
  }

  function leave() {
    here = false;
    hover(null);
  }

  function wheel(event) {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...placeOf(event));
  }

  function key(event) {
    const step = 40;
    const acts = {
      ArrowLeft: () => move(step, 0),
      ArrowRight: () => move(-step, 0),
      ArrowUp: () => move(0, step),
      ArrowDown: () => move(0, -step),
      "+": () => zoom(1.4),
      "-": () => zoom(1 / 1.4),
      0: () => fit.click(),
      Escape: () => (gesture ? drop() : escape.click()),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  // -- beginning and end ---------------------------------------------------------------------------------------------

  function receiveTile(message, buffers) {
    thumbnails.receive(message, buffers);
    soon("marks");
  }

  function resize() {
    [width, height] = [stage.clientWidth, stage.clientHeight];
    for (const canvas of [field, marks]) Object.assign(canvas, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) });
    redress();
  }

  /** Colours for the paper of now. */
  function redress() {
    tint();
    label();
    soon("marks");
  }

  function turnTheme() {
    thumbnails.clear(paperOf(tip));
    redress();
  }

  stage.addEventListener("pointerdown", begin);
  stage.addEventListener("pointermove", proceed);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", leave);
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("keydown", key);
  window.addEventListener("lrp-theme", turnTheme);
  model.on("msg:custom", receiveTile);
  const watching = new ResizeObserver(resize);
  watching.observe(stage);
  hold(tool);
  const undo = follow(model, el, receive);
  return () => {
    cancelAnimationFrame(waiting);
    window.removeEventListener("lrp-theme", turnTheme);
    model.off("msg:custom", receiveTile);
    watching.disconnect();
    undo();
  };
}

/** Red, green and blue of a CSS colour, be it a variable of the theme, as `probe` would have it. */
function rgbOf(colour, probe) {
  probe.style.color = colour;
  return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** The colour at a place from 0 to 1 between `stops` at equal distances; none if it is no number. */
function along(stops, place) {
  if (!(place >= 0 && place <= 1)) return undefined;
  const at = place * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  return stops[below].map((part, c) => part + (stops[below + 1][c] - part) * (at - below));
}

export default { render };
