// What is said of single inputs: below their thumbnails, and where they cannot be read.

import { element } from "../../base/common.js";
import { atOpening, panel } from "./panel.js";
import { SHOWN } from "./sieve.js";

const MOST_PROBLEMS = 50;

/**
 * The label of a thumbnail, its title, and whether it is marked.
 *
 * @param {import("./sieve.js").Known} known
 * @param {number} index
 * @param {(index: number) => string} className
 */
export function wordsOf(known, index, className) {
  const [guess, problem, name] = [known.says[index], known.problems.get(index), known.names[index] ?? ""];
  const [said, truth] = [known.called.get(index) ?? (guess >= 0 ? className(guess) : ""), known.truth[index]];
  const percent = `${Math.round(100 * known.confidence[index])} %`;
  const inTruth = truth >= 0 ? `, in truth ${className(truth)}` : "";
  return {
    text: problem ? "unreadable" : said || " ",
    title: problem ? `${name}: ${problem}` : said ? `${name}: the network says ${said} (${percent})${inTruth}` : `${name}: not looked at yet`,
    wrong: Boolean(problem) || Boolean(SHOWN.wrong(known, index)),
  };
}

/**
 * Say it below the thumbnail of an input.
 *
 * @param {HTMLElement} tile
 * @param {ReturnType<typeof wordsOf>} words
 */
export function label(tile, { text, title, wrong }) {
  const shown = /** @type {HTMLElement} */ (tile.lastChild);
  shown.textContent = text;
  tile.title = title;
  tile.classList.toggle("lrp-wrong", wrong);
}

/**
 * A panel with the inputs that cannot be read, and why.
 *
 * @param {import("./sieve.js").Known} known
 * @param {(index: number) => void} look
 */
export function problemsPanel(known, look) {
  const list = element("ul", { className: "lrp-problems" });
  const { opener, made } = panel("", "Inputs that cannot be read, and why", list);
  atOpening(made, () => list.replaceChildren(...problemsOf(known, look)));
  return { opener, made };
}

/**
 * @param {import("./sieve.js").Known} known
 * @param {(index: number) => void} look
 */
function problemsOf(known, look) {
  const items = [...known.problems].slice(0, MOST_PROBLEMS).map(([index, why]) => {
    const made = element("button", { type: "button", className: "lrp-link" }, known.names[index] ?? `input ${index}`);
    made.addEventListener("click", () => look(index));
    return element("li", {}, made, ` ${why}`);
  });
  const more = known.problems.size - items.length;
  if (more > 0) items.push(element("li", { className: "lrp-quiet" }, `and ${more.toLocaleString("en")} more`));
  return items;
}
