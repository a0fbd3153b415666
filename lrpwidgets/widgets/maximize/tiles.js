// Small pictures of any sizes, and maps of relevance on one scale.

import { colour, mapOn } from "../base/common.js";

/** Parts of `bytes` one behind the other, of `depth` bytes for each pixel of `sizes`. */
export function parts(bytes, sizes, depth) {
  let at = 0;
  return sizes.map(([height, width]) => bytes.subarray(at, (at += depth * height * width)));
}

/** Relevance of −127 to 127 on a canvas, one pixel each. */
export function paintRelevance(canvas, values, [height, width], paper) {
  Object.assign(canvas, { width, height });
  canvas.style.imageRendering = "pixelated";
  if (!height || values.length < height * width) return;
  const image = new ImageData(width, height);
  const colours = mapOn("red–blue", paper);
  for (let i = 0; i < height * width; i++) colour(image.data, 4 * i, values[i] / 127, colours, paper);
  canvas.getContext("2d").putImageData(image, 0, 0);
}
