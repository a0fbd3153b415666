// The rows: one per layer, below those of their blocks, or one per family of layers.

import { element } from "../../base/common.js";
import { lineOf } from "./line.js";

const CONTAINERS = ["Sequential", "ModuleList", "ModuleDict"]; // their names say nothing about what is inside

/**
 * @typedef {import("./line.js").Line} Line
 *
 * @typedef {object} Board what rows need of it
 * @property {import("./told.js").Network} network
 * @property {import("./messages.js").Messages} messages
 * @property {(row: HTMLTableRowElement) => void} changed called when a row has other controls
 * @property {(line: Line) => void} fold folds a block, or unfolds it
 */

/**
 * A row for every layer, from the output down, and one for every block.
 *
 * @param {Board} board
 */
export function layerLines(board) {
  const { rows, blocks } = board.network;
  const paths = Object.keys(blocks);
  const made = /** @type {Line[]} */ ([]);
  rows.forEach((layer, index) => {
    if (layer.block && made[made.length - 1]?.inside !== layer.block) made.push(blockLine(layer.block, rows.length + paths.indexOf(layer.block), board));
    made.push(layerLine(layer, index, board));
  });
  return made;
}

/**
 * @param {import("./told.js").Layer} layer
 * @param {number} index
 * @param {Board} board
 */
function layerLine({ name: layer, kind, shape, block, family }, index, { network, messages, changed }) {
  const prefix = layer.startsWith(`${block}.`) ? `${block}.` : "";
  const open = nameOf(`Look inside ${layer}`, element("span", { className: "lrp-prefix" }, prefix), layer.slice(prefix.length));
  open.addEventListener("click", () => messages.send({ open: layer }));
  const now = (/** @type {import("./told.js").Told} */ { state }) => ({ rows: [index], rule: state.rule[index], amounts: [index] });
  const made = lineOf({ about: layer, cells: [open, kind, shape], choices: network.choices[family], target: { layer }, now }, messages, changed);
  made.row.ariaLevel = block ? "2" : "1";
  return Object.assign(made, { inside: block, layer });
}

/**
 * @param {string} path
 * @param {number} place of its amounts
 * @param {Board} board
 */
function blockLine(path, place, { network, messages, changed, fold }) {
  const { rows, blocks, choices } = network;
  const { kind, shape, family } = blocks[path];
  const [prefix] = path.match(/^.*\.(?=[^.]*[a-z_][^.]*$)/i) ?? [""]; // a number alone says too little
  const inside = [...rows.keys()].filter((index) => rows[index].block === path);
  const leading = inside.filter((index) => rows[index].leads);
  const toggle = nameOf(`${inside.length} layers`, element("i", { className: "lrp-fold", ariaHidden: "true" }), element("span", { className: "lrp-prefix" }, prefix), path.slice(prefix.length));
  const now = (/** @type {import("./told.js").Told} */ { state }) => {
    const same = leading.every((index) => state.rule[index] === state.rule[leading[0]]);
    return { rows: inside, rule: same ? state.rule[leading[0]] : null, amounts: [place] };
  };
  const cells = [toggle, CONTAINERS.includes(kind) ? `${inside.length} layers` : kind, shape];
  const line = lineOf({ about: path, cells, choices: choices[family], target: { block: path }, now }, messages, changed);
  line.row.classList.add("lrp-block");
  line.row.ariaLevel = "1";
  const made = Object.assign(line, { block: path, inside: path });
  toggle.addEventListener("click", () => fold(made));
  return made;
}

/**
 * @param {import("./told.js").Family} family
 * @param {number} position among the families
 * @param {Board} board
 * @returns {Line}
 */
export function familyLine({ entry, name, family }, position, { network, messages, changed }) {
  const title = element("span", {}, name);
  const count = element("span", { className: "lrp-quiet" });
  const first = element("span", { className: "lrp-name", tabIndex: -1 }, title, " ", count);
  const now = (/** @type {import("./told.js").Told} */ told) => {
    const { rule, rows } = told.state.families[position];
    count.textContent = String(rows.length);
    first.title = rows.map((index) => told.network.rows[index].name).join("\n");
    return { rows, rule, amounts: rows };
  };
  return lineOf({ about: name, cells: [first, "", ""], choices: network.choices[family], target: { entry }, now, several: true }, messages, changed);
}

/**
 * @param {string} title
 * @param {...(Node | string)} children
 */
function nameOf(title, ...children) {
  return element("button", { type: "button", className: "lrp-link lrp-mono lrp-name", tabIndex: -1, title }, ...children);
}
