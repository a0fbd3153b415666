// Thumbnails and their heatmaps on offscreen sheets, each made once.

import { GAMMA } from "../base/colours.js";
import { mapOn, array } from "../base/common.js";

const BESIDE = 16; // tiles in a row of a sheet, and rows
const BUDGET = 256e6; // bytes of pixels that sheets take at most

/**
 * Tiles by the row of the store they show. A heatmap's pixel is a pure hue, as opaque as its relevance is strong: over
 * paper it has the colours of every other map, over a picture it is an overlay.
 */
export function sprites() {
  let places = new Map(); // by row: sheet, x, y
  let sheets = []; // the one used longest ago first
  let size = 0;
  let hues = null; // by relevance + 127

  /** Forget all tiles; new ones get the colours for this `paper`. */
  function clear(paper) {
    [places, sheets] = [new Map(), []];
    hues = huesOn(paper);
  }

  /** Take tiles as `Tiles.message` in tiles.py sends them. */
  function receive({ tiles, channels, captions }, [rows, inputs, relevance]) {
    if (tiles !== size) [places, sheets, size] = [new Map(), [], tiles];
    const pixels = tiles * tiles;
    const [colours, strengths] = [array(inputs, Uint8Array), array(relevance, Int8Array)];
    array(rows, Uint32Array).forEach((row, i) => {
      const place = places.get(row) ?? next(row);
      place.caption = captions[i] ?? "";
      put(place.sheet.inputs, place, (data) => picture(data, colours.subarray(i * pixels * channels), channels));
      put(place.sheet.heatmaps, place, (data) => heatmap(data, strengths.subarray(i * pixels)));
    });
  }

  function next(row) {
    let sheet = sheets.findLast((each) => each.rows.length < BESIDE ** 2);
    if (!sheet) {
      const [inputs, heatmaps] = [0, 1].map(() => new OffscreenCanvas(BESIDE * size, BESIDE * size).getContext("2d"));
      sheet = { inputs, heatmaps, rows: [] };
      sheets.push(sheet);
      if (sheets.length > Math.max(4, BUDGET / (8 * (BESIDE * size) ** 2))) sheets.shift().rows.forEach((each) => places.delete(each));
    }
    const count = sheet.rows.push(row) - 1;
    const place = { sheet, x: (count % BESIDE) * size, y: Math.floor(count / BESIDE) * size };
    places.set(row, place);
    return place;
  }

  function put(context, { x, y }, paint) {
    const image = new ImageData(size, size);
    paint(image.data);
    context.putImageData(image, x, y);
  }

  function picture(data, from, channels) {
    for (let i = 0, at = 0; at < data.length; at += 4, i += channels) {
      data[at] = from[i];
      data[at + 1] = from[channels === 1 ? i : i + 1];
      data[at + 2] = from[channels === 1 ? i : i + 2];
      data[at + 3] = 255;
    }
  }

  function heatmap(data, from) {
    for (let i = 0; 4 * i < data.length; i++) data.set(hues[from[i] + 127], 4 * i);
  }

  /** Have the sheets of these rows count as used. */
  function use(rows) {
    const used = new Set(rows.map((row) => places.get(row)?.sheet));
    sheets = [...sheets.filter((each) => !used.has(each)), ...sheets.filter((each) => used.has(each))];
  }

  /** Draw one part of a tile; the caller knows that it is there. */
  function draw(context, part, row, x, y, side) {
    const place = places.get(row);
    context.drawImage(place.sheet[part].canvas, place.x, place.y, size, size, x, y, side, side);
  }

  return {
    clear,
    receive,
    use,
    draw,
    has: (row) => places.has(row),
    caption: (row) => places.get(row)?.caption ?? "",
    size: () => size,
  };
}

/** Colours of relevance from −127 to 127, as opaque as they are strong. */
function huesOn(paper) {
  const map = mapOn("red–blue", paper);
  return Array.from({ length: 255 }, (_, i) => {
    const r = (i - 127) / 127;
    return [...(r > 0 ? map.positive : map.negative)[0], 255 * Math.abs(r) ** GAMMA];
  });
}
