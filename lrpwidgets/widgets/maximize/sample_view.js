// Two rows of real inputs, each a button: where the channel mattered, where it fired; and the classes that it speaks for.

import { paperOf, element, button, number, array, follow } from "../base/common.js";
import { paintRgb, picture } from "./pictures.js";
import { parts, paintRelevance } from "./tiles.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-samples");
  const state = element("p", { className: "lrp-quiet", role: "status" });
  const go = button("", "Let the pass over the data wait, or go on", () => model.send({ collect: !model.get("state").pass.going }));
  const ranks = [rank("Where it mattered"), rank("Where it fired")];
  const scale = element("div", { className: "lrp-samples-scale lrp-quiet" });
  const shares = element("div", { className: "lrp-shares" });
  const classes = element("section", {}, heading("For which classes", "its relevance, by the class that was said"), shares);
  el.append(element("div", { className: "lrp-samples-pass" }, state, go), ...ranks.map((each) => each.section), scale, classes);
  window.addEventListener("lrp-theme", draw);

  function draw() {
    const told = model.get("state");
    tell(told);
    const known = told.layer !== undefined;
    for (const each of [...ranks.map((one) => one.section), scale, classes]) each.hidden = !known;
    if (!known) return;
    const [mattered, fired] = model.get("rows");
    ranks[0].said.textContent = told.class ? "real inputs that have the highest scores" : "RelMax: relevance for the class that was said";
    const idle = fired.filter((row) => row[4] <= 0).length;
    ranks[1].said.textContent = idle ? `ActMax: ${idle} of ${fired.length} did not matter at all` : "ActMax: highest activation";
    ranks[1].section.hidden = told.class && same(mattered, fired);
    fillRows(told, mattered, fired);
    legend(told);
    list(told);
    Object.assign(el.dataset, { layer: told.layer, what: told.what });
  }

  function tell(told) {
    const going = told.pass;
    state.parentElement.hidden = !(going || told.problem || told.none);
    go.hidden = !going;
    go.textContent = going?.going ? "wait" : "go";
    const counts = going && `${going.done.toLocaleString("en")} of ${going.total.toLocaleString("en")} inputs`;
    if (told.none) state.textContent = "There are no real inputs to find samples in.";
    else if (told.problem) state.textContent = told.problem;
    else if (going) state.textContent = going.going ? `Looking for reference samples: ${counts}${going.waits ? ", on when the film has ended" : ""}` : `Reference samples: ${counts} looked at${going.takes ? `; the others take about ${going.takes}` : ""}`;
    el.dataset.pass = going ? String(going.done) : "ended";
  }

  function fillRows(told, mattered, fired) {
    const pictures = parts(array(model.get("pixels"), Uint8Array), model.get("sizes"), 3);
    const maps = parts(array(model.get("heatmaps"), Int8Array), model.get("heatmap_sizes"), 1);
    const paper = paperOf(el);
    [mattered, fired].forEach((rows, which) => {
      const first = which ? mattered.length : 0;
      const made = rows.map((row, place) => tile(row, which, told, first + place, pictures, maps, paper));
      ranks[which].row.replaceChildren(...(made.length ? made : [element("p", { className: "lrp-quiet" }, which ? "It never fires in the data." : "It never matters in the data.")]));
    });
  }

  function tile([item, name, says, value, relevance], fired, told, at, pictures, maps, paper) {
    const [shown, heat] = [picture(""), element("canvas")];
    paintRgb(shown, pictures[at], model.get("sizes")[at]);
    paintRelevance(heat, maps[at], model.get("heatmap_sizes")[at], paper);
    const label = `${name}, said to be ${says}: ${fired ? "activation" : "relevance"} ${number(value)}${fired ? `, Σ R ${number(relevance)}` : ""}`;
    const made = button("", `${label}. Look into this input`, () => model.send({ item }), { ariaLabel: label, data: { item } });
    made.ariaPressed = String(item === told.item);
    made.append(shown, heat, pair(says, number(value)), ...(fired && !told.class ? [pair("Σ R", number(relevance), "lrp-quiet")] : []));
    return made;
  }

  function legend(told) {
    const canvas = element("canvas");
    paintRelevance(canvas, Int8Array.from({ length: 64 }, (_, i) => 4 * i - 126), [1, 64], paperOf(el));
    scale.replaceChildren(`−${number(told.largest)}`, canvas, `+${number(told.largest)} per pixel, through ${told.class ? `“${told.what}”` : told.what} only`);
  }

  function list(told) {
    const known = model.get("shares");
    classes.hidden = !known.length || told.class;
    const most = known[0]?.[1] || 1;
    shares.replaceChildren(
      ...known.flatMap(([name, share, inputs]) => [
        element("span", { title: name }, name),
        element("span", { className: "lrp-bar" }, element("i", { style: { width: `${(100 * share) / most}%` } })),
        element("b", {}, `${number(100 * share)} %`),
        element("span", { className: "lrp-quiet" }, `${inputs.toLocaleString("en")} input${inputs === 1 ? "" : "s"}`),
      ]),
    );
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    window.removeEventListener("lrp-theme", draw);
  };
}

function heading(title, words) {
  return element("div", { className: "lrp-head" }, element("h2", {}, title), element("span", { className: "lrp-quiet" }, words));
}

function rank(title) {
  const head = heading(title, "");
  const row = element("div", { className: "lrp-sample-row", role: "group", ariaLabel: title });
  return { said: head.lastChild, row, section: element("section", {}, head, row) };
}

const pair = (left, right, look = "") => element("span", { className: `lrp-pair ${look}` }, element("span", {}, left), element("b", {}, right));

const same = (one, other) => one.length === other.length && one.every((row, place) => row[0] === other[place][0]);

export default { render };
