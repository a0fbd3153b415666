// What the keys and the wheel do on the map: move and zoom it.

import { placeOn } from "./pointer.js";

const STEP = 40; // pixels that an arrow key moves the map
const CLOSER = 1.4;

/**
 * @param {import("./pointer.js").Map} map
 * @param {() => number[]} home the domain of all points
 * @param {Record<string, () => void>} more acts by key
 */
export function keys({ stage, axes, show }, home, more) {
  /** @type {Record<string, () => void>} */
  const acts = {
    ArrowLeft: () => show(axes.moved(STEP, 0)),
    ArrowRight: () => show(axes.moved(-STEP, 0)),
    ArrowUp: () => show(axes.moved(0, STEP)),
    ArrowDown: () => show(axes.moved(0, -STEP)),
    "+": () => show(axes.zoomed(CLOSER, home())),
    "-": () => show(axes.zoomed(1 / CLOSER, home())),
    ...more,
  };

  /** @param {WheelEvent} event */
  function wheel(event) {
    event.preventDefault();
    const [x, y] = placeOn(stage, event);
    show(axes.zoomed(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), home(), x, y));
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("keydown", key);
}
