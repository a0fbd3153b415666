// The newest frame, the frames that were kept, and the buttons of a film.

import { element, button, array, follow } from "../base/common.js";
import { paintRgb, picture } from "./pictures.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-forming");
  const frame = element("span");
  const about = element("span", { className: "lrp-quiet" });
  const canvas = picture("Maximized input");
  const strip = element("div", { className: "lrp-kept", role: "group", ariaLabel: "Frames that were kept" });
  const act = (/** @type {string} */ what) => () => model.send({ do: what });
  let goes = false;
  let tiles = /** @type {ReturnType<typeof tile>[]} */ ([]); // one for each frame that was kept, and one for the newest
  const toggle = button("", "Play or pause", () => model.send({ do: goes ? "pause" : "play" }), { className: "lrp-play", data: { shortcut: "p" } });
  const step = button("step", "Make one more frame", act("step"), { data: { shortcut: "." } });
  const stop = button("stop", "End the film; the picture stays", act("stop"), { data: { shortcut: "x" } });
  const restart = button("restart from here", "Begin a film at the frame that you look at", act("restart"), { data: { shortcut: "r" } });
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, frame), element("span", { className: "lrp-space" }), about),
    canvas,
    strip,
    element("div", { className: "lrp-film-keys" }, toggle, step, stop, restart),
  );

  function draw() {
    const state = model.get("state");
    const size = model.get("size");
    if (state.step === undefined) return;
    const from = state.trail.length ? `, begun at frame ${state.trail.at(-1).toLocaleString("en")}` : "";
    frame.replaceChildren(`frame ${state.step.toLocaleString("en")}`, element("span", { className: "lrp-quiet" }, ` of ${state.steps.toLocaleString("en")}${from}`));
    about.textContent = `${size[0]} × ${size[1]} · seed ${state.seed}`;
    paintRgb(canvas, array(model.get("pixels"), Uint8Array), size);
    canvas.ariaLabel = `Made up to excite ${state.what}, frame ${state.step}. ${state.sentence}`;
    goes = state.running;
    toggle.textContent = goes ? "❙❙ pause" : state.ended ? "↻ again" : "▶ play";
    toggle.ariaLabel = goes ? "pause" : state.ended ? "again" : "play";
    step.disabled = state.ended;
    stop.disabled = state.ended;
    el.dataset.step = state.step;
    el.dataset.film = state.film;
    el.dataset.running = String(state.running);
    el.dataset.ended = String(state.ended);
    list(state);
  }

  /** @param {{ kept: number[], looked: number | null, newest: number, running: boolean }} state */
  function list({ kept, looked, newest, running }) {
    const [bytes, size] = [array(model.get("thumbnails"), Uint8Array), model.get("thumbnail")];
    const each = 3 * size[0] * size[1];
    const wanted = `${kept}`;
    if (strip.dataset.kept !== wanted || strip.dataset.bytes !== String(bytes.length)) {
      Object.assign(strip.dataset, { kept: wanted, bytes: bytes.length });
      tiles = [...kept.keys(), null].map(tile);
      strip.replaceChildren(...tiles.map(({ made }) => made));
      kept.forEach((at, place) => {
        const { made, canvas: small, words } = tiles[place];
        paintRgb(small, bytes.subarray(place * each, (place + 1) * each), size);
        words.textContent = at.toLocaleString("en");
        made.ariaLabel = `frame ${at}`;
      });
    }
    const last = tiles[kept.length];
    last.words.textContent = running ? "live" : newest.toLocaleString("en");
    last.made.ariaLabel = "the newest frame";
    if (looked === null) paintRgb(last.canvas, array(model.get("pixels"), Uint8Array), model.get("size"));
    tiles.forEach(({ made }, place) => (made.ariaPressed = String(place === (looked ?? kept.length))));
  }

  function tile(/** @type {number | null} */ place) {
    const [small, words] = [picture(""), element("span")];
    const made = button("", "Look at this frame", () => model.send({ look: place }));
    made.append(small, words);
    return { made, canvas: small, words };
  }

  return follow(model, el, draw);
}

export default { render };
