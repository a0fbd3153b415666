// What stands beside the thumbnails: what is counted, and which of them to show.

import { element, button } from "../../base/common.js";
import { classAt, classOptions, namesOf, select } from "./panel.js";
import { ALL, SHOWN } from "./sieve.js";

/**
 * @typedef {import("./sieve.js").Wish} Wish
 *
 * @typedef {Record<"broken" | "filter" | "confusion", HTMLElement>} Openers buttons that open panels
 */

/**
 * @param {Wish} wish
 * @param {string} brought
 * @param {(changes: Partial<Wish>) => void} sift
 * @param {(by: number) => void} walk
 * @param {Openers} openers
 */
export function headOf(wish, brought, sift, walk, openers) {
  const total = element("b");
  const wrong = element("button", { type: "button", className: "lrp-link", data: { shortcut: "w" }, title: "Only wrong predictions, or all again" });
  const says = select("Class that the network says", (value) => sift({ says: classAt(value) }));
  const show = select("Which inputs to show", (value) => sift({ show: value }));
  const next = button("›", "Next input", () => walk(1), { ariaLabel: "Next input", data: { shortcut: "j" } });
  const previous = button("‹", "Previous input", () => walk(-1), { ariaLabel: "Previous input", data: { shortcut: "k" } });
  const note = element("span", { className: "lrp-quiet" });
  const reset = element("button", { type: "button", className: "lrp-link", title: "Show all inputs in their order" }, "show all");
  const made = element(
    "div",
    { className: "lrp-count" },
    element("div", {}, total, " ", wrong),
    element("div", {}, element("label", {}, "says ", says), openers.confusion),
    element("div", {}, element("label", {}, "show ", show), openers.filter, previous, next),
    element("div", { className: "lrp-notes" }, note, openers.broken, reset),
  );
  namesOf(show, SHOWN);
  wrong.addEventListener("click", () => sift({ show: wish.show === "wrong" ? "all" : "wrong" }));
  reset.addEventListener("click", () => sift(ALL));

  /**
   * @param {ReturnType<typeof import("./sieve.js").counted>} count
   * @param {(index: number) => string} className
   */
  function tell(count, className) {
    total.textContent = `${counted(count.all)} ${brought}${count.all === 1 ? "" : "s"}`;
    wrong.hidden = !count.labelled;
    wrong.textContent = `${counted(count.wrong)} wrong`;
    openers.broken.textContent = `${counted(count.unreadable)} unreadable ▾`;
    openers.broken.hidden = !count.unreadable;
    openers.confusion.hidden = !count.labelled;
    classOptions(says, count.says, wish.says, className);
    note.dataset.looked = count.looked < count.all ? `looked at ${counted(count.looked)} of ${counted(count.all)}` : "";
  }

  /**
   * Show what is wished for.
   *
   * @param {number} count of the inputs that are left
   */
  function suit(count) {
    const changed = changesOf(wish);
    show.value = wish.show;
    says.value = String(wish.says ?? "");
    wrong.ariaPressed = String(wish.show === "wrong");
    openers.filter.ariaPressed = String(changed.some((key) => key !== "show" && key !== "says"));
    reset.hidden = !changed.length;
    const shown = changed.some((key) => key !== "sort") ? `${counted(count)} shown` : "";
    note.textContent = [shown, note.dataset.looked].filter(Boolean).join(" · ");
    note.hidden = !note.textContent;
  }

  /**
   * Whether one can walk on.
   *
   * @param {number} place of the input that is looked at
   * @param {number} count
   */
  function enable(place, count) {
    previous.disabled = !count || place === 0;
    next.disabled = !count || place === count - 1;
  }

  return { made, tell, suit, enable };
}

/**
 * What of a wish is not as to begin with.
 *
 * @param {Wish} wish
 */
function changesOf(wish) {
  const keys = /** @type {(keyof Wish)[]} */ (Object.keys(ALL));
  return keys.filter((key) => wish[key] !== ALL[key]);
}

/** @param {number} count */
function counted(count) {
  return count.toLocaleString("en");
}
