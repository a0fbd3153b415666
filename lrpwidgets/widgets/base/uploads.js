// Pictures from outside: chosen, dropped, pasted or taken. They travel in pieces, since Jupyter's websocket refuses
// messages above 10 MB.

import { element } from "./common.js";

const PIECE = 4 * 2 ** 20;
const MOST = 100 * 2 ** 20;

/**
 * Controls that bring pictures to the kernel, and `close`; pictures can be dropped and pasted anywhere on the page.
 * `before` is called when some are on their way.
 */
export function uploads(model, el, before) {
  const listening = new AbortController();
  const page = () => el.closest(".lrp-page") ?? el;
  const file = element("input", { type: "file", accept: "image/*", multiple: true, hidden: true, ariaLabel: "Pictures to upload" });
  const upload = element("button", { type: "button", title: "Upload pictures; you can also drop or paste them" }, "Upload picture");
  const cover = element("div", { className: "lrp lrp-drop", role: "status" }, element("p", {}, "drop pictures here"));
  const [shutter, dialog] = camera(send);
  let sending = Promise.resolve(); // one file after the other
  upload.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    send([...file.files]);
    file.value = ""; // so that the same file can be chosen again
  });
  on("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files") || !page().contains(event.target)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (!cover.isConnected) page().append(cover);
  });
  on("dragleave", (event) => page().contains(event.relatedTarget) || cover.remove());
  on("drop", (event) => {
    cover.remove();
    if (!event.dataTransfer?.files.length || !page().contains(event.target)) return;
    event.preventDefault();
    send([...event.dataTransfer.files]);
  });
  on("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const here = page().contains(event.target) || event.target === document.body;
    if (!files.length || !here || !page().checkVisibility()) return;
    event.preventDefault();
    send(files);
  });

  function on(type, act) {
    window.addEventListener(type, act, { signal: listening.signal });
  }

  function send(files) {
    if (files.length) before();
    for (const each of files) {
      const follows = each !== files[0];
      sending = sending.then(() => sendOne(each, follows)).catch((error) => refuse(each.name, error.message));
    }
  }

  async function sendOne(chosen, follows) {
    if (chosen.size > MOST) {
      refuse(chosen.name, `it has ${Math.round(chosen.size / 2 ** 20)} MB; a picture may have ${MOST / 2 ** 20} MB at most.`);
      return;
    }
    const parts = Math.max(1, Math.ceil(chosen.size / PIECE));
    for (let part = 0; part < parts; part++) {
      const piece = await chosen.slice(part * PIECE, (part + 1) * PIECE).arrayBuffer();
      model.send({ name: chosen.name, part, parts, follows }, undefined, [piece]);
    }
  }

  const refuse = (name, why) => model.send({ problem: `“${name}” cannot be uploaded: ${why}` });

  return {
    controls: [upload, shutter, file, dialog],
    close() {
      listening.abort();
      cover.remove();
      dialog.close();
    },
  };
}

/** A button that opens the camera, and the dialog in which a still is taken. */
function camera(send) {
  const video = element("video", { autoplay: true, muted: true, playsInline: true, ariaLabel: "What the camera sees" });
  const why = element("p", { className: "lrp-error", role: "alert", hidden: true });
  const take = element("button", { type: "button", disabled: true }, "take");
  const close = element("button", { type: "button" }, "close");
  const dialog = element("dialog", { className: "lrp-camera", ariaLabel: "Take a picture" }, why, video, element("div", {}, take, close));
  const open = element("button", { type: "button", title: "Take a picture with the camera", hidden: !navigator.mediaDevices?.getUserMedia }, "camera");
  let stream = null;
  open.addEventListener("click", async () => {
    why.hidden = true;
    dialog.showModal();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      why.textContent = reason(error);
      why.hidden = false;
      return;
    }
    if (!dialog.open) return stop(); // closed while the browser asked for permission
    video.srcObject = stream;
  });
  video.addEventListener("loadeddata", () => (take.disabled = false));
  take.addEventListener("click", async () => {
    const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    send([new File([blob], `camera ${new Date().toTimeString().slice(0, 8)}.png`)]);
    dialog.close();
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", stop);

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    take.disabled = true;
  }

  return [open, dialog];
}

function reason(error) {
  if (error.name === "NotAllowedError") return "The browser does not allow the camera: allow it for this page, and try again.";
  if (error.name === "NotFoundError") return "There is no camera.";
  return `The camera cannot be used: ${error.message}`;
}

