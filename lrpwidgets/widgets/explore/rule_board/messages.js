// What is said to the kernel, and whether it has heard all: an answer to an older message never moves a slider back.

/** @typedef {ReturnType<typeof messagesTo>} Messages */

/** @param {import("../../base/common.js").Model} model */
export function messagesTo(model) {
  const name = Math.random().toString(36).slice(2); // two views must not continue each other's drags
  let sent = model.get("received");
  let drags = 0;
  return {
    send: (/** @type {object} */ message, /** @type {ArrayBuffer[]} */ ...buffers) => {
      sent += 1;
      model.send(message, undefined, buffers);
    },
    /** Whether the kernel has heard all. */
    heard: () => model.get("received") >= sent,
    /** The name of a new drag. */
    drag: () => `${name}${++drags}`,
  };
}
