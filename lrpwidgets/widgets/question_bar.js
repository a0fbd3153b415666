// The sentence: Why [class] · composite [preset] *

function render({ model, el }) {
  el.classList.add("lrp", "lrp-question");
  const target = element("select", { ariaLabel: "Class to explain" });
  const composite = element("select", { ariaLabel: "Composite" });
  const changed = element("button", { type: "button", className: "lrp-link", title: "Back to the rules of the preset" }, "* changed: reset");
  let listed = null;

  target.addEventListener("change", () => model.send({ target: target.value === "" ? null : Number(target.value) }));
  composite.addEventListener("change", () => model.send({ composite: composite.value }));
  changed.addEventListener("click", () => model.send({ composite: composite.value }));
  el.append("Why", target, element("span", { className: "lrp-quiet" }, "composite"), composite, changed);

  function draw() {
    const [classes, presets, state] = ["classes", "presets", "state"].map((trait) => model.get(trait));
    el.hidden = !classes.length;
    if (!classes.length) return;
    if (listed !== classes.length) {
      listed = classes.length;
      target.replaceChildren(element("option", { value: "" }), ...options(classes));
      composite.replaceChildren(...presets.map((name) => element("option", { value: name }, name)));
    }
    target.options[0].textContent = `${classes[state.top]} (the top class)`;
    target.value = state.target ?? "";
    if (!presets.includes(state.composite) && composite.options.length === presets.length) {
      composite.append(element("option", { value: state.composite, disabled: true }, state.composite));
    }
    composite.value = state.composite;
    changed.hidden = !state.changed;
  }

  function options(names) {
    return names.map((name, index) => element("option", { value: index }, name));
  }

  return follow(model, el, draw);
}

export default { render };
