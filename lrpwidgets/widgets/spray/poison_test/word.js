// A field for a word to test; it offers those of the cluster.

import { element } from "../../base/common.js";

/** @param {(word: string) => void} test */
export function wordField(test) {
  const id = `lrp-words-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const offered = element("datalist", { id });
  const field = element("input", { type: "text", placeholder: "test a word", title: "Put another word to the poison test; Enter begins", ariaLabel: "A word to put to the poison test" });
  field.setAttribute("list", id); // a property that can only be read
  const made = element("form", { className: "lrp-poison-word" }, field, offered);

  made.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) test(field.value.trim());
    field.value = "";
  });

  /** @param {string[]} words */
  function list(words) {
    offered.replaceChildren(...words.map((value) => element("option", { value })));
  }

  return { made, field, list };
}
