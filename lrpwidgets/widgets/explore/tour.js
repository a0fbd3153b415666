// Three steps through the page: a card beside what each of them is about.

import { element, button, follow } from "../base/common.js";
import { inVoila } from "../base/top_bar/theme.js";

const SEEN = "lrp-tour"; // in the browser's store, once it was offered

/** @typedef {{ classes: string[], than: boolean, paint: boolean, channel: boolean }} State */

/**
 * @typedef {object} Step
 * @property {"than" | "paint" | "channel"} name
 * @property {string} at what it is about, as a selector
 * @property {string} title
 * @property {(classes: string[]) => string} words
 */

/** @type {Step[]} */
const STEPS = [
  {
    name: "than",
    at: ".lrp-question",
    title: "Why this class rather than that one?",
    words: ([best, second]) => `Ask why “${best}” rather than “${second}”: the map then shows what sets them apart. Red speaks for the first, blue for the second.`,
  },
  {
    name: "paint",
    at: ".lrp-heatmap .lrp-panes",
    title: "What if that were not there?",
    words: () => "Open the tools, take “paint grey” and go over the red part of the picture: scores and map follow while you paint.",
  },
  {
    name: "channel",
    at: ".lrp-inside",
    title: "What did one channel see?",
    words: () => "Click a channel, then “only channel …”: the map keeps the relevance that went through it, and nothing else.",
  },
];

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-tour");
  const page = () => /** @type {HTMLElement} */ (el.closest(".lrp-page") ?? document.body);
  const state = () => /** @type {State} */ (model.get("state"));
  const offer = element(
    "div",
    { className: "lrp-offer", role: "status", hidden: true },
    element("span", {}, "New here? Three steps show what one can ask."),
    button("show me", "Three steps through this page", () => begin()),
    button("no, thanks", "Not now: the key t shows them later", forget),
  );
  const again = button("three steps", "Three steps through this page", () => begin(), { hidden: true, data: { shortcut: "t", unseen: true } });
  const title = element("h2");
  const words = element("p");
  const act = button("do it for me", "Do what this step is about", () => model.send({ do: steps()[at].name }));
  const on = button("next", "On to the next step", () => go(at + 1));
  const card = element("div", { className: "lrp-step", role: "dialog", popover: "manual", ariaLabel: "Three steps" }, title, words, element("div", { className: "lrp-head" }, act, on, element("span", { className: "lrp-space" }), button("close", "Leave the three steps", end)));
  let at = -1; // the step; −1 before the first
  let pointed = /** @type {Element | null} */ (null);
  el.append(offer, again, card);

  /** Those that there are something for: one class has no other. */
  function steps() {
    return STEPS.filter(({ name }) => name !== "than" || state().classes.length > 1);
  }

  function forget() {
    offer.hidden = true;
    try {
      localStorage.setItem(SEEN, "seen");
    } catch {
      // a browser that keeps nothing offers it again
    }
  }

  function begin() {
    forget();
    model.send({ begin: true });
    go(0);
  }

  function end() {
    pointed?.classList.remove("lrp-pointed");
    card.hidePopover();
    at = -1;
  }

  /** Show a step; behind the last one all is as it was. */
  function go(/** @type {number} */ next) {
    end();
    const step = steps()[next];
    if (!step) return model.send({ back: true });
    at = next;
    pointed = page().querySelector(step.at);
    pointed?.classList.add("lrp-pointed");
    pointed?.scrollIntoView({ block: "nearest" });
    card.showPopover();
    tell();
  }

  function tell() {
    const [all, step] = [steps(), steps()[at]];
    const done = state()[step.name];
    title.textContent = `${at + 1} of ${all.length} · ${step.title}`;
    words.textContent = step.words(state().classes);
    act.disabled = done;
    act.textContent = done ? "done" : "do it for me";
    on.textContent = at + 1 < all.length ? "next" : "that is all";
    place();
  }

  function place() {
    if (at >= 0 && pointed) putBeside(card, pointed);
  }

  const stop = follow(model, el, () => {
    if (!state().classes?.length) return;
    offer.hidden = at >= 0 || !inVoila() || wasSeen();
    if (at >= 0) tell();
  });
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  return () => {
    stop();
    pointed?.classList.remove("lrp-pointed");
    removeEventListener("scroll", place, true);
    removeEventListener("resize", place);
  };
}

/**
 * Put a card above what it is about, or beside or below it, and on the screen.
 *
 * @param {HTMLElement} card
 * @param {Element} pointed
 */
function putBeside(card, pointed) {
  const { left, right, top, bottom } = pointed.getBoundingClientRect();
  const [wide, high] = [card.offsetWidth, card.offsetHeight];
  const [above, beside] = [top > high + 20, right + wide + 20 < innerWidth];
  const x = !above && beside ? right + 12 : left;
  const y = above ? top - high - 12 : beside ? top : bottom + 12;
  const inside = (/** @type {number} */ value, /** @type {number} */ most) => `${Math.max(8, Math.min(value, most - 8))}px`;
  Object.assign(card.style, { left: inside(x, innerWidth - wide), top: inside(y, innerHeight - high) });
}

function wasSeen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true;
  }
}

export default { render };
