// Columns of priors, in each the same wishes.

import { element, button, array, follow } from "../base/common.js";
import { paintRgb, picture, fill } from "./pictures.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-priors");
  const said = element("span", { className: "lrp-quiet" });
  const choices = element("span", { className: "lrp-wishes" });
  const toggle = button("", "Let the wall wait, or go on", () => model.send({ paint: !model.get("state").painting }));
  const columns = element("div", { className: "lrp-prior-columns" });
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
    const [bytes, size] = [array(model.get("pixels"), Uint8Array), model.get("size")];
    const places = new Map();
    tiles.filter((tile) => !tile.problem).forEach((tile, place) => places.set(tile, place));
    const each = 3 * size[0] * size[1];
    columns.replaceChildren(
      ...state.priors.map(([prior, title, density]) =>
        element(
          "section",
          {},
          element("div", { className: "lrp-head" }, element("b", {}, title), element("span", { className: "lrp-quiet" }, density ? "log-density " : "", element("b", {}, density))),
          element("div", { className: "lrp-tiles" }, ...state.chosen.map((wanted, at) => tile(tiles.find((one) => one.prior === prior && one.number === wanted), prior, wanted, state.names[at], (found) => bytes.subarray(places.get(found) * each, (places.get(found) + 1) * each), size))),
        ),
      ),
    );
    el.dataset.tiles = tiles.length;
  }

  function tile(found, prior, wanted, name, pixels, size) {
    const canvas = picture("");
    const words = element("span", {}, found ? found.problem || found.name : "…");
    const title = found?.problem || (found ? `Made up for ${name}; log-density ${found.density || "unknown"}; resized, the network says ${found.name}. A click plays it as a film.` : `${name} under ${prior}: not made yet`);
    const made = button("", title, () => model.send({ wish: wanted, prior }), { ariaLabel: title });
    made.append(canvas, words);
    if (found && !found.problem) {
      paintRgb(canvas, pixels(found), size);
      words.classList.toggle("lrp-error", found.says !== wanted);
    }
    return made;
  }

  function choose({ chosen }, classes) {
    if (choices.children.length !== chosen.length) {
      choices.replaceChildren(
        ...chosen.map((_, place) => {
          const made = element("select", { ariaLabel: `Wish ${place + 1}` });
          made.addEventListener("change", () => model.send({ classes: [...choices.children].map((one) => Number(one.value)) }));
          return made;
        }),
      );
    }
    const pairs = classes.map((name, index) => [String(index), name]);
    chosen.forEach((number, place) => fill(choices.children[place], pairs, String(number)));
  }

  return follow(model, el, draw);
}

export default { render };
