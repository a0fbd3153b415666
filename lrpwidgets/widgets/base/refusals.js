// Files that somebody brought and that cannot be looked at: which, and why, until the next ones come.

import { element, button } from "./common.js";

/** @param {import("./common.js").Model} model */
export function refusalsOf(model) {
  const heading = element("b");
  const list = element("ul");
  const hide = button("×", "Hide what was not uploaded", () => (made.hidden = true), { ariaLabel: "Hide what was not uploaded" });
  const made = element("div", { className: "lrp-refusals", role: "alert" }, heading, list, hide);

  function draw() {
    const refused = /** @type {string[]} */ (model.get("refused"));
    made.hidden = !refused.length;
    heading.textContent = refused.length === 1 ? "Not uploaded:" : `${refused.length} files not uploaded:`;
    list.replaceChildren(...refused.map((why) => element("li", {}, why)));
  }

  model.on("change:refused", draw);
  draw();
  return { made, close: () => model.off("change:refused", draw) };
}
