// A field for a text of one's own.

import { element } from "../../base/common.js";

/** @param {(text: string) => void} read */
export function typingOf(read) {
  const field = element("input", { type: "text", className: "lrp-methods-typing", ariaLabel: "A text of your own", placeholder: "Type a text, then Enter", spellcheck: false });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
    read(field.value);
    field.value = "";
  });
  return field;
}
