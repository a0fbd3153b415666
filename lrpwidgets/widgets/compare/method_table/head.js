// What is asked: which class is explained, on how many inputs, by which methods.

import { element } from "../../base/common.js";
import { menu } from "../../base/controls.js";
import { searchable } from "../../base/searching.js";

const COUNTS = [20, 40, 60, 100, 200, 500, 1000];

/** @param {import("../../base/common.js").Model} model */
export function headOf(model) {
  const target = element("select", { ariaLabel: "The class that is explained" });
  const than = element("select", { ariaLabel: "The class that it is contrasted with" });
  const rather = element("span", {}, " rather than ", than);
  const samples = element("select", { ariaLabel: "How many inputs the curves are of, at most" });
  const methods = menu("+ method", "Have one method more", []);
  const list = /** @type {HTMLElement} */ (methods.querySelector(".lrp-list"));
  const made = element("div", { className: "lrp-head lrp-methods-head" }, element("h2", {}, "Which explanation of "), target, rather, " should I trust, on ", samples, "?", element("span", { className: "lrp-space" }), methods);
  /** @type {string[] | null} */
  let told = null;
  const numberOf = (/** @type {HTMLSelectElement} */ { value }) => (value === "" ? null : Number(value));
  searchable(target);
  searchable(than);
  target.addEventListener("change", () => model.send({ target: numberOf(target), than: target.value && target.value !== than.value ? numberOf(than) : null }));
  than.addEventListener("change", () => model.send({ target: numberOf(target), than: numberOf(than) }));
  samples.addEventListener("change", () => model.send({ samples: Number(samples.value) }));

  function tell() {
    const { target: asked, than: other, samples: most, count = 0 } = model.get("head");
    const classes = model.get("classes");
    if (classes !== told) {
      told = classes;
      target.replaceChildren(element("option", { value: "" }, "the top class"), ...optionsOf(classes));
      than.replaceChildren();
    }
    target.value = String(asked ?? "");
    rather.hidden = target.value === "" || classes.length < 2;
    if (!rather.hidden && !than.options.length) than.replaceChildren(element("option", { value: "" }, "any other"), ...optionsOf(classes)); // there may be many
    than.value = String(other ?? "");
    for (const option of than.options) option.disabled = option.value !== "" && option.value === target.value;
    const counts = [...new Set([...COUNTS.filter((each) => each < count), Math.min(count, 1000), Math.min(most, count)])].sort((a, b) => a - b);
    samples.replaceChildren(...counts.filter((each) => each >= 2).map((value) => element("option", { value }, `${value.toLocaleString("en")} inputs`)));
    samples.value = String(Math.min(most, count));
    list.replaceChildren(...model.get("choice").map(choiceOf));
  }

  function choiceOf(/** @type {[string, string, string, string]} */ [name, title, why, cost]) {
    const chosen = element("button", { type: "button", disabled: Boolean(why), title: why || cost, data: { method: name } }, title, element("span", { className: "lrp-quiet" }, ` ${why || cost}`));
    chosen.addEventListener("click", () => {
      methods.open = false;
      model.send({ add: name });
    });
    return chosen;
  }

  return { made, tell };
}

/** @param {string[]} classes */
function optionsOf(classes) {
  return classes.map((name, value) => element("option", { value }, name));
}
