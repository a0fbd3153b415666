// What thumbnails show, by the index of their input: asked for when they come into view, and kept for a while.

const KEPT = 3000; // that the browser keeps

/**
 * @param {import("./kinds.js").Kind} kind
 * @param {(indices: number[]) => void} want asks for them
 */
export function picturesOf(kind, want) {
  const addresses = /** @type {Map<number, string>} */ (new Map()); // the one used last at the end; of texts the words
  let asked = /** @type {Set<number>} */ (new Set());

  /** @param {number[]} indices */
  function ask(indices) {
    const missing = indices.filter((index) => !addresses.has(index));
    if (missing.every((index) => asked.has(index))) return;
    asked = new Set(missing);
    want(missing);
  }

  /**
   * The picture of an input has come; empty if there is none.
   *
   * @param {number} index
   * @param {DataView<ArrayBuffer>} bytes
   */
  function receive(index, bytes) {
    const old = addresses.get(index);
    if (old) kind.free(old);
    addresses.delete(index);
    addresses.set(index, bytes.byteLength ? kind.read(bytes) : "");
  }

  /**
   * Let go of the oldest picture that is not in view, if there are too many.
   *
   * @param {(index: number) => boolean} seen
   */
  function forget(seen) {
    const oldest = addresses.size > KEPT ? [...addresses.keys()].find((index) => !seen(index)) : undefined;
    if (oldest === undefined) return;
    const address = addresses.get(oldest);
    if (address) kind.free(address);
    addresses.delete(oldest);
  }

  /**
   * Let go of the pictures of inputs that were removed: if they come again, these are asked for again.
   *
   * @param {Iterable<number>} indices
   */
  function drop(indices) {
    for (const index of indices) {
      const address = addresses.get(index);
      if (address) kind.free(address);
      addresses.delete(index);
      asked.delete(index);
    }
  }

  return {
    ask,
    receive,
    forget,
    drop,
    address: (/** @type {number} */ index) => addresses.get(index),
    close: () => addresses.forEach((address) => address && kind.free(address)),
  };
}
