// One line: what the answer cost, what was lost on the way, and any error or caveat as a sentence.

import { element, number, follow } from "./common.js";
import { markOut } from "./landmarks.js";
import { meaningOf } from "./words.js";

/**
 * @typedef {object} Told
 * @property {boolean} busy
 * @property {string} [stage] what is being done
 * @property {number[]} [progress] how much is done, and of how much
 * @property {string} [error]
 * @property {string[]} [caveats]
 * @property {string[]} [notes] what had to be guessed
 * @property {string} [where] the computation is done
 * @property {string} [memory] how much of it is in use
 * @property {(string | null)[][]} [parts] words and figures in turn, of rooms that have figures of their own
 *
 * @typedef {object} Account of an explanation
 * @property {number} milliseconds
 * @property {number} again layers propagated again
 * @property {number} layers
 * @property {boolean} forward whether the forward pass was made again
 * @property {number} reached relevance on the input
 * @property {number} score
 * @property {boolean} through whether it went through some channels only
 * @property {boolean} trusted whether the sums match
 * @property {number} bias relevance absorbed
 * @property {number} stabilizer
 * @property {number} rules relevance that rules dropped
 *
 * @typedef {Told | (Told & Account)} State
 */

/** @param {{ model: import("./common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-status");
  markOut(el, "contentinfo");
  const figures = element("div", { className: "lrp-figures" });
  const bar = element("progress", { ariaLabel: "Progress of the computation" });
  const steps = element("span", { className: "lrp-number" });
  const cancel = element("button", { type: "button", title: "Cancel the computation", data: { shortcut: "Escape" } }, "Cancel");
  const waiting = element("div", { className: "lrp-waiting", hidden: true }, bar, steps, cancel);
  const words = element("div", { className: "lrp-words", role: "status", ariaLive: "polite" });
  const guesses = element("button", { type: "button", className: "lrp-link", ariaExpanded: "false", title: "What had to be guessed about the data" });
  cancel.addEventListener("click", () => model.send({ cancel: true }));
  guesses.addEventListener("click", () => {
    guesses.ariaExpanded = String(guesses.ariaExpanded !== "true");
    draw();
  });
  el.append(figures, waiting, words);

  function draw() {
    const state = /** @type {State} */ (model.get("state"));
    const light = element("span", { className: "lrp-light", title: state.busy ? "computing" : "ready" });
    light.dataset.state = state.error ? "error" : state.busy ? "busy" : "ready";
    figures.replaceChildren(light, ...figuresOf(state), element("span", { className: "lrp-where" }, guesses, taken(state), state.where ?? ""));
    wait(state);
    const notes = state.notes ?? [];
    guesses.hidden = !notes.length;
    guesses.textContent = notes.length === 1 ? "1 guess about your data" : `${notes.length} guesses about your data`;
    const asked = guesses.ariaExpanded === "true" ? notes : [];
    const sentences = state.error ? [state.error] : [...(state.caveats ?? []), ...asked];
    words.replaceChildren(...sentences.map((text) => element("p", {}, text)));
    words.classList.toggle("lrp-error", Boolean(state.error));
    words.hidden = !sentences.length;
  }

  function wait(/** @type {State} */ { busy, stage, progress = [] }) {
    const [done, total = 0] = progress;
    waiting.hidden = !busy;
    if (total > 1) Object.assign(bar, { value: done, max: total });
    else bar.removeAttribute("value");
    steps.textContent = stepsOf(stage, done, total);
  }

  return follow(model, el, draw);
}

/**
 * How far the computation is.
 *
 * @param {string | undefined} stage
 * @param {number | undefined} done
 * @param {number} total 0: nobody knows
 */
export function stepsOf(stage, done, total) {
  if (stage !== undefined) return total > 1 ? `${stage}: ${Number(done).toLocaleString("en")} of ${total.toLocaleString("en")}` : stage;
  if (done === undefined) return "";
  return total ? `relevance: layer ${done} of ${total}` : `forward: ${done} steps`;
}

/** @param {State} state */
function taken({ memory }) {
  return memory ? element("span", { title: "What is kept to be quick goes first, and is computed again when it is needed" }, memory) : "";
}

/** @param {State} state */
function figuresOf(state) {
  if (state.parts) return state.parts.map((texts) => part(...texts));
  if ("milliseconds" in state) return accountOf(state);
  return [state.error ? "" : "waiting for the first explanation …"];
}

/** @param {Account} account */
function accountOf({ milliseconds, again, layers, forward, reached, score, through, trusted, bias, stabilizer, rules }) {
  const ms = milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds);
  const told = (/** @type {HTMLElement} */ node, /** @type {string[]} */ ...words) => Object.assign(node, { title: words.map((each) => `${each}: ${meaningOf(each)}`).join("\n") });
  const sum = part("Σ R = ", number(reached), through ? " of " : " of f = ", number(score));
  if (through) sum.append(" through the channels");
  if (!trusted) sum.append(element("span", { className: "lrp-error" }, " the sums do not match"));
  return [
    part("", `${ms} ms`, " to new relevance"),
    part("", `${again} of ${layers}`, ` layers propagated again${forward ? "" : ", forward kept"}`),
    told(sum, "Σ R", "f"),
    told(part("absorbed by biases ", number(bias), ", by stabilizers ", number(stabilizer)), "ledger"),
    rules ? part(rules > 0 ? "dropped by rules " : "created by rules ", number(Math.abs(rules))) : "",
  ];
}

/**
 * Words and figures in turn, the figures in bold.
 *
 * @param {...(string | null)} texts
 */
function part(...texts) {
  return element("span", {}, ...texts.map((text, index) => (index % 2 ? element("b", {}, text) : text)));
}

export default { render };
