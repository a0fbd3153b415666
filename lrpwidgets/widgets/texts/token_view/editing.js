// A field in which somebody types another text, while score and relevance follow.

import { button, element } from "../../base/common.js";

const PAUSE = 200; // milliseconds without a key before the model is asked

/** @param {(text: string | null) => void} ask null: for the text of the input itself */
export function editingOf(ask) {
  const field = element("textarea", { className: "lrp-typing", hidden: true, rows: 3, spellcheck: false, ariaLabel: "Text to explain", placeholder: "Type a text …" });
  const toggle = button("edit", "Edit the text: score and relevance follow", () => open(Boolean(field.hidden)), { ariaExpanded: "false", data: { shortcut: "e" } });
  const back = button("as it was", "Back to the text of the input", () => now(null), { hidden: true });
  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(send, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") open(false);
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });

  function send() {
    if (field.value.trim()) now(field.value);
  }

  /** @param {string | null} text */
  function now(text) {
    clearTimeout(waiting);
    waiting = 0;
    ask(text);
  }

  /** @param {boolean} opened */
  function open(opened) {
    field.hidden = !opened;
    toggle.ariaExpanded = toggle.ariaPressed = String(opened);
    if (opened) field.focus();
    else toggle.focus();
  }

  return {
    field,
    controls: [toggle, back],
    /** Show the text that is explained, unless somebody types another one just now. */
    show: (/** @type {string} */ text, /** @type {boolean} */ typed) => {
      back.hidden = !typed;
      if (!waiting && !(typed && document.activeElement === field)) field.value = text;
    },
    close: () => clearTimeout(waiting),
  };
}
