// A row per layer that carries a rule, folded by block, or a row per family of layers. Each is a `line`: a choice,
// sliders and a bar. An answer to an older message never moves a slider back; everything else shows what the kernel
// says.

import { element, button, download, number, array, follow } from "../base/common.js";

const BIGGEST = 2 ** 20; // bytes of a composite's file
const SUBTITLE = "from the output down; amber rows were propagated again";
const FOLD_FROM = 4; // blocks
const CONTAINERS = ["Sequential", "ModuleList", "ModuleDict"]; // their names say nothing about what is inside
const AMOUNTS = 5; // received, handed, bias, stabilizer, rules
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** How far a bar's parts reach: what is handed on, lost, dropped by the rule, and created. */
function parts([received, , bias, stabilizer, rules]) {
  const absorbed = bias + stabilizer;
  const lost = Math.max(0, absorbed);
  const dropped = Math.max(0, rules);
  return { handed: received - lost - dropped, lost, dropped, created: Math.max(0, -absorbed) + Math.max(0, -rules) };
}

function render({ model, el }) {
  el.classList.add("lrp", "lrp-rules");
  const body = element("tbody");
  const scale = element("span", { className: "lrp-scale" });
  const key = (kind) => element("i", { className: `lrp-key lrp-${kind}`, ariaHidden: "true" });
  const heads = [
    heading("layer", "The model's own names, from the output down"),
    heading("kind"),
    heading("output", "Shape of the output: channels × height × width"),
    heading("rule"),
    heading("parameter"),
    heading("", "Relevance in units of the score. Grey: handed on. Amber: absorbed by biases and stabilizers. Hatched: dropped by the rule. Outlined: created.", element("span", { className: "lrp-part" }, key("handed"), "handed on"), key("lost"), "lost", scale),
    heading("change", "What the layer took (−) or created (+), in percent of the explained score"),
    heading("", "More"),
  ];
  const table = element("table", { role: "treegrid", ariaLabel: "Rules, layer by layer" }, element("thead", {}, element("tr", {}, ...heads)), body);
  const modes = { layers: button("layers", "A row for every layer", () => show("layers")), families: button("families", "A row for every family of layers: one slider moves all of them", () => show("families")) };
  const foldAll = button("fold all", "Fold or unfold all blocks", () => fold(lines.filter(({ block }) => block), !allFolded()));
  const undo = button("undo", "Take back the last change of rules", () => send({ undo: true }), { data: { shortcut: "u" } });
  const redo = button("redo", "Do the change again that was taken back", () => send({ redo: true }), { data: { shortcut: "r" } });
  const save = element("select", { ariaLabel: "Export the composite", title: "Save the composite as a file" }, ...["export", "json", "yaml"].map((value, index) => element("option", { value, hidden: !index }, index ? value.toUpperCase() : "export")));
  const load = button("import", "Read a composite from a JSON or YAML file", () => file.click());
  const file = element("input", { type: "file", accept: ".json,.yaml,.yml", hidden: true, ariaLabel: "Composite to import" });
  el.append(
    element(
      "div",
      { className: "lrp-head" },
      element("h2", {}, "Rules, layer by layer"),
      element("span", { className: "lrp-quiet", title: SUBTITLE }, SUBTITLE),
      element("span", { className: "lrp-choices", role: "group", ariaLabel: "Rows" }, ...Object.values(modes)),
      foldAll,
      undo,
      redo,
      save,
      load,
      file,
    ),
    element("div", { className: "lrp-board" }, table),
  );

  let mode = "layers";
  let folded = null; // paths of blocks; null: not decided yet
  let lines = [];
  let built = ""; // what the rows were built from
  let marked = model.get("state").answers; // number of the newest explanation whose rows were marked
  let active = null; // the row whose controls Tab reaches
  let asked = false; // whether this view, not another one of the same board, wants the file
  let sent = model.get("received"); // messages to the kernel
  let drags = 0;
  const name = Math.random().toString(36).slice(2); // two views must not continue each other's drags

  save.addEventListener("change", () => {
    asked = true;
    send({ export: save.value });
    save.value = "export";
  });
  file.addEventListener("change", importFile);
  body.addEventListener("focusin", (event) => activate(event.target.closest("tr")));
  body.addEventListener("keydown", walk);

  function send(message, ...buffers) {
    sent += 1;
    model.send(message, undefined, buffers);
  }

  function heading(text, title = "", ...children) {
    return element("th", { scope: "col", title }, ...(children.length ? children : [text]));
  }

  function show(wanted) {
    mode = wanted;
    draw();
  }

  // -- building -----------------------------------------------------------------------------------------------------

  function build() {
    const [network, state] = [model.get("network"), model.get("state")];
    const families = state.families.map(({ entry, name: words, family }) => [entry, words, family]);
    const from = JSON.stringify([mode, network.rows, network.choices, ...(mode === "layers" ? [] : families)]);
    if (from === built) return; // the same network sent again must not take a slider out of a person's hand
    built = from;
    table.classList.toggle("lrp-families", mode === "families");
    folded ??= new Set(Object.keys(network.blocks).length >= FOLD_FROM ? Object.keys(network.blocks) : []);
    lines = mode === "layers" ? layerLines(network) : state.families.map(familyLine);
    active = null;
    body.replaceChildren(...lines.map(({ row }) => row));
    if (lines.length) activate(lines[0].row);
  }

  function layerLines(network) {
    const blocks = Object.keys(network.blocks);
    const made = [];
    network.rows.forEach((row, index) => {
      if (row.block && made.at(-1)?.inside !== row.block) made.push(blockLine(row.block, network.rows.length + blocks.indexOf(row.block)));
      made.push(layerLine(row, index));
    });
    return made;
  }

  function layerLine({ name: layer, kind, shape, block, family }, index) {
    const prefix = layer.startsWith(`${block}.`) ? `${block}.` : "";
    const open = element(
      "button",
      { type: "button", className: "lrp-link lrp-mono lrp-name", tabIndex: -1, title: `Look inside ${layer}` },
      element("span", { className: "lrp-prefix" }, prefix),
      layer.slice(prefix.length),
    );
    open.addEventListener("click", () => send({ open: layer }));
    const now = ({ state }) => ({ rows: [index], rule: state.rule[index], amounts: [index] });
    const made = line({ about: layer, cells: [open, kind, shape], family, target: { layer }, now });
    made.row.ariaLevel = block ? 2 : 1;
    return Object.assign(made, { inside: block, layer });
  }

  function blockLine(path, place) {
    const { rows, blocks } = model.get("network");
    const { kind, shape, family } = blocks[path];
    const [prefix] = path.match(/^.*\.(?=[^.]*[a-z_][^.]*$)/i) ?? [""]; // a number alone says too little
    const inside = [...rows.keys()].filter((index) => rows[index].block === path);
    const leading = inside.filter((index) => rows[index].leads);
    const toggle = element("button", { type: "button", className: "lrp-link lrp-mono lrp-name", tabIndex: -1, title: `${inside.length} layers` }, element("i", { className: "lrp-fold", ariaHidden: "true" }), element("span", { className: "lrp-prefix" }, prefix), path.slice(prefix.length));
    toggle.addEventListener("click", () => fold([made], !folded.has(path)));
    const now = ({ state }) => {
      const same = leading.every((index) => state.rule[index] === state.rule[leading[0]]);
      return { rows: inside, rule: same ? state.rule[leading[0]] : null, amounts: [place] };
    };
    const made = line({ about: path, cells: [toggle, CONTAINERS.includes(kind) ? `${inside.length} layers` : kind, shape], family, target: { block: path }, now });
    made.row.classList.add("lrp-block");
    made.row.ariaLevel = 1;
    return Object.assign(made, { block: path, inside: path });
  }

  function familyLine({ entry, name: words, family }, position) {
    const title = element("span");
    const count = element("span", { className: "lrp-quiet" });
    const first = element("span", { className: "lrp-name", tabIndex: -1 }, title, " ", count);
    title.textContent = words;
    const now = ({ state, network }) => {
      const { rule, rows } = state.families[position];
      count.textContent = rows.length;
      first.title = rows.map((index) => network.rows[index].name).join("\n");
      return { rows, rule, amounts: rows };
    };
    return line({ about: words, cells: [first, "", ""], family, target: { entry }, now, summed: true });
  }

  /** One row; `now` says which layers it stands for, its rule (null: several) and whose amounts it shows. */
  function line({ about, cells, family, target, now, summed = false }) {
    const choice = element("select", { ariaLabel: `Rule for ${about}`, tabIndex: -1 });
    const choices = model.get("network").choices[family];
    choice.append(...choices.map((rule) => element("option", { value: rule }, rule)));
    const other = element("option", { hidden: true }); // what the choices do not hold, such as "mixed"
    choice.append(other);
    choice.addEventListener("change", () => send({ ...target, rule: choice.value }));
    const knobs = element("td");
    const bar = element("div", { className: "lrp-bar", role: "img" });
    const loss = element("td", { className: "lrp-loss" });
    const down = element("button", { type: "button", ariaLabel: `The rule of ${about} from here down`, title: "This rule from here down to the input", tabIndex: -1 }, "↓");
    const back = element("button", { type: "button", ariaLabel: `${about}: back to the preset`, title: "Back to the preset", tabIndex: -1 }, "↺");
    down.addEventListener("click", () => send({ ...target, down: true }));
    back.addEventListener("click", () => send({ ...target, reset: true }));
    const [first, ...rest] = cells;
    const row = element(
      "tr",
      {},
      element("th", { scope: "row" }, first),
      ...rest.map((cell) => element("td", { className: "lrp-quiet" }, cell)),
      element("td", {}, choice),
      knobs,
      element("td", {}, bar),
      loss,
      element("td", { className: "lrp-more" }, ...(summed ? [] : [down]), back),
    );
    let turned = []; // the sliders of `rule`
    let rule; // undefined: nothing is shown yet

    function update(all) {
      const { rows, rule: number, amounts } = now(all);
      const [named, values] = (number === null ? null : all.state.rules[number]) ?? [null, []];
      row.classList.toggle("lrp-none", number !== null && named === null); // a max pool that sends all to the winner
      const changed = rows.some((index) => all.changed.has(index));
      const again = rows.some((index) => all.again.has(index));
      row.classList.toggle("lrp-again", again);
      choice.classList.toggle("lrp-changed", changed);
      back.hidden = !changed || !all.state.preset;
      down.disabled = named === null;
      showRule(named, all.network);
      turned.forEach((knob, index) => knob.update(values[index]));
      showAmounts(bar, loss, amounts, all, summed);
      if (again && all.fresh) flash(row);
    }

    function showRule(named, network) {
      if (rule === undefined || model.get("received") >= sent) {
        other.textContent = other.value = choices.includes(named) ? "" : named ?? "mixed";
        choice.value = named ?? "mixed";
      }
      if (named === rule) return;
      rule = named;
      choice.title = named ? network.rules[named].help : "The layers inside have different rules";
      turned = named ? network.rules[named].knobs.map((knob) => buildKnob(about, target, knob)) : [];
      knobs.replaceChildren(...(turned.length ? turned.map(({ label }) => label) : ["—"]));
      if (row === active) activate(row);
    }

    return { row, update };
  }

  function buildKnob(about, target, knob) {
    const [toSlider, fromSlider] = knob.logarithmic ? [Math.log10, (at) => 10 ** at] : [(v) => v, (at) => at];
    const turned = () => Number(fromSlider(Number(range.value)).toPrecision(3)); // what is shown is what counts
    const [min, max] = knob.slider.map(toSlider);
    const range = element("input", { type: "range", min, max, step: (max - min) / 200, title: knob.help, ariaLabel: `${knob.name} for ${about}`, tabIndex: -1 });
    const text = element("output", { className: "lrp-number" });
    let [waiting, drag] = [false, null];
    const say = (value) => {
      text.textContent = range.ariaValueText = `${knob.symbol} ${number(value)}`;
    };
    range.addEventListener("input", () => {
      drag ??= `${name}${++drags}`;
      say(turned());
      if (waiting) return; // one message a frame: the kernel gets the newest value
      waiting = true;
      const one = drag;
      requestAnimationFrame(() => {
        waiting = false;
        send({ ...target, knob: knob.name, value: turned(), drag: one });
      });
    });
    range.addEventListener("change", () => {
      drag = null; // what comes next is undone on its own
    });
    const update = (value) => {
      if (text.textContent && (waiting || model.get("received") < sent)) return;
      range.value = Math.max(min, toSlider(value));
      say(value);
    };
    return { label: element("label", {}, range, text), update };
  }

  // -- showing ------------------------------------------------------------------------------------------------------

  function draw() {
    const [network, state] = [model.get("network"), model.get("state")];
    el.hidden = !network.rows;
    if (el.hidden) return;
    build();
    const numbers = array(model.get("amounts"), Float32Array);
    const every = Array.from({ length: numbers.length / AMOUNTS }, (_, index) => numbers.subarray(AMOUNTS * index, AMOUNTS * (index + 1)));
    const largest = Math.max(Math.abs(state.explained), ...every.map(([received, handed]) => Math.max(Math.abs(received), Math.abs(handed)) || 0));
    const all = { network, state, every, largest, fresh: state.answers !== marked, changed: new Set(state.changed), again: new Set(state.again) };
    lines.forEach(({ update }) => update(all));
    marked = state.answers;
    scale.textContent = `whole bar ${number(largest)}`;
    scale.title = "The amount of relevance that fills the column, in units of the score";
    showTools();
  }

  function showTools() {
    const [undoable, redoable] = model.get("travel");
    [undo.disabled, redo.disabled] = [!undoable, !redoable];
    Object.entries(modes).forEach(([each, made]) => made.setAttribute("aria-pressed", each === mode));
    foldAll.hidden = mode !== "layers" || !Object.keys(model.get("network").blocks).length;
    foldAll.textContent = allFolded() ? "unfold all" : "fold all";
    for (const { row, block, inside, layer } of lines) {
      if (block) row.ariaExpanded = !folded.has(block);
      else row.hidden = folded.has(inside);
      row.ariaCurrent = layer && layer === model.get("chosen") ? "true" : null;
    }
  }

  function showAmounts(bar, loss, indices, { every, largest, state }, summed) {
    const sum = indices.reduce((total, index) => total.map((amount, each) => amount + every[index][each]), Array(AMOUNTS).fill(0));
    const sign = state.explained < 0 ? -1 : 1; // bars run to the right whatever the sign of the score
    const finite = sum.every(Number.isFinite);
    const found = parts(sum.map((amount) => sign * amount));
    if (summed) found.handed = 0; // layers one behind the other receive the same relevance again
    bar.classList.toggle("lrp-error", !finite);
    bar.replaceChildren(...(finite ? Object.keys(found).map((part) => segment(part, found[part] / largest)) : ["not finite"]));
    const taken = sum[2] + sum[3] + sum[4];
    loss.textContent = finite ? percent(-taken / state.explained) : "";
    const words = ["received", "handed on", "bias took", "stabilizer took", "rule dropped"].map((text, each) => `${text} ${number(sum[each])}`);
    bar.title = bar.ariaLabel = finite ? `${words.slice(summed ? 2 : 0).join(", ")}, in units of the score` : "The numbers are not finite here";
  }

  function segment(part, share) {
    const made = element("i", { className: `lrp-${part}`, style: { width: `${100 * Math.min(1, Math.abs(share) || 0)}%` } });
    made.classList.toggle("lrp-negative", share < 0);
    return made;
  }

  function percent(share) {
    const value = Math.round(1000 * share) / 10;
    if (!Number.isFinite(value)) return "—";
    return `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value) < 1000 ? Math.abs(value) : number(Math.abs(value))} %`;
  }

  function flash(row) {
    if (still.matches || row.hidden || row.getAnimations().length) return;
    const amber = getComputedStyle(el).getPropertyValue("--changed");
    row.animate([{ backgroundColor: amber }, { backgroundColor: amber, offset: 0.4 }, { backgroundColor: "transparent" }], { duration: 700, easing: "steps(6)" }); // few frames: while a slider moves, every core counts
  }

  // -- folding and keys ---------------------------------------------------------------------------------------------

  function seen({ row }) {
    return row.getClientRects().length > 0;
  }

  function allFolded() {
    return Object.keys(model.get("network").blocks ?? {}).every((path) => folded?.has(path));
  }

  function fold(blocks, shut) {
    for (const { block } of blocks) shut ? folded.add(block) : folded.delete(block);
    showTools();
    if (active && !seen({ row: active })) activate(lines.find(seen).row);
  }

  /** Tab reaches the controls of one row only; arrows lead to the others. */
  function activate(row) {
    const controls = (each) => each.querySelectorAll("button, select, input, .lrp-name");
    if (active && active !== row) controls(active).forEach((each) => (each.tabIndex = -1));
    active = row;
    controls(row).forEach((each) => (each.tabIndex = 0));
  }

  function walk(event) {
    const at = lines.findIndex(({ row }) => row.contains(event.target));
    if (!event.target.closest(".lrp-name") || event.ctrlKey || event.altKey || event.metaKey) return;
    const { block, inside } = lines[at];
    const seeable = lines.filter(seen);
    const here = seeable.indexOf(lines[at]);
    const moves = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: seeable.length - 1 };
    if (event.key in moves) focus(seeable[moves[event.key]]);
    else if (event.key === "ArrowRight" && block) folded.has(block) ? fold([lines[at]], false) : focus(seeable[here + 1]);
    else if (event.key === "ArrowLeft" && block) fold([lines[at]], true);
    else if (event.key === "ArrowLeft" && inside) focus(lines.find((each) => each.block === inside));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function focus(wanted) {
    wanted?.row.querySelector(".lrp-name").focus();
  }

  // -- files --------------------------------------------------------------------------------------------------------

  async function importFile() {
    const [chosen] = file.files;
    file.value = ""; // so that the same file can be chosen again
    if (!chosen) return;
    const size = (chosen.size / 2 ** 20).toFixed(1);
    if (chosen.size > BIGGEST) send({ problem: `“${chosen.name}” has ${size} MB; the file of a composite has 1 MB at most.` });
    else send({ import: chosen.name }, await chosen.arrayBuffer());
  }

  function receive(message, buffers) {
    if (!message.save || !asked) return;
    asked = false;
    download(new Blob(buffers), message.save);
  }

  model.on("msg:custom", receive);
  const leave = follow(model, el, draw);
  return () => {
    leave();
    model.off("msg:custom", receive);
  };
}

export default { render };
