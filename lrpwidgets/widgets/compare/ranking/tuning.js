// The search for rules: what it would take, and what came out.

import { button, element } from "../../base/common.js";

/**
 * @param {import("../../base/common.js").Model} model
 */
export function tuningOf(model) {
  const tune = button("", "Try all combinations of four rules in three blocks of layers; half of the inputs choose, the others judge", () => model.send({ tune: Boolean(model.get("tuning").offer) }));
  const open = button("open in Explore", "Explain the picture under these rules", () => model.send({ open: true }));
  const [note, said] = [element("span", { className: "lrp-quiet", role: "status" }), element("p", { role: "status" })];
  const made = element("div", { className: "lrp-ranking-tuning" }, element("div", { className: "lrp-head" }, tune, open, note), said);

  function tell() {
    const { able, searching, offer, said: told, opens, fill } = model.get("tuning");
    made.hidden = !able;
    tune.textContent = offer ? `tune for about ${offer}` : "tune the rules for this metric";
    tune.disabled = searching;
    note.textContent = searching ? "tuning the rules; flipping waits …" : offer ? "It takes long: press again to begin." : told ? "" : `the rules of LRP with the largest gain, with ${fill}`;
    open.hidden = !told || !opens;
    said.textContent = told;
    said.hidden = !told;
  }

  return { made, tell };
}
