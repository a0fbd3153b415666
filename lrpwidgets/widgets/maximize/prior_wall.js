// Columns of priors, in each the same wishes.

import { element, button, array, follow } from "../base/common.js";
import { searchable } from "../base/searching.js";
import { paintRgb, picture, fill } from "./pictures.js";
import { parts } from "./tiles.js";

/**
 * @typedef {object} Tile what was made up
 * @property {string} prior
 * @property {number} number of the class that is wished for
 * @property {string} name of the class that the network says
 * @property {number} says its number
 * @property {string} density
 * @property {string} problem why there is no picture; empty if there is one
 *
 * @typedef {{ chosen: number[], names: string[] }} Wishes
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-priors");
  const said = element("span", { className: "lrp-quiet" });
  const choices = element("span", { className: "lrp-wishes" });
  const toggle = button("", "Let the wall wait, or go on", () => model.send({ paint: !model.get("state").painting }));
  const columns = element("div", { className: "lrp-prior-columns" });
  let selects = /** @type {HTMLSelectElement[]} */ ([]);
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Priors × classes"), said, element("span", { className: "lrp-space" }), toggle, element("span", { className: "lrp-quiet" }, "wishes"), choices),
    columns,
  );

  function draw() {
    const [state, tiles, classes] = ["state", "tiles", "classes"].map((trait) => model.get(trait));
    el.hidden = !state.chosen?.length;
    if (el.hidden) return;
    const range = state.real.length ? ` · real inputs have log-density ${state.real[0]} to ${state.real[1]}` : "";
    said.textContent = `${state.steps} steps each; below each, what the network says once it is resized${range}`;
    const left = state.total - tiles.length;
    toggle.hidden = left <= 0;
    toggle.textContent = !state.painting ? "go on" : state.waits ? `${tiles.length} of ${state.total}, after the film` : `${tiles.length} of ${state.total} · wait`;
    choose(state, classes);
    const good = tiles.filter((/** @type {Tile} */ one) => !one.problem);
    const pixels = parts(array(model.get("pixels"), Uint8Array), good.map(() => model.get("size")), 3);
    /** @type {Map<Tile, Uint8Array | undefined>} */
    const made = new Map(tiles.map((/** @type {Tile} */ one) => [one, pixels[good.indexOf(one)]]));
    columns.replaceChildren(...state.priors.map((/** @type {string[]} */ prior) => column(prior, state, made)));
    el.dataset.tiles = tiles.length;
  }

  /**
   * @param {string[]} prior its name, its title and the density of the real inputs under it
   * @param {Wishes} wishes
   * @param {Map<Tile, Uint8Array | undefined>} made pixels of tiles; none of those that have a problem
   */
  function column([prior, title, density], { chosen, names }, made) {
    const every = [...made.keys()];
    const row = chosen.map((wanted, at) => {
      const found = every.find((one) => one.prior === prior && one.number === wanted);
      return tile(found, prior, wanted, names[at], found && made.get(found));
    });
    return element(
      "section",
      {},
      element("div", { className: "lrp-head" }, element("b", {}, title), element("span", { className: "lrp-quiet" }, density ? "log-density " : "", element("b", {}, density))),
      element("div", { className: "lrp-prior-tiles" }, ...row),
    );
  }

  /**
   * @param {Tile | undefined} found
   * @param {string} prior
   * @param {number} wanted
   * @param {string} name
   * @param {Uint8Array | undefined} pixels
   */
  function tile(found, prior, wanted, name, pixels) {
    const canvas = picture("");
    const words = element("span", {}, found ? found.problem || found.name : "…");
    const title = found?.problem || (found ? `Made up for ${name}; log-density ${found.density || "unknown"}; resized, the network says ${found.name}. A click plays it as a film.` : `${name} under ${prior}: not made yet`);
    const made = button("", title, () => model.send({ wish: wanted, prior }), { ariaLabel: title });
    made.append(canvas, words);
    if (found && pixels) {
      paintRgb(canvas, pixels, model.get("size"));
      words.classList.toggle("lrp-error", found.says !== wanted);
    }
    return made;
  }

  /**
   * @param {Wishes} wishes
   * @param {string[]} classes
   */
  function choose({ chosen }, classes) {
    if (selects.length !== chosen.length) {
      selects = chosen.map((_, place) => element("select", { ariaLabel: `Wish ${place + 1}` }));
      for (const each of selects) each.addEventListener("change", () => model.send({ classes: selects.map((one) => Number(one.value)) }));
      choices.replaceChildren(...selects);
      selects.forEach(searchable);
    }
    const pairs = classes.map((name, index) => [String(index), name]);
    chosen.forEach((wanted, place) => fill(selects[place], pairs, String(wanted)));
  }

  return follow(model, el, draw);
}

export default { render };
