// The panel with more ways to filter and to order.

import { element } from "../../base/common.js";
import { classAt, classOptions, line, namesOf, panel, select } from "./panel.js";
import { ORDERS } from "./sieve.js";

/** @param {(changes: Partial<import("./sieve.js").Wish>) => void} sift */
export function filterOf(sift) {
  const text = element("input", { type: "search", placeholder: "name or class", ariaLabel: "Search names and classes" });
  const truth = select("True class", (value) => sift({ truth: classAt(value) }));
  const sort = select("Order of the inputs", (value) => sift({ sort: value }));
  const [low, high] = ["Lowest", "Highest"].map((which) => element("input", { type: "range", min: 0, max: 100, step: 1, ariaLabel: `${which} confidence in percent` }));
  const range = element("output");
  const { opener, made } = panel(
    "filter",
    "More ways to filter and to order",
    line("search", text),
    line("true class", truth),
    line("confidence", element("span", {}, low, high), range),
    line("order by", sort),
  );
  const share = (/** @type {HTMLInputElement} */ { value }) => Number(value) / 100;
  namesOf(sort, ORDERS);
  text.addEventListener("input", () => sift({ text: text.value }));
  low.addEventListener("input", () => sift({ low: share(low), high: Math.max(share(low), share(high)) }));
  high.addEventListener("input", () => sift({ high: share(high), low: Math.min(share(low), share(high)) }));

  /** @param {import("./sieve.js").Wish} wish */
  function show(wish) {
    truth.value = String(wish.truth ?? "");
    sort.value = wish.sort;
    if (text.value !== wish.text) text.value = wish.text;
    [low.value, high.value] = [String(Math.round(100 * wish.low)), String(Math.round(100 * wish.high))];
    range.textContent = `${low.value} to ${high.value} %`;
  }

  /**
   * The classes to choose from.
   *
   * @param {Set<number>} occurring
   * @param {number | null} chosen
   * @param {(index: number) => string} className
   */
  function offer(occurring, chosen, className) {
    classOptions(truth, occurring, chosen, className);
  }

  return { opener, made, show, offer };
}
