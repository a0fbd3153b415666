// The channels inside a layer. Which of relevance and activation is drawn, and with which sign, is chosen here alone;
// a canvas holds one pixel per position, so that a test can read the exact colours back.

import { colour, mapOn, paperOf, element, button, number, array, follow } from "../base/common.js";

const SIGNS = { "±": (r) => r, "+": (r) => Math.max(0, r), "−": (r) => Math.min(0, r) };
const SIGN_TITLES = { "±": "Relevance for and against", "+": "Relevance for the class only", "−": "Relevance against the class only" };
const RANKS = { sum: "Σ R", size: "Σ |R|", activation: "activation" };

function render({ model, el }) {
  el.classList.add("lrp", "lrp-inside");
  const layer = element("select", { ariaLabel: "Layer to look into", className: "lrp-mono" });
  const note = element("span", { className: "lrp-quiet" });
  const only = element("button", {
    type: "button",
    title: "Show the relevance through the chosen channels only, or all of it again",
    data: { shortcut: "c" },
  });
  const wants = button("", "What would the chosen channel like to see?", () => model.send({ wants: model.get("chosen").channels[0] }), { data: { shortcut: "a" } });
  const share = element("span", { className: "lrp-quiet" });
  const sentence = element("p", { className: "lrp-quiet", role: "status" });
  const rank = element(
    "select",
    { ariaLabel: "Order of the channels" },
    ...Object.entries(RANKS).map(([value, text]) => element("option", { value }, text)),
  );
  const order = element("label", { className: "lrp-quiet" }, "by ", rank);
  const grid = element("div", { className: "lrp-tiles", role: "listbox", ariaLabel: "Channels", ariaMultiSelectable: "true" });
  const scale = element("div", { className: "lrp-map-scale lrp-quiet" });
  const look = { shows: "relevance", sign: "±" };
  const shows = choices("What the maps show", ["relevance", "activation", "both"], "shows", (name) => `Maps of ${name === "both" ? "relevance and activation, side by side" : name}`);
  const signs = choices("Sign of relevance", Object.keys(SIGNS), "sign", (name) => SIGN_TITLES[name]);
  let relevance = [];
  let activation = [];
  let listed = null;
  let focused = 0; // the tile that Tab reaches

  layer.addEventListener("change", () => model.send({ layer: layer.value }));
  rank.addEventListener("change", () => model.send({ rank: rank.value }));
  only.addEventListener("click", () => model.send({ only: !model.get("chosen").only }));
  grid.addEventListener("keydown", key);
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Inside"), layer, element("span", { className: "lrp-space" }), wants, only),
    element("div", { className: "lrp-head lrp-inside-tools" }, shows, signs, order, element("span", {}, note, share)),
    sentence, grid, scale,
  );

  function choices(label, names, part, title) {
    const buttons = names.map((name) => {
      const button = element("button", { type: "button", title: title(name), ariaPressed: String(look[part] === name) }, name);
      button.addEventListener("click", () => {
        look[part] = name;
        for (const each of buttons) each.ariaPressed = String(each === button);
        draw();
      });
      return button;
    });
    return element("div", { className: "lrp-choices", role: "group", ariaLabel: label }, ...buttons);
  }

  function receive() {
    const halves = array(model.get("relevance"), Uint16Array);
    relevance = Float32Array.from(halves, half);
    activation = array(model.get("activation"), Uint8Array);
    const head = model.get("head");
    el.hidden = !head.layer;
    if (el.hidden) return;
    list();
    const noun = head.heads ? "head" : "channel";
    note.textContent = `${head.count.toLocaleString("en")} ${noun}${head.count === 1 ? "" : "s"} · Σ R = ${number(head.total)}`;
    rank.value = head.rank;
    sentence.textContent = head.sentence;
    sentence.hidden = !head.sentence;
    choose();
    draw();
  }

  function list() {
    const layers = model.get("layers");
    if (layers !== listed) {
      layer.replaceChildren(...layers.map(([value, text]) => element("option", { value }, text)));
      listed = layers;
    }
    layer.value = model.get("head").layer;
    layer.title = layer.selectedOptions[0]?.textContent ?? "";
  }

  function choose() {
    const { channels, only: alone, share: part } = model.get("chosen");
    const names = channels.slice(0, 3).map((channel) => `#${channel}`).join(", ") + (channels.length > 3 ? " …" : "");
    const noun = model.get("head").heads ? "head" : "channel";
    only.textContent = channels.length ? `only ${noun}${channels.length > 1 ? "s" : ""} ${names}` : `only the chosen ${noun}`;
    only.disabled = !channels.length;
    only.ariaPressed = String(alone);
    wants.hidden = !model.get("wants") || !model.get("head").count;
    wants.disabled = channels.length !== 1;
    wants.textContent = wants.disabled ? "what does it want?" : `what does ${names} want?`;
    share.textContent = channels.length && part !== null ? `, of it ${number(100 * part)} % in ${names}` : "";
  }

  function draw() {
    if (!el.isConnected) return; // it has no paper yet
    const { channels } = model.get("chosen");
    const tiles = model.get("tiles");
    const [height] = model.get("size");
    grid.hidden = scale.hidden = !height;
    for (const part of [shows, signs, order]) part.hidden = !height;
    if (!height) return;
    while (grid.children.length > tiles.length) grid.lastChild.remove();
    while (grid.children.length < tiles.length) grid.append(made(grid.children.length));
    focused = Math.min(focused, tiles.length - 1);
    const paper = paperOf(grid);
    tiles.forEach((tile, place) => paintTile(grid.children[place], tile, place, channels, paper));
    legend();
  }

  function made(place) {
    const tile = element(
      "div",
      { className: "lrp-tile", role: "option", tabIndex: -1 },
      element("div", { className: "lrp-tile-maps" }, element("canvas", { className: "lrp-r" }), element("canvas", { className: "lrp-a" })),
      element("div", { className: "lrp-tile-caption" }, element("span", { className: "lrp-quiet" }), element("b")),
    );
    tile.addEventListener("click", (event) => pick(place, event.shiftKey || event.ctrlKey || event.metaKey));
    tile.addEventListener("focus", () => focus(place));
    const wish = element("span", { className: "lrp-tile-wish", ariaHidden: "true", title: "What would it like to see?" }, "✦"); // the button above is for keys
    wish.addEventListener("click", (event) => {
      event.stopPropagation();
      model.send({ wants: model.get("tiles")[place].channel });
    });
    tile.prepend(wish);
    return tile;
  }

  function paintTile(tile, { channel, sum, mean, apart }, place, channels, paper) {
    const whole = channel === null;
    const [r, a] = tile.querySelectorAll("canvas");
    r.hidden = look.shows === "activation";
    a.hidden = look.shows === "relevance";
    const [sign, hues] = [SIGNS[look.sign], mapOn("red–blue", paper)];
    if (!r.hidden) paint(r, place, (pixels, i, at) => colour(pixels, at, sign(relevance[i]), hues, paper));
    if (!a.hidden) paint(a, place, ink(tile, paper));
    const name = whole ? "all" : `#${channel}`;
    const value = look.shows === "activation" ? mean : sum;
    const said = `${whole ? "Whole layer" : name}: Σ R = ${number(sum)}, mean activation ${number(mean)}`;
    tile.title = said + (apart === undefined ? "" : `, of it ${number(apart)} at the class token, which is not on the map`);
    tile.ariaLabel = tile.title;
    const [label, amount] = tile.lastChild.children;
    label.textContent = name;
    amount.textContent = number(Number(value.toPrecision(2))); // there is room for no more
    tile.firstChild.hidden = whole || !model.get("wants");
    tile.ariaSelected = String(!whole && channels.includes(channel));
    tile.tabIndex = place === focused ? 0 : -1;
    tile.dataset.channel = whole ? "all" : channel;
  }

  function paint(canvas, place, put) {
    const [height, width] = model.get("size");
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.style.aspectRatio = Math.min(4, Math.max(2 / 3, width / height)); // a row of tokens is drawn as a band
    const image = new ImageData(width, height);
    const start = place * width * height;
    for (let i = 0; i < width * height; i++) put(image.data, start + i, 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** Activation from paper to ink: red and blue mean relevance. */
  function ink(tile, paper) {
    const full = getComputedStyle(tile).color.match(/[\d.]+/g).map(Number);
    return (pixels, i, at) => {
      for (let c = 0; c < 3; c++) pixels[at + c] = paper[c] + ((full[c] - paper[c]) * activation[i]) / 255;
      pixels[at + 3] = 255;
    };
  }

  function legend() {
    const { whole, channels, low, high, pooled } = model.get("scale");
    const said = [];
    if (look.shows !== "activation") {
      said.push(`±${number(channels)} relevance per position, same scale in all channels; ±${number(whole)} in “all”`);
    }
    if (look.shows !== "relevance") said.push(`activation ${number(low)} (paper) to ${number(high)} (ink), “all” stretched to its own`);
    const { apart } = model.get("tiles")[0];
    if (apart !== undefined) said.push(`class token, not on the maps: Σ R = ${number(apart)}`);
    if (pooled > 1) said.push(`${pooled} × ${pooled} positions pooled`);
    scale.textContent = said.join(" · ");
    scale.title = pooled > 1 ? "Relevance is summed over pooled positions, so sums are kept; activation is averaged" : "";
  }

  function pick(place, add) {
    const { channel } = model.get("tiles")[place];
    if (channel !== null) model.send({ channel, add });
    focus(place);
  }

  function focus(place) {
    grid.children[focused]?.setAttribute("tabindex", -1);
    focused = place;
    grid.children[focused].setAttribute("tabindex", 0);
  }

  function key(event) {
    const last = grid.children.length - 1;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(), Home: -last, End: last };
    if (event.key === "Enter" || event.key === " ") pick(focused, event.shiftKey || event.ctrlKey || event.metaKey);
    else if (event.key in moves) {
      focus(Math.min(last, Math.max(0, focused + moves[event.key])));
      grid.children[focused].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // arrows would open the next input
  }

  const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;

  const undo = follow(model, el, receive);
  const appearance = new ResizeObserver(draw);
  appearance.observe(el);
  window.addEventListener("lrp-theme", draw);
  return () => {
    window.removeEventListener("lrp-theme", draw);
    appearance.disconnect();
    undo();
  };
}

/** The number that sixteen bits stand for. */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits & 0x8000 ? -size : size;
}

export default { render };
