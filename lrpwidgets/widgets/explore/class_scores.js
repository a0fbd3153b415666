// Scores as rows that are buttons: name, bar, score, probability if there is one. Bars start at zero, wherever that lies.

import { element, button, number, array, follow } from "../base/common.js";

function render({ model, el }) {
  el.classList.add("lrp", "lrp-scores");
  const modes = {
    top: button("explain top", "Explain the class with the highest score, whatever the picture", () => ask({ target: null, than: null })),
    keep: button("keep", "Explain the same class for every picture", () => ask({ target: state().target, than: null })),
    than: button("A − B", "Explain why one class rather than another", () => ask({ than: second() })),
  };
  const list = element("div", { className: "lrp-classes", role: "group", ariaLabel: "Classes by score" });
  const search = element("input", { type: "search", ariaLabel: "Search the classes", data: { shortcut: "/" }, title: "Search the classes" });
  const none = element("p", { className: "lrp-quiet", hidden: true }, "No class has that in its name.");
  let [classes, scores, probabilities, before] = [[], new Float32Array(), new Float32Array(), new Float32Array()];
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
    if (event.key !== "Escape") return;
    search.value = "";
    fill();
  });
  el.append(
    element("div", { className: "lrp-head" }, element("h2", {}, "What the network says"), element("span", { className: "lrp-quiet" }, "click a class: why this one?")),
    element("div", { className: "lrp-choices", role: "group", ariaLabel: "Which class is explained" }, ...Object.values(modes)),
    list,
    none,
    search,
  );

  const state = () => model.get("state");
  const ask = (question) => model.send(question);
  const contrasts = () => state().than !== null && state().than !== undefined;

  /** The best class beside the one that is explained. */
  function second() {
    return ranked().find((index) => index !== state().target);
  }

  function ranked() {
    return [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
  }

  function draw() {
    classes = model.get("classes");
    [scores, probabilities, before] = ["scores", "probabilities", "before"].map((trait) => array(model.get(trait), Float32Array));
    el.hidden = !classes.length;
    if (!classes.length) return;
    const { target, than, follows } = state();
    modes.keep.textContent = `keep “${shortened(classes[target])}”`;
    modes.than.disabled = classes.length < 2;
    modes.than.textContent = contrasts() ? `“${shortened(classes[target])}” − “${shortened(classes[than])}”` : "A − B";
    press(modes.top, follows && !contrasts());
    press(modes.keep, !follows && !contrasts());
    press(modes.than, contrasts());
    search.placeholder = `Search ${classes.length.toLocaleString("en")} classes …`;
    search.hidden = classes.length <= model.get("top");
    fill();
  }

  function press(made, pressed) {
    made.setAttribute("aria-pressed", pressed);
  }

  function shortened(name) {
    return name.length > 14 ? `${name.slice(0, 13)}…` : name;
  }

  function fill() {
    const { target, than } = state();
    const most = model.get("top");
    const words = search.value.trim().toLowerCase();
    let shown = ranked();
    if (words) {
      shown = shown.filter((index) => classes[index].toLowerCase().includes(words)).slice(0, 2 * most);
    } else {
      const always = [target, than].filter((index) => index !== null && index !== undefined && shown.indexOf(index) >= most);
      shown = [...shown.slice(0, most - always.length), ...always];
    }
    none.hidden = shown.length > 0;
    const shownScores = shown.map((index) => scores[index]);
    const [lowest, highest] = [Math.min(0, ...shownScores), Math.max(0, ...shownScores)];
    const focused = list.contains(document.activeElement) ? [...list.children].indexOf(document.activeElement) : -1;
    const at = (score) => (100 * (score - lowest)) / (highest - lowest || 1);
    list.replaceChildren(...shown.map((index, place) => row(index, place, at)));
    list.children[focused]?.focus();
  }

  function row(index, place, at) {
    const { target, than, truth } = state();
    const score = scores[index];
    const [from, to] = [at(0), at(score)].sort((a, b) => a - b);
    const bar = element("span", { className: "lrp-bar" }, element("i", { style: { left: `${from}%`, width: `${to - from}%` } }));
    if (before.length) bar.append(element("u", { style: { left: `${Math.min(100, Math.max(0, at(before[index])))}%` } }));
    const role = index === target ? "A" : index === than ? "B" : "";
    const probability = probabilities.length ? percent(probabilities[index]) : "";
    const was = before.length ? `, ${number(before[index])} before painting` : "";
    const made = element(
      "button",
      {
        type: "button",
        className: index === target ? "lrp-chosen" : "",
        ariaLabel: `${classes[index]}: score ${number(score)}${probability && `, probability ${probability}`}${was}`,
        title: contrasts() ? "Explain why A rather than a class" : "Explain a class of the list",
      },
      element("span", { className: "lrp-name", title: classes[index] + was }, classes[index]),
      element("span", { className: "lrp-tag" }, [contrasts() ? role : "", index === truth ? "true" : ""].filter(Boolean).join(" · ")),
      bar,
      element("b", {}, score.toFixed(1).replace("-", "−")),
      element("span", { className: "lrp-quiet" }, probability),
    );
    if (place < 9) made.dataset.shortcut = place + 1;
    if (index === target) made.setAttribute("aria-current", "true");
    made.addEventListener("click", () => ask(contrasts() && index !== target ? { than: index } : { target: index, than: null }));
    return made;
  }

  function percent(share) {
    return share > 0.995 && share < 1 ? "> 99%" : share < 0.005 && share > 0 ? "< 1%" : `${Math.round(100 * share)}%`;
  }

  return follow(model, el, draw);
}

export default { render };
