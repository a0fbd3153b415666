// A name is typed where it stands.

import { element } from "../../base/common.js";

/**
 * Put an input in the place of a card's name, until it is left; Escape keeps the old name.
 *
 * @param {import("./card.js").Card} card
 * @param {(name: string, note: string) => void} call
 */
export function rename(card, call) {
  const input = element("input", { type: "text", value: card.said.name, ariaLabel: "Name of the cluster", maxLength: 80 });
  let open = true;
  const end = (/** @type {boolean} */ save) => {
    if (!open) return;
    open = false;
    const focused = document.activeElement === input;
    input.replaceWith(card.name);
    if (focused) card.name.focus();
    if (save && input.value.trim() !== card.said.name) call(input.value, card.said.note);
  };
  input.addEventListener("blur", () => end(true));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") cancel(event, () => end(true));
    if (event.key === "Escape") cancel(event, () => end(false));
  });
  card.name.replaceWith(input);
  input.select();
  input.focus();
}

/**
 * Do `act`, and nothing else that the key may mean on the page.
 *
 * @param {KeyboardEvent} event
 * @param {() => void} act
 */
export function cancel(event, act) {
  event.preventDefault();
  event.stopPropagation();
  act();
}
