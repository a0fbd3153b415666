// One line: what the answer cost, what was lost on the way, and any error or caveat as a sentence.

import { element, number, follow } from "./common.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-status");
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
    const state = model.get("state");
    const light = element("span", { className: "lrp-light", title: state.busy ? "computing" : "ready" });
    light.dataset.state = state.error ? "error" : state.busy ? "busy" : "ready";
    const known = state.milliseconds !== undefined;
    figures.replaceChildren(
      light,
      ...(state.parts ? state.parts.map((texts) => part(...texts)) : known ? account(state) : [state.error ? "" : "waiting for the first explanation …"]),
      element("span", { className: "lrp-where" }, guesses, state.where ?? ""),
    );
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

  function wait({ busy, stage, progress: [done, total] = [] }) {
    waiting.hidden = !busy;
    if (total > 1) Object.assign(bar, { value: done, max: total });
    else bar.removeAttribute("value");
    if (stage !== undefined) steps.textContent = total > 1 ? `${stage}: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : stage;
    else steps.textContent = done === undefined ? "" : total ? `relevance: layer ${done} of ${total}` : `forward: ${done} steps`;
  }

  function account(state) {
    const ms = state.milliseconds < 10 ? state.milliseconds.toFixed(1) : Math.round(state.milliseconds);
    const sum = part("Σ R = ", number(state.reached), state.through ? " of " : " of f = ", number(state.score));
    if (state.through) sum.append(" through the channels");
    if (!state.trusted) sum.append(element("span", { className: "lrp-error" }, " the sums do not match"));
    return [
      part("", `${ms} ms`, " to new relevance"),
      part("", `${state.again} of ${state.layers}`, ` layers propagated again${state.forward ? "" : ", forward kept"}`),
      sum,
      part("absorbed by biases ", number(state.bias), ", by stabilizers ", number(state.stabilizer)),
      state.rules ? part(state.rules > 0 ? "dropped by rules " : "created by rules ", number(Math.abs(state.rules))) : "",
    ];
  }

  /** Words and figures in turn, the figures in bold. */
  function part(...texts) {
    return element("span", {}, ...texts.map((text, index) => (index % 2 ? element("b", {}, text) : text)));
  }

  return follow(model, el, draw);
}

export default { render };
