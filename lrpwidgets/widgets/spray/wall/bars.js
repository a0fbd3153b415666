// What is above the wall and below it: what it shows, in which order, and which part is in view.

import { element, button } from "../../base/common.js";

const MODES = {
  input: "The pictures alone",
  heatmap: "The heatmaps alone, each on its own scale",
  both: "Pictures and heatmaps side by side",
  overlay: "Heatmaps over the pictures",
};
const NAMES = /** @type {(keyof typeof MODES)[]} */ (Object.keys(MODES));

/**
 * @param {(mode: import("./layout.js").Mode) => void} show
 * @param {boolean} modal whether what the wall has can be shown in several ways
 */
export function head(show, modal) {
  const [title, subtitle] = [element("h2"), element("span", { className: "lrp-quiet" })];
  const modes = NAMES.map((name) => button(name, MODES[name], () => show(name)));
  const next = element("button", { type: "button", hidden: true, title: "Picture, heatmap, both or overlay", data: { shortcut: "t", unseen: true } });
  const choices = element("span", { className: "lrp-choices", role: "group", ariaLabel: "What the pictures show", hidden: !modal }, ...modes);
  const made = element("div", { className: "lrp-head" }, title, subtitle, element("span", { className: "lrp-space" }), choices, next);
  if (modal) next.addEventListener("click", () => show(NAMES[(modes.findIndex((each) => each.ariaPressed === "true") + 1) % NAMES.length]));

  /**
   * @param {string} words
   * @param {string} more
   */
  function tell(words, more) {
    title.textContent = words;
    subtitle.textContent = subtitle.title = more;
  }

  function press(/** @type {import("./layout.js").Mode} */ mode) {
    modes.forEach((each) => (each.ariaPressed = String(each.textContent === mode)));
  }

  return { made, tell, press };
}

/**
 * @param {(order: string) => void} sorted
 * @param {(pages: number) => void} page
 */
export function foot(sorted, page) {
  const sort = element("select", { ariaLabel: "Order on the wall" });
  const label = element("label", { className: "lrp-quiet" }, "order ", sort);
  const range = element("span", { className: "lrp-quiet", role: "status" });
  const back = button("‹", "Page up", () => page(-1), { ariaLabel: "Page up", data: { shortcut: "," } });
  const forth = button("›", "Page down", () => page(1), { ariaLabel: "Page down", data: { shortcut: "." } });
  const made = element("div", { className: "lrp-wall-foot" }, label, element("span", { className: "lrp-space" }), range, element("span", { className: "lrp-choices" }, back, forth));
  sort.addEventListener("change", () => sorted(sort.value));

  function list(/** @type {string[]} */ orders) {
    sort.replaceChildren(...["", ...orders].map((name) => element("option", { value: name }, name || "of the data set")));
    label.hidden = !orders.length;
  }

  /**
   * Which of `count` places are in view, and whether there is more on both sides.
   *
   * @param {number} from
   * @param {number} to
   * @param {number} count
   * @param {HTMLElement} scroller
   */
  function tell(from, to, count, { scrollTop, scrollHeight, clientHeight }) {
    range.textContent = count ? `${(from + 1).toLocaleString("en")}–${to.toLocaleString("en")} of ${count.toLocaleString("en")}` : "";
    back.disabled = scrollTop <= 0;
    forth.disabled = scrollTop >= scrollHeight - clientHeight - 1;
  }

  return { made, sort, list, tell };
}
