// A menu of many choices opens with a field to search in.

import { element } from "./common.js";

const FEW = 12; // choices that are seen at once, and need no search
const MOST = 200; // that are listed

/**
 * The numbers of those `names` that have all `words` in them, wherever; those that begin like them first.
 *
 * @param {string[]} names
 * @param {string} words
 */
export function matching(names, words) {
  const wanted = words.trim().toLowerCase();
  const parts = wanted.split(/\s+/);
  const small = names.map((name) => name.toLowerCase());
  const found = [...names.keys()].filter((index) => parts.every((part) => small[index].includes(part)));
  const rank = (/** @type {number} */ index) => (small[index].startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || a - b);
}

/**
 * Let `select` open with a field to search in once it has many choices. To all others it stays what it is.
 *
 * @param {HTMLSelectElement} select
 */
export function searchable(select) {
  const list = element("div", { role: "listbox", id: `lrp-found-${++made}`, ariaLabel: select.ariaLabel });
  const field = element("input", { type: "search", role: "combobox", placeholder: "Search …", ariaLabel: `Search: ${select.ariaLabel}`, ariaExpanded: "true", ariaAutoComplete: "list" });
  const sheet = element("div", { className: "lrp-search", popover: "auto" }, field, list);
  let at = 0; // which of those that are listed Enter takes
  field.setAttribute("aria-controls", list.id);

  function open(words = "") {
    /** @type {HTMLElement} */ (select.closest(".lrp")).append(sheet);
    field.value = words;
    fill();
    sheet.showPopover();
    place(sheet, select);
    field.focus();
    mark(Math.max(0, [...list.children].findIndex((each) => each.ariaSelected === "true")));
  }

  function fill() {
    const options = [...select.options].filter((each) => !each.disabled);
    const found = matching(options.map((each) => each.text), field.value);
    const rows = found.slice(0, MOST).map((index) => rowOf(options[index], select.value, take));
    const rest = found.length - rows.length;
    const words = rest > 0 ? `${rest.toLocaleString("en")} more: search for them` : found.length ? "" : "No name has that in it.";
    list.replaceChildren(...rows, ...(words ? [element("p", { className: "lrp-quiet" }, words)] : []));
    mark(0);
  }

  function mark(/** @type {number} */ wanted) {
    const rows = [...list.querySelectorAll("[role=option]")];
    at = Math.min(Math.max(0, wanted), rows.length - 1);
    rows.forEach((row, index) => row.classList.toggle("lrp-at", index === at));
    rows[at]?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", rows[at]?.id ?? "");
  }

  function take(/** @type {string} */ value) {
    sheet.hidePopover();
    select.focus();
    if (select.value === value) return;
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function walk(/** @type {KeyboardEvent} */ event) {
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 });
    if (event.key in steps) mark(at + steps[event.key]);
    else if (event.key === "Enter") /** @type {HTMLElement | null} */ (list.querySelector(".lrp-at"))?.click();
    else return;
    event.preventDefault();
  }

  field.addEventListener("input", fill);
  field.addEventListener("keydown", walk);
  sheet.addEventListener("keydown", (event) => event.stopPropagation()); // Escape closes this, and cancels nothing
  listen(select, open);
}

let made = 0;

/**
 * Open in place of the browser's own list, if there is much in it.
 *
 * @param {HTMLSelectElement} select
 * @param {(words?: string) => void} open
 */
function listen(select, open) {
  select.addEventListener("mousedown", (event) => {
    if (!event.button && select.options.length > FEW) event.preventDefault();
  });
  select.addEventListener("click", () => select.options.length > FEW && open()); // what is open before is closed by it
  select.addEventListener("keydown", (event) => {
    const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey;
    if (select.options.length <= FEW || !(typed || ["Enter", " ", "ArrowDown", "ArrowUp"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    open(typed ? event.key : "");
  });
}

/**
 * @param {HTMLOptionElement} option
 * @param {string} chosen
 * @param {(value: string) => void} take
 */
function rowOf({ value, text }, chosen, take) {
  const row = element("div", { role: "option", id: `lrp-found-${++made}`, ariaSelected: String(value === chosen) }, text);
  row.addEventListener("click", () => take(value));
  return row;
}

/**
 * Below the `select`, or above it where there is more room.
 *
 * @param {HTMLElement} sheet
 * @param {HTMLElement} select
 */
function place(sheet, select) {
  const { left, top, bottom } = select.getBoundingClientRect();
  const below = innerHeight - bottom >= Math.min(360, top);
  Object.assign(sheet.style, {
    left: `${Math.max(8, Math.min(left, innerWidth - sheet.offsetWidth - 8))}px`,
    top: below ? `${bottom + 2}px` : "auto",
    bottom: below ? "auto" : `${innerHeight - top + 2}px`,
    maxHeight: `${Math.min(360, (below ? innerHeight - bottom : top) - 10)}px`,
  });
}
