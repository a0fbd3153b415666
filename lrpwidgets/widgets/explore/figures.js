// The panes as a figure for a paper: vector text, one scale with its unit, and pixels that stay pixels.

import { element } from "../base/common.js";
import { drawn } from "./panes.js";

const SIDE = 448; // of a map in a figure, about

/**
 * An SVG of some panes side by side. `shown` has canvas, title, note and paths of each; `scale` has low, high, unit and
 * the colours of the ramp; `inks` the colours ink, quiet and paper of the page.
 */
export function figureOf(shown, [height, width], [factor, x, y], columns, scale, inks) {
  const times = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const [wide, high, gap, head] = [width * times, height * times, 24, 44];
  const across = Math.min(columns, shown.length);
  const [total, below] = [across * (wide + gap) + gap, Math.ceil(shown.length / across) * (high + head + 12) + gap];
  const text = (words, left, top, more = {}) =>
    drawn("text", { x: left, y: top, "font-size": 13, fill: inks.ink, ...more }, words);
  const panes = shown.map(({ canvas, title, note, paths }, index) => {
    const [left, top] = [gap + (index % across) * (wide + gap), gap + Math.floor(index / across) * (high + head + 12)];
    const image = drawn("image", { width, height, href: canvas.toDataURL(), preserveAspectRatio: "none", style: "image-rendering:pixelated" });
    const visible = `${x * width} ${y * height} ${width / factor} ${height / factor}`;
    const lines = paths.map(([d, more]) => drawn("path", { d, fill: "none", stroke: inks.ink, "vector-effect": "non-scaling-stroke", ...more }));
    return drawn(
      "g",
      {},
      text(short(title, wide), left, top + 12, { "font-weight": 600 }),
      text(short(note, wide), left, top + 30, { fill: inks.quiet }),
      drawn("svg", { x: left, y: top + head - 4, width: wide, height: high, viewBox: visible }, image, ...lines),
    );
  });
  const stops = scale.ramp.map((fill, index) => drawn("stop", { offset: index / (scale.ramp.length - 1), "stop-color": fill }));
  const middle = below + 10;
  return drawn(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width: total, height: below + 36, viewBox: `0 0 ${total} ${below + 36}`, "font-family": "system-ui, 'Liberation Sans', sans-serif" },
    drawn("defs", {}, drawn("linearGradient", { id: "ramp" }, ...stops)),
    drawn("rect", { width: "100%", height: "100%", fill: inks.paper }),
    ...panes,
    text(scale.low, gap, middle),
    drawn("rect", { x: gap + 64, y: middle - 10, width: 200, height: 10, rx: 4, fill: "url(#ramp)" }),
    text(scale.high, gap + 274, middle),
    text(short(scale.unit, total - gap - 350), gap + 340, middle, { fill: inks.quiet }),
  );
}

/** A text that fits into so many pixels. */
function short(text, pixels) {
  const most = Math.floor(pixels / 6.8);
  return text.length > most ? `${text.slice(0, Math.max(0, most - 1))}…` : text;
}

/** The SVG as pixels, as large as it says. */
export async function rasterized(figure) {
  const image = new Image();
  image.src = URL.createObjectURL(asBlob(figure));
  try {
    await image.decode();
    const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

export function asBlob(figure) {
  return new Blob([new XMLSerializer().serializeToString(figure)], { type: "image/svg+xml" });
}
