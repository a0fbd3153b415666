// Explanations as points on a map. Points are pixels of one canvas; what a gesture leaves is drawn on another one above it.

import { array, follow } from "../base/common.js";
import { news } from "./news.js";
import { carried } from "./scatter/axes.js";
import { keys } from "./scatter/keys.js";
import { legendOf } from "./scatter/legend.js";
import { pointer } from "./scatter/pointer.js";
import { others, selecting } from "./scatter/selecting.js";
import { seenOf } from "./scatter/shown.js";
import { stageOf } from "./scatter/stage.js";
import { toolbar } from "./scatter/tools.js";

const MOST_GLIDING = 20_000; // points: of more, each frame would take too long

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-scatter");
  const home = () => model.get("home");
  const stage = stageOf(home, () => legend.redress());
  const { shown, axes, soon } = stage;
  const tools = toolbar({ hold, invert, isolate: () => model.send({ isolate: !shown.isolated }), clear: () => select([]), fit: () => show(home()) });
  const { hear, select } = selecting(model, shown, soon, suit);
  const legend = legendOf(model, stage, toggle);
  const map = { stage: stage.made, shown, axes, soon, show };
  const { drop } = pointer(map, select, (position) => model.send({ hover: position }));
  keys(map, home, { 0: () => tools.fit.click(), Escape: () => (shown.gesture ? drop() : tools.escape.click()) });
  el.append(stage.made, legend.made, legend.probe, tools.made);
  const { got, came } = news(model);
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function receive() {
    const from = got.home;
    const fresh = came("xy");
    if (fresh) takePoints(array(got.xy, Float32Array), from);
    if (came("home") || fresh) show(got.home);
    if (came("groups", "values", "legend", "hidden", "isolated") || fresh) arrange();
    if (came("selection") || fresh) hear(array(got.selection, Uint32Array));
    if (!shown.here) shown.hovered = model.get("hovered");
    soon("marks");
  }

  /** Show other points, or the same ones elsewhere; `from` is the domain in which these were. */
  function takePoints(/** @type {Float32Array<ArrayBuffer>} */ xy, /** @type {number[]} */ from) {
    const glides = xy.length === shown.xy.length && xy.length <= 2 * MOST_GLIDING && !still.matches;
    shown.glide = glides ? { from: carried(shown.xy, from, home()), start: performance.now() } : null;
    shown.xy = xy;
    stage.forget();
  }

  /** Which points are seen, and in which colours. */
  function arrange() {
    shown.groups = array(model.get("groups"), Int16Array);
    shown.isolated = model.get("isolated");
    const isolated = shown.isolated && array(shown.isolated, Uint32Array);
    shown.seen = seenOf(shown.xy.length / 2, shown.groups, isolated, new Set(model.get("hidden")));
    tools.isolate.ariaPressed = String(Boolean(isolated));
    legend.redress();
  }

  function show(/** @type {number[]} */ domain) {
    axes.domain = domain;
    tools.fit.disabled = home().every((/** @type {number} */ side, /** @type {number} */ i) => side === domain[i]);
    soon("points");
    soon("marks");
  }

  function toggle(/** @type {number} */ group) {
    const hidden = new Set(model.get("hidden"));
    if (!hidden.delete(group)) hidden.add(group);
    model.send({ hidden: [...hidden] });
    const stays = shown.selection.filter((p) => shown.groups[p] !== group);
    if (stays.length < shown.selection.length) select(stays); // what is hidden cannot be selected
  }

  function invert() {
    select(others(shown.seen, shown.chosen));
  }

  function suit() {
    tools.suit(shown.selection.length, Boolean(shown.isolated));
    el.dataset.selected = String(shown.selection.length);
  }

  function hold(/** @type {import("./scatter/tools.js").Tool} */ tool) {
    shown.tool = stage.made.dataset.tool = tool;
    tools.hold(tool);
  }

  function turnTheme() {
    stage.forget();
    legend.redress();
  }

  hold(shown.tool);
  window.addEventListener("lrp-theme", turnTheme);
  model.on("msg:custom", stage.receiveTile);
  const undo = follow(model, el, receive);
  return () => {
    stage.close();
    window.removeEventListener("lrp-theme", turnTheme);
    model.off("msg:custom", stage.receiveTile);
    undo();
  };
}

export default { render };
