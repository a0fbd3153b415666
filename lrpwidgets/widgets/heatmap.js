// The input and its heatmap. Two canvases hold one pixel per pixel of the input; CSS scales them, so that zoom
// costs nothing and a test can read the exact colours back.

const MOST_ZOOM = 32;

/** Colours of `relevance` on `base`, the picture behind it: none at strength 0, the full hue at `scale`. */
function paint(pixels, relevance, base, scale) {
  for (let i = 0; i < relevance.length; i++) {
    const hue = relevance[i] > 0 ? FOR : AGAINST;
    const strength = Math.min(1, Math.abs(relevance[i]) / scale) ** GAMMA;
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = base(i) + (hue[c] - base(i)) * strength;
    pixels[4 * i + 3] = 255;
  }
}

function render({ model, el }) {
  el.classList.add("lrp", "lrp-heatmap");
  const [input, map] = [pane("Input"), pane("Relevance")];
  const gain = slider("gain", 0, 2, 0.01, Math.log10(model.get("gain")), "Brightens faint relevance");
  const overlay = slider("overlay", 0, 1, 0.01, model.get("overlay"), "Lets the input shine through");
  const low = element("span", { className: "lrp-number" });
  const high = element("span", { className: "lrp-number" });
  const readout = element("span", { className: "lrp-readout", ariaLive: "off" });
  const zoom = { factor: 1, x: 0, y: 0 }; // x, y: the corner of the visible part, in shares of the picture
  let relevance = new Float32Array();
  let picture = new Uint8Array();
  let largest = 1;
  let under = null; // the pixel under the pointer

  el.append(
    element(
      "div",
      { className: "lrp-tools" },
      gain.label,
      overlay.label,
      button("−", "Zoom out", () => zoomTo(zoom.factor / 1.5)),
      button("+", "Zoom in", () => zoomTo(zoom.factor * 1.5)),
      button("fit", "Show the whole picture", () => zoomTo(1)),
    ),
    element("div", { className: "lrp-panes" }, input.figure, map.figure),
    element(
      "div",
      { className: "lrp-scale" },
      low,
      element("span", { className: "lrp-ramp", role: "img", ariaLabel: "Colour scale: blue against, red for" }),
      high,
      element("span", { className: "lrp-quiet" }, "per pixel, in units of the score"),
      readout,
    ),
  );

  function pane(name) {
    const canvas = element("canvas", { role: "img", ariaLabel: name, className: "lrp-pixels" });
    const mark = element("span", { className: "lrp-mark", hidden: true });
    const frame = element("div", { className: "lrp-frame", tabIndex: 0 }, canvas, mark);
    const title = element("b");
    const note = element("span", { className: "lrp-quiet" });
    const figure = element("figure", {}, element("figcaption", {}, title, note), frame);
    frame.addEventListener("pointermove", point);
    frame.addEventListener("pointerleave", () => read(null));
    frame.addEventListener("pointerdown", grab);
    frame.addEventListener("dblclick", () => zoomTo(1));
    frame.addEventListener("wheel", wheel, { passive: false });
    frame.addEventListener("keydown", key);
    return { canvas, frame, mark, title, note, figure };
  }

  function slider(name, min, max, step, value, help) {
    const range = element("input", { type: "range", min, max, step, value, title: help, ariaLabel: name });
    range.addEventListener("input", draw);
    return { range, label: element("label", {}, name, range) };
  }

  function button(text, help, act) {
    const made = element("button", { type: "button", title: help, ariaLabel: help }, text);
    made.addEventListener("click", act);
    return made;
  }

  function receive() {
    relevance = array(model.get("relevance"), Float32Array);
    picture = array(model.get("picture"), Uint8Array);
    largest = relevance.reduce((most, r) => Math.max(most, Math.abs(r)), 0);
    const { name, class: label, score } = model.get("caption");
    const [height, width] = model.get("size");
    el.hidden = !width;
    if (!width) return;
    input.title.textContent = name;
    input.note.textContent = `${width} × ${height}`;
    map.title.textContent = `red for, blue against “${label}”`;
    for (const { title } of [input, map]) title.title = title.textContent; // where it is cut off
    map.note.textContent = `f = ${number(score)}`;
    map.canvas.ariaLabel = `Relevance for ${label}`;
    draw();
  }

  function draw() {
    const [height, width] = model.get("size");
    if (!width || relevance.length !== width * height) return;
    const scale = (largest || 1) / 10 ** gain.range.value;
    const through = Number(overlay.range.value);
    const grey = (i) => (picture[3 * i] + picture[3 * i + 1] + picture[3 * i + 2]) / 3;
    fill(map.canvas, (pixels) => paint(pixels, relevance, (i) => 255 + (grey(i) - 255) * through, scale));
    fill(input.canvas, (pixels) => {
      for (let i = 0; i < width * height; i++) pixels.set([...picture.subarray(3 * i, 3 * i + 3), 255], 4 * i);
    });
    low.textContent = number(-scale);
    high.textContent = number(scale, { sign: true });
    read(under);
  }

  function fill(canvas, paintPixels) {
    const [height, width] = model.get("size");
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height); // rounds and clamps to 0..255
    paintPixels(image.data);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function zoomTo(factor, x = zoom.x + 0.5 / zoom.factor, y = zoom.y + 0.5 / zoom.factor) {
    const before = zoom.factor;
    zoom.factor = Math.min(MOST_ZOOM, Math.max(1, factor));
    moveTo(x - ((x - zoom.x) * before) / zoom.factor, y - ((y - zoom.y) * before) / zoom.factor);
  }

  function moveTo(x, y) {
    const most = 1 - 1 / zoom.factor;
    [zoom.x, zoom.y] = [Math.min(most, Math.max(0, x)), Math.min(most, Math.max(0, y))];
    for (const { canvas } of [input, map]) {
      canvas.style.transform = `scale(${zoom.factor}) translate(${-100 * zoom.x}%, ${-100 * zoom.y}%)`;
    }
    read(under);
  }

  /** Where an event happened, in shares of the picture. */
  function place(event) {
    const box = event.currentTarget.getBoundingClientRect();
    return [
      zoom.x + (event.clientX - box.left) / box.width / zoom.factor,
      zoom.y + (event.clientY - box.top) / box.height / zoom.factor,
    ];
  }

  function point(event) {
    const [height, width] = model.get("size");
    const [x, y] = place(event);
    read([Math.min(width - 1, Math.floor(x * width)), Math.min(height - 1, Math.floor(y * height))]);
  }

  /** Show the value at `pixel` and mark it in both panes. */
  function read(pixel) {
    under = pixel;
    const [height, width] = model.get("size");
    for (const { mark } of [input, map]) {
      mark.hidden = !pixel;
      if (!pixel) continue;
      const [left, top] = [(pixel[0] / width - zoom.x) * zoom.factor, (pixel[1] / height - zoom.y) * zoom.factor];
      Object.assign(mark.style, {
        left: `${100 * left}%`,
        top: `${100 * top}%`,
        width: `${(100 * zoom.factor) / width}%`,
        height: `${(100 * zoom.factor) / height}%`,
      });
    }
    const value = pixel && relevance[pixel[1] * width + pixel[0]];
    readout.textContent = pixel ? `pointer (${pixel[0]}, ${pixel[1]}): ${number(value, { sign: true })}` : "";
  }

  function grab(event) {
    const [frame, start] = [event.currentTarget, [zoom.x, zoom.y]];
    const { width, height } = frame.getBoundingClientRect();
    const drag = (move) =>
      moveTo(
        start[0] - (move.clientX - event.clientX) / width / zoom.factor,
        start[1] - (move.clientY - event.clientY) / height / zoom.factor,
      );
    const release = () => {
      frame.removeEventListener("pointermove", drag);
      frame.removeEventListener("lostpointercapture", release);
    };
    frame.setPointerCapture(event.pointerId);
    frame.addEventListener("pointermove", drag);
    frame.addEventListener("lostpointercapture", release); // also where the browser takes the pointer away
  }

  function wheel(event) {
    if (document.activeElement !== event.currentTarget && !event.ctrlKey) return; // else the page could not scroll
    event.preventDefault();
    zoomTo(zoom.factor * 1.0015 ** -event.deltaY, ...place(event));
  }

  function key(event) {
    const step = 0.1 / zoom.factor;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === "+") zoomTo(zoom.factor * 1.5);
    else if (event.key === "-") zoomTo(zoom.factor / 1.5);
    else if (event.key === "0") zoomTo(1);
    else if (moves[event.key]) moveTo(zoom.x + moves[event.key][0], zoom.y + moves[event.key][1]);
    else return;
    event.preventDefault();
  }

  return follow(model, el, receive);
}

export default { render };
