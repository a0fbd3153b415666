// The numbers and colours of relevance maps; nothing here knows the page. A map is a Float32Array, row by row, and
// its size is [height, width].

import { MAPS, GAMMA } from "./colours.js";
import { colour, mapOn } from "./common.js";

export const LOOK = {
  gain: 1,
  overlay: 0,
  clip: 100,
  sign: "both",
  map: "red–blue",
  contour: 0,
  strongest: 0,
  scale: "shared",
  zoom: [1, 0, 0],
};
export const CHOICES = {
  clip: [100, 99.9, 99.5, 99, 95],
  sign: ["both", "positive", "negative"],
  map: Object.keys(MAPS),
  contour: [0, 1, 5, 10, 20],
  strongest: [0, 1, 5, 10, 50, 100],
  scale: ["shared", "own"],
};
export const MOST_ZOOM = 32;

/** A whole look from what is `given`; what makes no sense is as in `LOOK`. */
export function lookOf(given) {
  const between = (low, value, high) => typeof value === "number" && value >= low && value <= high;
  const fine = {
    gain: (value) => between(1, value, 100),
    overlay: (value) => between(0, value, 1),
    zoom: (value) => Array.isArray(value) && value.length === 3 && between(1, value[0], MOST_ZOOM) && between(0, value[1], 1) && between(0, value[2], 1),
  };
  const take = ([key, usual]) => [key, (fine[key] ?? ((value) => CHOICES[key].includes(value)))(given?.[key]) ? given[key] : usual];
  return Object.fromEntries(Object.entries(LOOK).map(take));
}

const STEPS = 2048; // of a colour table: at equal steps of √|r|, since colours change fastest near 0
const tables = new Map();

/** For negative, then for positive r, by √|r|: red, green, blue without the colour of nothing, and the share of that. */
function tableOf(name, paper) {
  const { positive, negative } = mapOn(name, paper);
  const key = `${positive}`; // one table on light paper, another one on dark
  if (!tables.has(key)) {
    const table = new Float32Array(8 * STEPS);
    const map = { positive, negative, zero: [0, 0, 0] };
    for (let i = 0; i < 2 * STEPS; i++) {
      const size = ((i % STEPS) / (STEPS - 1)) ** 2;
      colour(table, 4 * i, i < STEPS ? -size : size, map);
      table[4 * i + 3] = Math.max(0, 1 - size ** GAMMA * (i < STEPS ? map.negative : map.positive).length);
    }
    tables.set(key, table);
  }
  return tables.get(key);
}

/** Draw `values` on a canvas, one pixel each; ±`limit` gets the full hues, and the picture's grey shines through. */
export function paint(canvas, size, values, limit, look, picture, paper) {
  const [table, zero, through] = [tableOf(look.map, paper), MAPS[look.map].zero ?? paper, look.overlay];
  const [low, high] = [look.sign === "positive" ? 0 : -Infinity, look.sign === "negative" ? 0 : Infinity];
  fill(canvas, size, (pixels) => {
    for (let i = 0; i < values.length; i++) {
      const r = values[i] < low || values[i] > high ? 0 : values[i] / limit;
      const step = Math.round(Math.min(1, Math.sqrt(Math.abs(r))) * (STEPS - 1)) || 0; // NaN counts as nothing
      const at = 4 * (r > 0 ? STEPS + step : step);
      const nothing = table[at + 3];
      const grey = through && (picture[3 * i] + picture[3 * i + 1] + picture[3 * i + 2]) / 3;
      for (let c = 0; c < 3; c++) {
        pixels[4 * i + c] = table[at + c] + nothing * (zero[c] + (grey - zero[c]) * through);
      }
      pixels[4 * i + 3] = 255;
    }
  });
}

/** Draw an RGB picture. */
export function show(canvas, size, picture) {
  fill(canvas, size, (pixels) => {
    for (let i = 0, from = 0; i < pixels.length; i += 4) {
      pixels[i] = picture[from++];
      pixels[i + 1] = picture[from++];
      pixels[i + 2] = picture[from++];
      pixels[i + 3] = 255;
    }
  });
}

export function fill(canvas, [height, width], write) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height); // rounds and clamps to 0..255
  write(image.data);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const STRENGTHS = {
  both: (r) => Math.abs(r) || 0,
  positive: (r) => Math.max(r, 0) || 0,
  negative: (r) => Math.max(-r, 0) || 0,
};
const sortedMaps = new WeakMap();

/** How strong the pixels are, in rising order; kept as long as the map. */
function sorted(values, sign) {
  if (!sortedMaps.has(values)) sortedMaps.set(values, {});
  return (sortedMaps.get(values)[sign] ??= values.map(STRENGTHS[sign]).sort());
}

/** The percentile as NumPy has it: between two values, in proportion. */
function percentile(rising, percent) {
  const place = (percent / 100) * (rising.length - 1);
  const below = Math.floor(place);
  return rising[below] + (place - below) * ((rising[below + 1] ?? rising[below]) - rising[below]);
}

