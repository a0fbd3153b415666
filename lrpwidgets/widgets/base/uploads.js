// Pictures or texts from outside: chosen, dropped, pasted or taken.

import { camera } from "./camera.js";
import { element } from "./common.js";
import { sendPieces } from "./pieces.js";
import { refusalsOf } from "./refusals.js";

const MOST = 100 * 2 ** 20;

/** What a person can bring. */
const BROUGHT = {
  picture: { accept: "image/*,.dcm,.dicom", label: "Pictures to upload", title: "Upload pictures; you can also drop or paste them", words: "Upload picture" },
  text: { accept: "text/plain,.txt,.md", label: "Texts to open", title: "Open text files; you can also drop them, or paste a text", words: "Open text" },
};

/** @typedef {keyof typeof BROUGHT} Brought */

/**
 * Controls that bring pictures or texts to the kernel, what is said of those that are not taken, and `close`. They can be
 * dropped and pasted anywhere on the page.
 *
 * @param {import("./common.js").Model} model
 * @param {HTMLElement} el
 * @param {() => void} before called when some are on their way
 * @param {Brought} brought
 */
export function uploads(model, el, before, brought = "picture") {
  const { accept, label, title, words } = BROUGHT[brought];
  const file = element("input", { type: "file", accept, multiple: true, hidden: true, ariaLabel: label });
  const upload = element("button", { type: "button", title }, words);
  const { open: shutter, dialog } = camera((taken) => send([taken]));
  const taking = brought === "picture" ? [shutter] : [];
  const leave = dropsAndPastes(() => el.closest(".lrp-page") ?? el, send, brought, (text) => model.send({ typed: text }));
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
      sending = sending.then(() => sendOne(model, each, follows, brought)).catch((error) => refuse(model, each.name, error.message, follows));
    }
  }

  return {
    controls: [upload, ...taking, file, dialog],
    refusals: refusals.made,
    close: () => {
      refusals.close();
      leave();
      dialog.close();
    },
  };
}

/**
 * Have files that are dropped or pasted on a page, or a text that is pasted; returns what undoes it.
 *
 * @param {() => Element} page
 * @param {(files: File[]) => void} send
 * @param {Brought} brought
 * @param {(text: string) => void} read
 */
function dropsAndPastes(page, send, brought, read) {
  const listening = new AbortController();
  const cover = element("div", { className: "lrp lrp-drop", role: "status" }, element("p", {}, `drop ${brought}s here`));
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
    const text = brought === "text" && !types(event.target) ? (event.clipboardData?.getData("text/plain") ?? "") : "";
    if (!(files.length || text.trim()) || !here || !page().checkVisibility()) return;
    event.preventDefault();
    if (files.length) send(files);
    else read(text);
  });
  return () => {
    listening.abort();
    cover.remove();
  };
}

/**
 * Whether somebody types there, where a text that is pasted goes.
 *
 * @param {EventTarget | null} target
 */
function types(target) {
  return /** @type {Element | null} */ (target)?.matches?.("input, textarea, [contenteditable]") ?? false;
}

/**
 * @param {import("./common.js").Model} model
 * @param {File} chosen
 * @param {boolean} follows whether it is not the first of several
 * @param {Brought} brought
 */
async function sendOne(model, chosen, follows, brought) {
  if (chosen.size > MOST) {
    refuse(model, chosen.name, `it has ${Math.round(chosen.size / 2 ** 20)} MB; a ${brought} may have ${MOST / 2 ** 20} MB at most.`, follows);
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
