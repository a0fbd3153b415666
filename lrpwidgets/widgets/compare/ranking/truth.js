// Maps against what is known: how many of the most relevant parts are those that decide.

import { button, element } from "../../base/common.js";

/**
 * @param {import("../../base/common.js").Model} model
 */
export function truthOf(model) {
  const hold = button("hold against the known truth", "Here it is known what the answers depend on: see which maps name it", () => model.send({ truth: true }));
  const said = element("p", { role: "status" });
  const made = element("div", { className: "lrp-ranking-tuning" }, element("div", { className: "lrp-head" }, hold), said);

  function tell() {
    const { able, marking, said: told } = model.get("truth");
    made.hidden = !able;
    hold.disabled = marking;
    hold.hidden = Boolean(told);
    said.textContent = told;
    said.hidden = !told;
  }

  return { made, tell };
}