/** The |r| at which the scale of a map ends, before gain. */
export function limitOf(values, clip) {
  if (clip < 100) return percentile(sorted(values, "both"), clip);
  return values.reduce((most, r) => Math.max(most, Math.abs(r) || 0), 0);
}

/** Whether pixel i is among the strongest `percent` of all; nothing is never strong. */
export function strongOf(values, sign, percent) {
  const least = percentile(sorted(values, sign), 100 - percent);
  return (i) => STRENGTHS[sign](values[i]) >= least && STRENGTHS[sign](values[i]) > 0;
}

/** Numbers of the `count` strongest pixels. */
export function strongest(values, sign, count) {
  const rising = sorted(values, sign);
  const least = rising[Math.max(0, rising.length - count)];
  const found = [];
  for (let i = 0; i < values.length && found.length < count; i++) {
    const strength = STRENGTHS[sign](values[i]);
    if (strength > 0 && strength >= least) found.push(i);
  }
  return found;
}

/** Pearson's correlation of two maps; NaN where one of them is constant. */
export function correlation(a, b) {
  let [sumA, sumB, squaresA, squaresB, products] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    sumA += a[i];
    sumB += b[i];
    squaresA += a[i] * a[i];
    squaresB += b[i] * b[i];
    products += a[i] * b[i];
  }
  const [varianceA, varianceB] = [squaresA - (sumA * sumA) / a.length, squaresB - (sumB * sumB) / a.length];
  return (products - (sumA * sumB) / a.length) / Math.sqrt(varianceA * varianceB);
}

/** Relevance inside and outside of a region, its share of the area, and the context ratio (Lapuschkin et al. 2016). */
export function regionOf(values, inside) {
  let [within, without, area] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (inside(i)) area += 1;
    if (inside(i)) within += values[i];
    else without += values[i];
  }
  const context = within > 0 && without >= 0 ? without / (values.length - area) / (within / area) : NaN;
  return { within, without, share: area / values.length, context };
}

/** The path along the edges of the pixels that are `inside`. */
export function outline([height, width], inside) {
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && inside(y * width + x);
  const parts = [];
  runs(height + 1, width, (y, x) => at(x, y - 1) !== at(x, y), (y, from, to) => parts.push(`M${from} ${y}H${to}`));
  runs(width + 1, height, (x, y) => at(x - 1, y) !== at(x, y), (x, from, to) => parts.push(`M${x} ${from}V${to}`));
  return parts.join("");
}

/** The path that fills the pixels that are `inside`. */
export function area([height, width], inside) {
  const parts = [];
  runs(height, width, (y, x) => inside(y * width + x), (y, from, to) => parts.push(`M${from} ${y}H${to}v1H${from}z`));
  return parts.join("");
}

/** The path of a dot in the middle of each pixel. */
export function dots([, width], pixels) {
  return pixels.map((i) => `M${(i % width) + 0.5} ${Math.floor(i / width) + 0.5}h0`).join("");
}

/** Call `found(line, from, to)` for each longest stretch of a line on which `holds(line, place)`. */
function runs(lines, length, holds, found) {
  for (let line = 0; line < lines; line++) {
    for (let from = 0; from < length; from++) {
      if (!holds(line, from)) continue;
      let to = from;
      while (to < length && holds(line, to)) to++;
      found(line, from, to);
      from = to;
    }
  }
}

/** Mark the pixels whose centre is within `radius` of the line between two points, as a stroke covers them. */
export function stamp(mask, [height, width], [x1, y1], [x2, y2], radius) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy || 1;
  const clamp = (value, most) => Math.min(most, Math.max(0, value));
  const bottom = clamp(Math.ceil(Math.max(y1, y2) + radius), height);
  const right = clamp(Math.ceil(Math.max(x1, x2) + radius), width);
  for (let y = clamp(Math.floor(Math.min(y1, y2) - radius), height); y < bottom; y++) {
    for (let x = clamp(Math.floor(Math.min(x1, x2) - radius), width); x < right; x++) {
      const [px, py] = [x + 0.5 - x1, y + 0.5 - y1];
      const along = clamp((px * dx + py * dy) / length, 1);
      if (Math.hypot(px - along * dx, py - along * dy) <= radius) mask[y * width + x] = 1;
    }
  }
}

/** The pixels from the one under one point to the one under another. */
export function box([height, width], [x1, y1], [x2, y2]) {
  const mask = new Uint8Array(height * width);
  const [left, right] = [Math.floor(Math.min(x1, x2)), Math.floor(Math.max(x1, x2))];
  const [top, bottom] = [Math.floor(Math.min(y1, y2)), Math.floor(Math.max(y1, y2))];
  for (let y = top; y <= bottom; y++) mask.fill(1, y * width + left, y * width + right + 1);
  return mask;
}
