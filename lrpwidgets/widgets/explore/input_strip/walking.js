// Which input is looked at. The kernel follows, and may be some inputs behind.

/** @param {import("../../base/common.js").Model} model */
export function walking(model) {
  const sent = /** @type {number[]} */ ([]); // inputs that were asked for and of which the kernel has not heard yet

  const now = () => /** @type {number | null} */ (sent[sent.length - 1] ?? model.get("chosen"));

  /**
   * The place of this input; -1 if it is not among those in `order`.
   *
   * @param {Int32Array} order
   */
  function placeIn(order) {
    const index = now();
    return index === null ? -1 : order.indexOf(index);
  }

  /** @param {number} index */
  function ask(index) {
    if (index !== now()) sent.push(index); // outlined at once; the kernel follows
    model.send({ item: index });
  }

  /** The kernel has come to an input that was asked for, or to another: then what was asked for is past. */
  function come() {
    const at = sent.indexOf(model.get("chosen"));
    sent.splice(0, at < 0 ? Infinity : at + 1);
  }

  return { now, placeIn, ask, come };
}

/**
 * The place that is `by` places further, or the first or the last one from nowhere; null if there is none.
 *
 * @param {number} place -1 for nowhere
 * @param {number} by
 * @param {number} count
 */
export function further(place, by, count) {
  const to = place < 0 ? (by > 0 ? 0 : count - 1) : place + by;
  return to >= 0 && to < count ? to : null;
}
