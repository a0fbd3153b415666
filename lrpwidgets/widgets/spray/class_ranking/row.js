// One class as a button: its name, a bar as long as it is separable, how separable that is, and what a test found.

import { element, button } from "../../base/common.js";

/**
 * @typedef {object} Rank
 * @property {string} name
 * @property {number} size maps
 * @property {number | null} value how separable it is; null for all maps
 * @property {string} unit of that
 * @property {boolean} faint whether chance may be all
 * @property {number} most the largest value
 * @property {boolean} hans
 * @property {string} told what a test found; empty if there was none
 */

/** @param {() => void} choose */
export function rowOf(choose) {
  const [name, bar, value, mark] = [element("span", { className: "lrp-name" }), element("i"), element("b"), element("span", { className: "lrp-mark" })];
  const track = element("span", { className: "lrp-bar" }, bar);
  const made = button("", "", choose, { tabIndex: -1 });
  made.append(name, track, value, mark);
  let filled = ""; // what it says: a thousand rows are not written again for one

  /** @param {Rank} rank */
  function fill({ name: words, size, value: apart, unit, faint, most, hans, told }) {
    const news = [words, size, apart, unit, faint, most, told].join();
    if (filled === news) return;
    filled = news;
    const number = unit === "τ" ? `, τ ${apart?.toFixed(2)}` : `, ${apart?.toFixed(2)} ${unit}`;
    const count = `${size.toLocaleString("en")} maps${apart === null ? "" : number}${faint ? ", which chance may explain" : ""}`;
    made.ariaLabel = `${words}: ${count}${told && `; ${told}`}`;
    made.title = `${words}: ${count}${told && `\n${told}`}`;
    name.textContent = words;
    track.hidden = apart === null;
    bar.style.width = most ? `${(100 * Math.max(0, apart ?? 0)) / most}%` : "0";
    value.textContent = apart === null ? size.toLocaleString("en") : apart.toFixed(1);
    mark.textContent = hans ? "Clever Hans" : told ? "✓" : "";
    mark.classList.toggle("lrp-hans", hans);
    made.classList.toggle("lrp-whole", apart === null);
    made.classList.toggle("lrp-faint", faint);
  }

  return { made, fill };
}
