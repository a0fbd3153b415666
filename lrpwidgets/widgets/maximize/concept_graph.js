// Three columns of channels, from the output on the left down to the input, and between them ribbons: what flows.

import { colour, mapOn, paperOf, element, button, number, array, follow } from "../base/common.js";
import { parts, paintRelevance } from "./tiles.js";

const [HEIGHT, TALLEST, BETWEEN] = [216, 72, 4]; // pixels of a column, of its tallest row, and what is left free of a row
const [WIDEST, THINNEST, SEEN] = [14, 0.5, 0.01]; // pixels of a ribbon; which part of the widest is drawn at least
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Pixels of each of `count` rows: where channels are few, they are taller, since more flows through each. */
const step = (count) => Math.min(TALLEST, HEIGHT / count);

/** Give each ribbon of `side` its place in its node: in the order of the other ends, within the node's height. */
function spread(edges, side, other, room) {
  for (const node of new Set(edges.map((edge) => edge[side]))) {
    const own = edges.filter((edge) => edge[side] === node).sort((a, b) => a[other] - b[other]);
    const total = own.reduce((sum, edge) => sum + edge.width, 0);
    const squeeze = Math.min(1, room / total);
    let at = -total / 2;
    for (const edge of own) {
      edge[`${side}At`] = squeeze * (at + edge.width / 2);
      at += edge.width;
    }
  }
}

/** The edges that are wide enough to be seen, and the |relevance| of the widest. */
function widths(edges) {
  const most = Math.max(1e-30, ...edges.map(([, , , relevance]) => Math.abs(relevance)));
  const seen = edges.filter(([, , , relevance]) => Math.abs(relevance) >= SEEN * most);
  return [seen.map(([, above, below, relevance]) => ({ above, below, relevance, width: Math.max(THINNEST, (WIDEST * Math.abs(relevance)) / most) })), most];
}

/** The ribbons of one gap between columns of so many channels, and with such names. */
function ribbons(edges, counts, names, hue) {
  const steps = counts.map(step);
  const middle = (place, side) => HEIGHT / 2 + (place + 0.5 - counts[side] / 2) * steps[side];
  spread(edges, "above", "below", steps[0] - 2 * BETWEEN);
  spread(edges, "below", "above", steps[1] - 2 * BETWEEN);
  const paths = [...edges]
    .sort((a, b) => b.width - a.width) // thin ones lie on top
    .map((edge) => {
      const [from, to] = [middle(edge.above, 0) + edge.aboveAt, middle(edge.below, 1) + edge.belowAt];
      const title = `${names[0](edge.above)} → ${names[1](edge.below)}: ${number(edge.relevance, { sign: true })}`;
      const path = shape("path", { d: `M0 ${from} C45 ${from} 55 ${to} 100 ${to}`, stroke: hue(edge.relevance), "stroke-width": edge.width }, shape("title", {}, title));
      Object.assign(path.dataset, { above: edge.above, below: edge.below, relevance: edge.relevance });
      return path;
    });
  return shape("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", height: HEIGHT, role: "img", "aria-label": `${edges.length} flows` }, ...paths);
}

/** What colours a ribbon by the sign of its relevance, on this paper. */
function hues(paper) {
  const [map, pixel] = [mapOn("red–blue", paper), []];
  return (relevance) => {
    colour(pixel, 0, Math.sign(relevance), map, paper);
    return `rgb(${pixel.slice(0, 3).map(Math.round).join(" ")})`;
  };
}

/** A channel as a button that does `act`; while it is pointed at, its ribbons stand out of the `graph`. */
function node(graph, [layer, [channel, name, sum]], act) {
  const title = `channel ${channel} of ${layer}${name ? `, “${name}”` : ""}, Σ R ${number(sum)}`;
  const made = button("", title, act, { data: { channel }, ariaLabel: title });
  made.append(element("b", {}, name || `#${channel}`), element("span", { data: { sum: number(sum) } }, number(sum)));
  made.addEventListener("mouseenter", () => single(graph, made));
  made.addEventListener("mouseleave", () => single(graph, null));
  made.addEventListener("focus", () => made.matches(":focus-visible") && single(graph, made));
  made.addEventListener("blur", () => single(graph, null));
  return made;
}

/** Put maps on channels: where in the input relevance flows through each of them. */
function locate(buttons, bytes, size, paper) {
  const maps = parts(bytes, buttons.map(() => size), 1);
  buttons.forEach((made, at) => {
    const canvas = element("canvas");
    paintRelevance(canvas, maps[at], size, paper);
    made.prepend(canvas);
  });
}

