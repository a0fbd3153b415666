// A pane: a caption, a canvas that holds one pixel per pixel of the input, and lines above it that stay thin however
// far one zooms in. Zoom costs nothing, and a test can read the exact colours back.

import { element } from "../base/common.js";

/** An SVG element. */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const MARKS = ["shade", "contour", "dots", "edge"]; // from below; all but the shade are drawn on a halo

/** A pane in which `hand` moves: see `handOf`. */
export function paneOf(kind, hand) {
  const canvas = element("canvas", { role: "img", className: "lrp-pixels" });
  const paths = {};
  const lines = drawn("svg", { class: "lrp-lines", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const name of MARKS) {
    paths[name] = [drawn("path", { class: `lrp-${name} lrp-halo` }), drawn("path", { class: `lrp-${name}` })];
    lines.append(...paths[name]);
  }
  const under = drawn("rect", { class: "lrp-under", width: 1, height: 1 });
  const brush = drawn("circle", { class: "lrp-brush" });
  lines.append(under, brush);
  const frame = element("div", { className: "lrp-frame", tabIndex: 0, role: "group" }, canvas, lines);
  const [title, note] = [element("b"), element("span", { className: "lrp-quiet" })];
  const [second, foot] = [element("span", { className: "lrp-second lrp-quiet" }), element("div", { className: "lrp-foot" })];
  const figure = element("figure", { data: { kind } }, element("figcaption", {}, title, second, note), frame, foot);
  const pane = { kind, canvas, paths, under, brush, frame, title, note, second, foot, figure, lines };
  hand.attach(pane);
  return pane;
}

/** Put a path above a pane's pixels, "" for none. */
export function mark(pane, name, path) {
  for (const each of pane.paths[name]) if (each.getAttribute("d") !== path) each.setAttribute("d", path);
}

/** Show the part of the picture that `zoom` leaves. */
export function see(pane, [height, width], [factor, x, y]) {
  pane.canvas.style.transform = `scale(${factor}) translate(${-100 * x}%, ${-100 * y}%)`;
  pane.lines.setAttribute("viewBox", `${x * width} ${y * height} ${width / factor} ${height / factor}`);
}

/**
 * The pointer and the keys over all panes. `view` has size() and zoom(); zoomTo(factor, x, y) and moveTo(x, y) in shares
 * of the picture; read(pixel or null); over(point or null); and pen(pane): { down, move, up } of a tool that draws,
 * null where dragging moves the picture. Points are in pixels of the input.
 */
export function handOf(view) {
  let reading = null; // the pixel that the keys move, if they do
  let drawing = null; // the pen that the space bar put down

  function attach(pane) {
    const listeners = { pointermove: point, pointerleave: leave, pointerdown: grab, keydown: (event) => key(event, pane) };
    for (const [event, listen] of Object.entries(listeners)) pane.frame.addEventListener(event, listen);
    pane.frame.addEventListener("dblclick", () => view.pen(pane) ?? view.zoomTo(1));
    pane.frame.addEventListener("wheel", wheel, { passive: false });
    pane.frame.addEventListener("blur", () => reading && stopReading());

    function grab(event) {
      if (event.button > 0) return;
      const pen = view.pen(pane);
      const drag = pen ? (move) => pen.move(place(move)) : moving(event);
      const release = () => {
        pane.frame.removeEventListener("pointermove", drag);
        pane.frame.removeEventListener("lostpointercapture", release);
        pen?.up();
      };
      pane.frame.setPointerCapture(event.pointerId);
      pane.frame.addEventListener("pointermove", drag);
      pane.frame.addEventListener("lostpointercapture", release); // also where the browser takes the pointer away
      pen?.down(place(event));
    }
  }

  /** Where an event happened, in pixels of the input. */
  function place(event) {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const [[rows, columns], [factor, x, y]] = [view.size(), view.zoom()];
    const inside = (share, most) => Math.min(most - 1e-6, Math.max(0, share * most));
    return [
      inside(x + (event.clientX - left) / width / factor, columns),
      inside(y + (event.clientY - top) / height / factor, rows),
    ];
  }

  function point(event) {
    reading = null;
    const at = place(event);
    view.over(at);
    view.read(at.map(Math.floor));
  }

  function leave() {
    view.over(null);
    view.read(null);
  }

  function moving(event) {
    const [[factor, x, y], { width, height }] = [view.zoom(), event.currentTarget.getBoundingClientRect()];
    return (move) =>
      view.moveTo(x - (move.clientX - event.clientX) / width / factor, y - (move.clientY - event.clientY) / height / factor);
  }

  function wheel(event) {
    if (document.activeElement !== event.currentTarget && !event.ctrlKey) return; // else the page could not scroll
    event.preventDefault();
    const [[height, width], [x, y]] = [view.size(), place(event)];
    view.zoomTo(view.zoom()[0] * 1.0015 ** -event.deltaY, x / width, y / height);
  }

  function key(event, pane) {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const [factor, x, y] = view.zoom();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") view.zoomTo(factor * 1.5);
    else if (event.key === "-") view.zoomTo(factor / 1.5);
    else if (event.key === "0") view.zoomTo(1);
    else if (event.key === "Enter") reading ? stopReading() : startReading();
    else if (event.key === " " && reading && view.pen(pane)) draw(pane);
    else if (arrow && reading) step(arrow, event.shiftKey ? 10 : 1);
    else if (arrow) view.moveTo(x + (0.1 * arrow[0]) / factor, y + (0.1 * arrow[1]) / factor);
    else return;
    event.preventDefault();
    event.stopPropagation(); // arrows mean other things elsewhere
  }

  function startReading() {
    const [[height, width], [factor, x, y]] = [view.size(), view.zoom()];
    reading = [Math.floor((x + 0.5 / factor) * width), Math.floor((y + 0.5 / factor) * height)];
    tell();
  }

  function stopReading() {
    drawing?.up();
    drawing = reading = null;
    leave();
  }

  function step([dx, dy], pixels) {
    const [height, width] = view.size();
    const inside = (value, most) => Math.min(most - 1, Math.max(0, value));
    reading = [inside(reading[0] + dx * pixels, width), inside(reading[1] + dy * pixels, height)];
    drawing?.move(middle());
    tell();
  }

  /** Put the pen down, or lift it. */
  function draw(pane) {
    const pen = view.pen(pane);
    if (drawing) drawing.up();
    else pen.down(middle());
    drawing = drawing ? null : pen;
  }

  const middle = () => reading.map((value) => value + 0.5);

  function tell() {
    view.over(middle());
    view.read(reading);
  }

  return { attach };
}
