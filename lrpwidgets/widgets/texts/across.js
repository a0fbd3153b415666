// Words over many texts as chips, in the colour of their mean relevance; framed ones are in this sentence.

import { button, element, follow, number } from "../base/common.js";
import { limitOf, painter, short } from "../base/shades.js";

/**
 * @typedef {{ done: number, total: number, target?: string, than?: string, composite?: string, right?: number | null, stale?: boolean }} About
 *
 * @typedef {[word: string, mean: number, texts: number]} Word
 */

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-across");
  const [title, note] = [element("h2", {}), element("span", { className: "lrp-quiet" })];
  const look = button("", "Explain other texts too, while nothing else is asked", () => model.send({ look: !running() }));
  const send = button("send to SpRAy", "Which strategies do all texts show? The room SpRAy clusters what they are decided by", () => model.send({ spray: true }));
  const sides = element("div", { className: "lrp-across-sides" });
  el.append(element("div", { className: "lrp-head" }, title, note, look, send), sides);
  const about = () => /** @type {About} */ (model.get("about"));
  const running = () => about().target !== undefined && about().done < about().total;

  function draw() {
    const { done, total, target } = about();
    const words = /** @type {[Word[], Word[]] | []} */ (model.get("words"));
    el.hidden = !total;
    send.hidden = !model.get("spray");
    title.textContent = words.length ? `Across ${done.toLocaleString("en")} texts` : "Across the texts";
    note.textContent = words.length ? said(about()) : "which words does the model live on, beyond this one?";
    look.textContent = running() ? "stop" : words.length ? "look again" : `look across ${total.toLocaleString("en")} texts`;
    const here = new Set(/** @type {string[]} */ (model.get("here")));
    const limit = limitOf(words.flat().map(([, mean]) => mean));
    const { paint } = painter(el);
    sides.replaceChildren(...words.map((list, side) => element("div", {}, element("h3", {}, side ? `speak against ${target}` : `speak for ${target}`), element("div", { className: "lrp-chips" }, ...(list.length ? list.map(chip) : [element("span", { className: "lrp-quiet" }, "no word that is in four texts or more")])))));

    /** @param {Word} word */
    function chip([word, mean, texts]) {
      const made = element("span", { className: here.has(word) ? "lrp-chip lrp-chip-here" : "lrp-chip", title: `“${word}”: mean relevance ${number(mean)} in ${texts} texts${here.has(word) ? "; it is in this sentence" : ""}` }, element("b", {}, word), ` ${short(mean)} · ${texts}×`);
      paint(made, mean, limit);
      return made;
    }
  }

  return follow(model, el, draw);
}

/** @param {About} about */
function said({ done, total, target, than, composite, right, stale }) {
  const parts = [`mean relevance for ${target}${than ? ` rather than ${than}` : ""} (${composite}) of words in four texts or more; framed: in this sentence`];
  if (right !== null && right !== undefined) parts.push(`${Math.round(100 * right)} % of the texts are read right`);
  if (done < total) parts.push(`${done} of ${total}`);
  if (stale) parts.push("something else is asked by now");
  return parts.join(" · ");
}

export default { render };
