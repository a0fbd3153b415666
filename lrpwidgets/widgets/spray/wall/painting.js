// How a wall is drawn: the pictures of tiles, and frames around them.

/**
 * @typedef {import("./shown.js").Shown} Shown
 * @typedef {ReturnType<typeof import("../sprites.js").sprites>} Sprites
 * @typedef {import("../sprites.js").Part} Part
 * @typedef {Record<"pane" | "hairline" | "ink" | "quiet" | "for", string>} Inks colours of the theme
 */

/** @type {Record<import("./layout.js").Mode, Part[]>} */
const PARTS = { input: ["inputs"], heatmap: ["heatmaps"], both: ["inputs", "heatmaps"], overlay: ["inputs", "heatmaps"] };

/**
 * The colours of the theme, as `probe` has them.
 *
 * @param {HTMLElement} probe
 * @returns {Inks}
 */
export function inksOf(probe) {
  const ink = (/** @type {string} */ name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  return { pane: ink("pane"), hairline: ink("hairline"), ink: ink("ink"), quiet: ink("quiet"), for: ink("for") };
}

/**
 * Draw the tiles at these places; how many of them have their pictures.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 * @param {number[]} places
 * @param {Sprites} thumbnails
 * @param {Inks} inks
 * @param {number} scrolled pixels
 */
export function paint(context, shown, places, thumbnails, inks, scrolled) {
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.fillStyle = inks.pane;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  const there = places.filter((place) => thumbnails.has(shown.rowOf(place)));
  thumbnails.use(there.map((place) => shown.rowOf(place)));
  drawTiles(context, shown, there, thumbnails, scrolled);
  drawFrames(context, shown, places, inks, scrolled);
  return there.length;
}

/**
 * Draw the pictures of tiles that have them.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 * @param {number[]} places
 * @param {Sprites} thumbnails
 * @param {number} scrolled pixels
 */
function drawTiles(context, shown, places, thumbnails, scrolled) {
  const { mode, layout } = shown;
  const [below, above] = PARTS[mode];
  context.imageSmoothingEnabled = layout.height * devicePixelRatio < 3 * thumbnails.size(); // larger pixels are shown as they are
  const put = (/** @type {Part} */ part, /** @type {number} */ aside) =>
    places.forEach((place) => thumbnails.draw(context, part, shown.rowOf(place), layout.left(place) + aside, layout.top(place) - scrolled, layout.height));
  put(below, 0);
  if (mode === "overlay") grey(context);
  if (above) put(above, mode === "both" ? layout.height : 0);
}

/**
 * Take the colours from all that was drawn: in an overlay colours mean relevance.
 *
 * @param {CanvasRenderingContext2D} context
 */
function grey(context) {
  context.globalCompositeOperation = "saturation";
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.globalCompositeOperation = "source-over";
}

/**
 * Round the corners of tiles, draw their frames, and lines below those that the network has wrong.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 * @param {number[]} places
 * @param {Inks} inks
 * @param {number} scrolled pixels
 */
function drawFrames(context, shown, places, inks, scrolled) {
  const { layout, order, wrong } = shown;
  const { width, height } = layout;
  const [corners, frames, lines] = [new Path2D(), new Path2D(), new Path2D()];
  for (const place of places) {
    const [x, y] = [layout.left(place), layout.top(place) - scrolled];
    corners.rect(x - 1, y - 1, width + 2, height + 2);
    corners.roundRect(x, y, width, height, 4);
    frames.roundRect(x - 0.5, y - 0.5, width + 1, height + 1, 4);
    if (wrong[order[place]]) lines.rect(x + 1, y + height + 2, width - 2, 2);
  }
  context.fillStyle = inks.pane;
  context.fill(corners, "evenodd");
  context.fillStyle = inks.for;
  context.fill(lines);
  context.lineWidth = 1;
  context.strokeStyle = inks.hairline;
  context.stroke(frames);
  drawMarks(context, shown, places, inks, scrolled);
}

/**
 * Outline the tile that keys start from, and the one that is looked at.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 * @param {number[]} places
 * @param {Inks} inks
 * @param {number} scrolled pixels
 */
function drawMarks(context, { layout, order, focused, hovered }, places, inks, scrolled) {
  const marked = places.filter((place) => place === focused || order[place] === hovered);
  for (const place of marked) {
    context.beginPath();
    context.roundRect(layout.left(place) - 2.5, layout.top(place) - scrolled - 2.5, layout.width + 5, layout.height + 5, 6);
    context.lineWidth = place === focused ? 2 : 1.5;
    context.strokeStyle = place === focused ? inks.ink : inks.quiet;
    context.stroke();
  }
}
