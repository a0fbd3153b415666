// The words above and below the panes.

import { number } from "../../base/common.js";

/**
 * @typedef {import("./shown.js").Caption} Caption
 *
 * @typedef {object} Ledger what became of the score
 * @property {number} reached_input
 * @property {number} bias
 * @property {number} stabilizer
 * @property {number} rules
 */

/**
 * Put a text where it may be cut off: then the pointer finds all of it.
 *
 * @param {HTMLElement} node
 * @param {string} text
 */
export function write(node, text) {
  node.textContent = text;
  node.title = text;
}

/**
 * Title and notes of the input and of the live map.
 *
 * @param {import("./shown.js").Shown} shown
 */
export function tellFirst({ input, live, size, caption, oneScale }) {
  const { name, before, score, painted } = caption;
  write(input.title, name);
  write(input.note, `${size[1]} × ${size[0]}`);
  write(input.second, painted ? "painted: not the original input" : "");
  write(live.title, titleOf(caption));
  write(live.note, `f = ${before === null ? "" : `${number(before)} → `}${number(score)}`);
  write(live.second, secondOf(live, caption, !oneScale));
  input.canvas.ariaLabel = input.frame.ariaLabel = `Input ${name}`;
  live.canvas.ariaLabel = live.frame.ariaLabel = `Relevance for ${caption.class}`;
  input.figure.classList.toggle("lrp-painted", painted);
}

/** @param {Caption} caption */
export function titleOf(caption) {
  return (caption.than ? "" : "for ") + askedOf(caption);
}

/**
 * The class that is explained, and the one it is compared with.
 *
 * @param {Caption} caption
 */
export function askedOf({ class: label, than }) {
  return `“${label}”${than ? ` rather than “${than}”` : ""}`;
}

/**
 * How a map was made; `own` says whether it has a scale of its own.
 *
 * @param {{ limit: number, differs: boolean }} map
 * @param {Caption} caption
 * @param {boolean} own
 */
export function secondOf({ limit, differs }, { composite, changed, through }, own) {
  const parts = [differs ? "live − pinned" : "", composite + (changed ? " *" : ""), through && `through channel ${through}`, own ? `±${number(limit)}` : ""];
  return parts.filter(Boolean).join(" · ");
}

/**
 * How alike a map is to the live one, which is NaN if it cannot be said, and what became of its score.
 *
 * @param {Ledger} ledger
 * @param {number} alike
 */
export function accountOf({ reached_input: reached, bias, stabilizer, rules }, alike) {
  const likeness = Number.isFinite(alike) ? `correlation ${number(+alike.toFixed(3))} · ` : "";
  return `${likeness}Σ R ${number(reached)} · bias ${number(bias)} · ε ${number(stabilizer)}${rules ? ` · rules ${number(rules)}` : ""}`;
}

/**
 * What the colours mean.
 *
 * @param {import("../../base/maps.js").Look} look
 */
export function legendOf({ map, sign }) {
  const [warm, cold] = map.split("–"); // what speaks for, what speaks against
  return { both: `${warm} for, ${cold} against`, positive: `${warm} for`, negative: `${cold} against` }[sign];
}
