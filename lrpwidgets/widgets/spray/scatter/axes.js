// From the coordinates of points to pixels of the map, and back.

const MOST_ZOOM_IN = 200;

export class Axes {
  width = 0; // pixels
  height = 0;

  /** @param {number[]} domain x0, x1, y0, y1 of what is in view */
  constructor(domain) {
    this.domain = domain;
  }

  /** @param {number} x */
  across(x) {
    return ((x - this.domain[0]) / (this.domain[1] - this.domain[0])) * this.width;
  }

  /** @param {number} y */
  down(y) {
    return this.height - ((y - this.domain[2]) / (this.domain[3] - this.domain[2])) * this.height;
  }

  /** @param {number} px */
  xAt(px) {
    return this.domain[0] + (px / this.width) * (this.domain[1] - this.domain[0]);
  }

  /** @param {number} py */
  yAt(py) {
    return this.domain[2] + (1 - py / this.height) * (this.domain[3] - this.domain[2]);
  }

  /**
   * The domain after a zoom by `factor`, in which the place at (`px`, `py`) stays; `home` says how far one may go.
   *
   * @param {number} factor
   * @param {number[]} home
   */
  zoomed(factor, [x0, x1], px = this.width / 2, py = this.height / 2) {
    const [left, right, bottom, top] = this.domain;
    const spread = Math.min(4 * (x1 - x0), Math.max((x1 - x0) / MOST_ZOOM_IN, (right - left) / factor)) / (right - left);
    const [x, y] = [this.xAt(px), this.yAt(py)];
    return [x - (x - left) * spread, x + (right - x) * spread, y - (y - bottom) * spread, y + (top - y) * spread];
  }

  /**
   * The domain after a move by so many pixels.
   *
   * @param {number} dx
   * @param {number} dy
   */
  moved(dx, dy) {
    const [left, right, bottom, top] = this.domain;
    const [x, y] = [(dx / this.width) * (right - left), (dy / this.height) * (top - bottom)];
    return [left - x, right - x, bottom + y, top + y];
  }
}

/**
 * Coordinates that lie in the view `to` as `points` lie in the view `from`.
 *
 * @param {Float32Array} points
 * @param {number[]} from
 * @param {number[]} to
 */
export function carried(points, from, to) {
  return points.map((value, i) => {
    const [low, high] = i % 2 ? [2, 3] : [0, 1];
    return to[low] + ((value - from[low]) / (from[high] - from[low])) * (to[high] - to[low]);
  });
}
