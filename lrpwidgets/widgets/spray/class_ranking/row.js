// One class as a button: its name, a bar as long as it is separable, how separable that is, and what a test found.

import { element, button } from "../../base/common.js";

/**
 * @typedef {object} Rank
 * @property {string} name
 * @property {number} size maps
 * @property {number | null} tau separability; null for all maps
 * @property {number} most the largest τ
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
  function fill({ name: words, size, tau, most, hans, told }) {
    const news = [words, size, tau, most, told].join();
    if (filled === news) return;
    filled = news;
    const [count, apart] = [`${size.toLocaleString("en")} maps`, tau === null ? "" : `, τ ${tau.toFixed(2)}`];
    made.ariaLabel = `${words}: ${count}${apart}${told && `; ${told}`}`;
    made.title = `${words}: ${count}${told && `\n${told}`}`;
    name.textContent = words;
    track.hidden = tau === null;
    bar.style.width = most ? `${(100 * Math.max(0, tau ?? 0)) / most}%` : "0";
    value.textContent = tau === null ? size.toLocaleString("en") : tau.toFixed(1);
    mark.textContent = hans ? "Clever Hans" : told ? "✓" : "";
    mark.classList.toggle("lrp-hans", hans);
    made.classList.toggle("lrp-whole", tau === null);
  }

  return { made, fill };
}
