// Rules by group of layers: a choice and sliders per row. An answer to an older message never moves a slider back;
// everything else shows what the kernel says.

function render({ model, el }) {
  el.classList.add("lrp", "lrp-rules");
  const body = element("tbody");
  el.append(
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...["layers", "rule", "parameter", "what it does"].map(heading))),
      body,
    ),
  );
  let shown = ""; // what the rows were built from: choices and knobs, not values
  let update = [];
  let sent = model.get("received"); // messages to the kernel

  function send(message) {
    sent += 1;
    model.send(message);
  }

  function heading(text) {
    return element("th", { scope: "col" }, text);
  }

  function draw() {
    const rows = model.get("rows");
    const shape = JSON.stringify(rows.map((row) => [row.row, row.layers, row.rule, row.choices, row.knobs.length]));
    if (shape !== shown) {
      shown = shape;
      update = [];
      body.replaceChildren(...rows.map(build));
    }
    rows.forEach((row, index) => update[index](row));
  }

  function build(row) {
    const choice = element("select", { ariaLabel: `Rule for ${row.layers}` });
    choice.append(...row.choices.map((name) => element("option", { value: name }, name)));
    if (!row.choices.includes(row.rule)) choice.append(element("option", { value: row.rule }, row.rule));
    choice.addEventListener("change", () => send({ row: row.row, rule: choice.value }));
    const knobs = row.knobs.map((knob) => buildKnob(row, knob));
    const names = element("span", { className: "lrp-quiet" });
    const line = element(
      "tr",
      {},
      element("th", { scope: "row" }, row.layers, " ", names),
      element("td", {}, choice),
      element("td", {}, ...(knobs.length ? knobs.map((knob) => knob.label) : ["—"])),
      element("td", { className: "lrp-quiet" }, row.help),
    );
    update.push((now) => {
      names.textContent = `${now.names.length}`;
      names.title = now.names.join("\n");
      if (model.get("received") >= sent) choice.value = now.rule;
      line.classList.toggle("lrp-again", now.again);
      choice.classList.toggle("lrp-changed", now.changed);
      knobs.forEach((knob, index) => knob.update(now.knobs[index]));
    });
    return line;
  }

  function buildKnob(row, knob) {
    const [toSlider, toValue] = knob.logarithmic ? [Math.log10, (at) => 10 ** at] : [(v) => v, (at) => at];
    const [min, max] = knob.slider.map(toSlider);
    const range = element("input", {
      type: "range",
      min,
      max,
      step: (max - min) / 200,
      title: knob.help,
      ariaLabel: `${knob.name} for ${row.layers}`,
    });
    const text = element("output", { className: "lrp-number" });
    let waiting = false;
    range.addEventListener("input", () => {
      const value = toValue(Number(range.value));
      text.textContent = `${knob.symbol} ${number(value)}`;
      if (waiting) return; // one message a frame: the kernel gets the newest value
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        send({ row: row.row, knob: knob.name, value: toValue(Number(range.value)) });
      });
    });
    const update = ({ value }) => {
      if (waiting || model.get("received") < sent) return;
      range.value = toSlider(value);
      text.textContent = `${knob.symbol} ${number(value)}`;
    };
    return { label: element("label", {}, range, text), update };
  }

  return follow(model, el, draw);
}

export default { render };
