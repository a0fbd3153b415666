// What every view's script may use; this file is put in front of each of them.

const FOR = [178, 34, 34]; // the same numbers as colours.py
const AGAINST = [33, 102, 172];
const GAMMA = 0.7;

/** An element with properties, children and, under `data`, data attributes. */
function element(tag, { data = {}, style = {}, ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  Object.assign(made.dataset, data);
  Object.assign(made.style, style);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A number a person can read: three significant digits, a real minus sign, a plus if asked. */
function number(value, { sign = false } = {}) {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  const text = size === 0 ? "0" : size < 1e-3 || size >= 1e5 ? size.toExponential(1).replace(".0e", "e").replace("e+", "e") : String(+size.toPrecision(3));
  return (value < 0 ? "−" : sign && value > 0 ? "+" : "") + text;
}

/** The bytes of a trait as a typed array; copied, since its offset need not be aligned. */
function array(view, Type) {
  return view ? new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Type();
}

/** Call `draw` now and whenever the kernel sent something; returns what undoes it. Tests wait for `data-seq`. */
function follow(model, el, draw) {
  const redraw = () => {
    draw();
    el.dataset.seq = model.get("seq");
    el.dataset.ready = "true";
  };
  model.on("change:seq", redraw); // one event for all traits that came with it
  redraw();
  model.send({ drawn: model.get("seq") }); // what came while the page was opened is lost: the kernel sends it again
  return () => model.off("change:seq", redraw);
}

