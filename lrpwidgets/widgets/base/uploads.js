// Pictures from outside: chosen, dropped, pasted or taken.

import { camera } from "./camera.js";
import { element } from "./common.js";
import { sendPieces } from "./pieces.js";
import { refusalsOf } from "./refusals.js";

const MOST = 100 * 2 ** 20;

/**
 * Controls that bring pictures to the kernel, what is said of those that are not taken, and `close`. Pictures can be
 * dropped and pasted anywhere on the page.
 *
 * @param {import("./common.js").Model} model
 * @param {HTMLElement} el
 * @param {() => void} before called when some are on their way
 */
export function uploads(model, el, before) {
  const file = element("input", { type: "file", accept: "image/*,.dcm,.dicom", multiple: true, hidden: true, ariaLabel: "Pictures to upload" });
  const upload = element("button", { type: "button", title: "Upload pictures; you can also drop or paste them" }, "Upload picture");
  const { open: shutter, dialog } = camera((taken) => send([taken]));
  const leave = dropsAndPastes(() => el.closest(".lrp-page") ?? el, send);
  const refusals = refusalsOf(model);
  let sending = Promise.resolve(); // one file after the other
  upload.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    send([...(file.files ?? [])]);
    file.value = ""; // so that the same file can be chosen again
  });

  /** @param {File[]} files */
  function send(files) {
    if (files.length) before();
    for (const each of files) {
      const follows = each !== files[0];
      sending = sending.then(() => sendOne(model, each, follows)).catch((error) => refuse(model, each.name, error.message, follows));
    }
  }

  return {
    controls: [upload, shutter, file, dialog],
    refusals: refusals.made,
    close: () => {
      refusals.close();
      leave();
      dialog.close();
    },
  };
}

/**
 * Have files that are dropped or pasted on a page; returns what undoes it.
 *
 * @param {() => Element} page
 * @param {(files: File[]) => void} send
 */
function dropsAndPastes(page, send) {
  const listening = new AbortController();
  const cover = element("div", { className: "lrp lrp-drop", role: "status" }, element("p", {}, "drop pictures here"));
  const isOn = (/** @type {EventTarget | null} */ target) => page().contains(/** @type {Node | null} */ (target));

  /**
   * @template {keyof WindowEventMap} Type
   * @param {Type} type
   * @param {(event: WindowEventMap[Type]) => void} act
   */
  function on(type, act) {
    window.addEventListener(type, act, { signal: listening.signal });
  }

  on("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files") || !isOn(event.target)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (!cover.isConnected) page().append(cover);
  });
  on("dragleave", (event) => isOn(event.relatedTarget) || cover.remove());
  on("drop", (event) => {
    cover.remove();
    if (!event.dataTransfer?.files.length || !isOn(event.target)) return;
    event.preventDefault();
    send([...event.dataTransfer.files]);
  });
  on("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const here = isOn(event.target) || event.target === document.body;
    if (!files.length || !here || !page().checkVisibility()) return;
    event.preventDefault();
    send(files);
  });
  return () => {
    listening.abort();
    cover.remove();
  };
}

/**
 * @param {import("./common.js").Model} model
 * @param {File} chosen
 * @param {boolean} follows whether it is not the first of several
 */
async function sendOne(model, chosen, follows) {
  if (chosen.size > MOST) {
    refuse(model, chosen.name, `it has ${Math.round(chosen.size / 2 ** 20)} MB; a picture may have ${MOST / 2 ** 20} MB at most.`, follows);
    return;
  }
  await sendPieces(model, chosen, { follows });
}

/**
 * @param {import("./common.js").Model} model
 * @param {string} name
 * @param {string} why
 * @param {boolean} follows
 */
function refuse(model, name, why, follows) {
  model.send({ problem: `'${name}' cannot be uploaded: ${why}`, follows });
}
