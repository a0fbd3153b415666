// Classes as rows that are buttons: name, bar, separability. A row is made once for its class and moves up and down.

import { element, button, array, follow } from "../base/common.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-ranking");
  const kinds = Object.fromEntries(
    [["prediction", "A map belongs to the class that the model predicts"], ["label", "A map belongs to the class of its label"]].map(([name, title]) => [name, button(name, title, () => model.send({ by: name }))]),
  );
  const list = element("div", { className: "lrp-ranks", role: "group", ariaLabel: "Classes, the most separable first" });
  const note = element("p", { className: "lrp-quiet", role: "status" });
  const test = button("test each class", "Put the most separable cluster of every class to the poison test", () => model.send({ test: "classes" }));
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "Classes"), element("span", { className: "lrp-quiet" }, "most separable first (τ)")),
    element("div", { className: "lrp-ranking-by lrp-quiet" }, "by ", element("span", { className: "lrp-choices", role: "group", ariaLabel: "Which maps belong to a class" }, ...Object.values(kinds))),
    list,
    note,
    test,
  );
  const rows = new Map(); // by class; null for all maps
  const filled = new Map(); // what each row says: a thousand rows are not written again for one
  let chosen = null;
  let found = { labels: [], taus: [], sizes: [] };
  list.addEventListener("keydown", walk);

  function draw() {
    found = { labels: [...array(model.get("labels"), Int32Array)], taus: array(model.get("taus"), Float32Array), sizes: array(model.get("sizes"), Int32Array) };
    const { by } = model.get("state");
    for (const [name, each] of Object.entries(kinds)) each.ariaPressed = String(name === by);
    listRows();
    say();
  }

  function listRows() {
    const { group, maps } = model.get("state");
    const most = Math.max(0, ...found.taus);
    const marks = new Map(model.get("marks").map(([label, ...mark]) => [label, mark]));
    list.classList.toggle("lrp-marked", marks.size > 0);
    list.style.setProperty("--name", `${Math.max(1, ...found.labels.map((label) => model.get("classes")[label].length))}ch`);
    fill(null, "all maps", maps, null, 0, marks.get(null));
    found.labels.forEach((label, place) => fill(label, model.get("classes")[label], found.sizes[place], found.taus[place], most, marks.get(label)));
    const [focused, wanted] = [document.activeElement, [null, ...found.labels].map(rowOf)];
    if (wanted.length !== list.children.length || wanted.some((row, place) => row !== list.children[place])) {
      list.replaceChildren(...wanted); // and not otherwise: a row that moves loses the focus
      if (wanted.includes(focused)) focused.focus({ preventScroll: true });
    }
    choose(wanted.find((row) => row === rows.get(group)) ?? null);
  }

  function rowOf(label) {
    if (!rows.has(label)) {
      const bar = element("span", { className: "lrp-bar" }, element("i"));
      const made = button("", "", () => model.send({ group: label }), { tabIndex: -1 });
      made.append(element("span", { className: "lrp-name" }), bar, element("b"), element("span", { className: "lrp-mark" }));
      rows.set(label, made);
    }
    return rows.get(label);
  }

  function fill(label, name, size, tau, most, [hans, told] = [false, ""]) {
    const row = rowOf(label);
    const news = [name, size, tau, most, told].join();
    if (filled.get(label) === news) return;
    filled.set(label, news);
    const [words, bar, value, mark] = row.children;
    const [count, apart] = [`${size.toLocaleString("en")} maps`, tau === null ? "" : `, τ ${tau.toFixed(2)}`];
    row.ariaLabel = `${name}: ${count}${apart}${told && `; ${told}`}`;
    row.title = `${name}: ${count}${told && `\n${told}`}`;
    words.textContent = name;
    bar.hidden = tau === null;
    bar.firstChild.style.width = most ? `${(100 * Math.max(0, tau)) / most}%` : "0";
    value.textContent = tau === null ? size.toLocaleString("en") : tau.toFixed(1);
    mark.textContent = hans ? "Clever Hans" : told ? "✓" : "";
    mark.classList.toggle("lrp-hans", hans);
    row.classList.toggle("lrp-whole", tau === null);
  }

  function choose(row) {
    rows.get(null).tabIndex = (row ?? rows.get(null)) === rows.get(null) ? 0 : -1; // Tab reaches the chosen one, arrows the others
    if (row === chosen) return;
    for (const each of [chosen, row].filter(Boolean)) {
      each.classList.toggle("lrp-chosen", each === row);
      each.ariaCurrent = String(each === row);
      each.tabIndex = each === row ? 0 : -1;
    }
    chosen = row;
    if (row) reveal(row);
  }

  /** Scroll the list to a row; scrollIntoView would move the page as well. */
  function reveal({ offsetTop, offsetHeight }) {
    list.scrollTop = Math.min(offsetTop, Math.max(list.scrollTop, offsetTop + offsetHeight - list.clientHeight));
  }

  function say() {
    const { ranking, present, fewest } = model.get("state");
    const { length } = found.labels;
    note.textContent = ranking ? `ranking … ${length} of ${present}` : length ? "" : `No class has ${fewest} maps or more.`;
    note.hidden = !note.textContent;
    test.disabled = ranking || !length;
  }

  function walk(event) {
    const steps = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    const every = [...list.children];
    const place = every.indexOf(document.activeElement) + steps[event.key];
    every[Math.min(every.length - 1, Math.max(0, place))].focus();
    event.preventDefault();
    event.stopPropagation();
  }

  return follow(model, el, draw);
}

export default { render };
