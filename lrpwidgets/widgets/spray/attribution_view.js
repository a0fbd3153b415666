// A data set that is being explained before it is looked at.

import { element, button, follow } from "../base/common.js";

const WHY = "Every input is explained once, and its heatmap is kept in your cache: the next time SpRAy opens at once. It goes on while you are in another room.";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-attribution");
  const title = element("h2");
  const bar = element("progress", { ariaLabel: "Inputs that are explained" });
  const told = element("span", { className: "lrp-number", role: "status" });
  const stop = button("stop", "Stop; what is done is kept", () => model.send({ go: false }), { data: { shortcut: "Escape" } });
  const on = button("go on", "Explain the others", () => model.send({ go: true }));
  el.append(title, element("p", { className: "lrp-quiet" }, WHY), element("div", { className: "lrp-head" }, bar, told, stop, on));
  return follow(model, el, () => {
    const { done, total, told: pace, stopped } = model.get("state");
    title.textContent = `SpRAy looks at all ${total.toLocaleString("en")} explanations at once`;
    Object.assign(bar, { value: done, max: Math.max(1, total) });
    told.textContent = stopped ? `stopped: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : pace;
    [stop.hidden, on.hidden] = [stopped, !stopped];
  });
}

export default { render };