/** Have the ribbons of one channel stand out, and say at their other ends how much flows; for null, all of them. */
function single(graph, node) {
  const [column, place] = [Number(node?.dataset.column), node?.dataset.place];
  const flows = new Map();
  for (const path of graph.querySelectorAll("path")) {
    const [gap, { above, below, relevance }] = [Number(path.parentNode.dataset.gap), path.dataset];
    const [down, up] = [gap === column && above === place, gap === column - 1 && below === place];
    path.classList.toggle("lrp-off", node !== null && !down && !up);
    if (down) flows.set(`${gap + 1} ${below}`, relevance);
    if (up) flows.set(`${gap} ${above}`, relevance);
  }
  for (const other of graph.querySelectorAll("button")) {
    const relevance = flows.get(`${other.dataset.column} ${other.dataset.place}`);
    other.classList.toggle("lrp-off", node !== null && other !== node && relevance === undefined);
    const sum = other.querySelector("span");
    sum.textContent = relevance === undefined ? sum.dataset.sum : number(Number(relevance), { sign: true });
  }
}

function render({ model, el }) {
  el.classList.add("lrp", "lrp-graph");
  const subtitle = element("span", { className: "lrp-quiet" });
  const nothing = element("p", { className: "lrp-quiet lrp-why" });
  const graph = element("div", { className: "lrp-flow", role: "group", ariaLabel: "Channels from the output down, and what flows between them" });
  el.append(element("div", { className: "lrp-head" }, element("h2", {}, "Concepts of this input"), subtitle), graph, nothing);
  let focused = false; // whether a channel was, also while there is no graph for a moment
  window.addEventListener("lrp-theme", draw);

  function draw() {
    const [state, columns] = [model.get("state"), model.get("columns")];
    focused ||= graph.contains(document.activeElement);
    nothing.textContent = state.nothing ?? "";
    nothing.hidden = !state.nothing;
    graph.hidden = Boolean(state.nothing);
    el.dataset.layer = state.layer ?? "";
    if (state.nothing || !columns.length) return (subtitle.textContent = "");
    subtitle.textContent = `how relevance for “${state.says}” flows down from layer to layer · width: how much, red for it, blue against it · a click moves on to a channel`;
    const [first, second] = gaps(columns);
    const [above, own, below] = columns.map(list);
    graph.replaceChildren(above, first, own, second, below);
    if (focused && document.activeElement === document.body) (own.querySelector("[aria-pressed=true]") ?? own.querySelector("button")).focus();
    focused = false;
  }

  /** The ribbons on both sides of the own layer, each side on a scale of its own, which stands above it. */
  function gaps(columns) {
    const hue = hues(paperOf(el));
    const name = (column) => (place) => `#${column[1][place][0]} of ${column[0]}`;
    return [0, 1].map((gap) => {
      const [above, below] = [columns[gap], columns[gap + 1]];
      if (!above || !below) return element("span");
      const [edges, most] = widths(model.get("edges").filter(([where]) => where === gap));
      const drawn = ribbons(edges, [above[1].length, below[1].length], [name(above), name(below)], hue);
      drawn.dataset.gap = gap;
      return element("div", {}, element("div", { className: "lrp-quiet lrp-scale" }, `widest ${number(most)}`), drawn);
    });
  }

  function list(column, place) {
    if (!column) return element("p", { className: "lrp-quiet lrp-end" }, place ? "the input" : "the output");
    const [layer, channels] = column;
    const { wished, number: chosen } = model.get("state");
    const buttons = channels.map((each, at) => {
      const made = node(graph, [layer, each], () => model.send({ channel: each[0], layer }));
      Object.assign(made.dataset, { column: place, place: at });
      made.ariaPressed = String(layer === wished && each[0] === chosen);
      made.style.height = `${step(channels.length) - BETWEEN}px`;
      return made;
    });
    if (place === 1) locate(buttons, array(model.get("heatmaps"), Int8Array), model.get("heatmap"), paperOf(el));
    return element("div", { data: { layer } }, element("div", { className: "lrp-quiet" }, element("span", { className: "lrp-mono", title: layer }, layer), element("span", {}, "Σ R")), element("div", { style: { height: `${HEIGHT}px`, gap: `${BETWEEN}px` } }, ...buttons));
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    window.removeEventListener("lrp-theme", draw);
  };
}

export default { render };
