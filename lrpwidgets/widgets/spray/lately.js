// What changes often is told seldom.

/**
 * A function that passes its newest value on to `tell`, every `wait` milliseconds at most and never twice.
 *
 * @template Value
 * @param {(value: Value | null) => void} tell
 */
export function lately(tell, wait = 30) {
  /** @type {[number, Value | null, Value | null]} */
  let [timer, newest, told] = [0, null, null];
  return (/** @type {Value | null} */ value) => {
    newest = value;
    timer ||= setTimeout(() => {
      timer = 0;
      if (newest !== told) tell((told = newest));
    }, wait);
  };
}
