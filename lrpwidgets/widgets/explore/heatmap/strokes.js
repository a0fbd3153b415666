// What a person paints on the input; the network is asked what it says then.

/**
 * @typedef {object} Stroke
 * @property {string} kind
 * @property {number} radius in pixels of the input
 * @property {number[][]} points
 */

/**
 * @param {import("./shown.js").Shown} shown
 * @param {(message: object) => void} say tells the kernel
 * @param {() => void} changed called when a stroke is done
 */
export function strokesOf(shown, say, changed) {
  let strokes = /** @type {Stroke[]} */ ([]);
  let current = /** @type {Stroke | null} */ (null);
  let waiting = false;

  /** @param {number[]} at */
  function start(at) {
    current = { kind: shown.tool, radius: shown.radius, points: [at] };
    sendAll();
  }

  /** @param {number[]} at */
  function goOn(at) {
    if (!current) return;
    const [x, y] = current.points[current.points.length - 1];
    if (Math.hypot(at[0] - x, at[1] - y) < shown.radius / 4) return;
    current.points.push(at);
    sendAll();
  }

  function end() {
    strokes = all();
    current = null;
    changed(); // no answer may come: the kernel knows this stroke from the last move
    sendAll();
  }

  /** @param {Stroke[]} wanted */
  function repaint(wanted) {
    strokes = wanted;
    sendAll();
  }

  const all = () => (current ? [...strokes, current] : strokes);

  /** Send all strokes, once per frame of the screen. */
  function sendAll() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      say({ strokes: all() });
    });
  }

  return {
    pen: { down: start, move: goOn, up: end },
    any: () => strokes.length > 0,
    undo: () => repaint(strokes.slice(0, -1)),
    clear: () => repaint([]),
    /** What the kernel knows is `painted`, if nobody paints now. */
    hear: (/** @type {Stroke[]} */ painted) => {
      if (!current) strokes = painted;
    },
  };
}
