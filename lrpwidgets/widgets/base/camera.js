// A still from the camera.

import { element, pen } from "./common.js";

/**
 * A button that opens the camera, and the dialog in which a still is taken.
 *
 * @param {(still: File) => void} bring
 */
export function camera(bring) {
  const video = element("video", { autoplay: true, muted: true, playsInline: true, ariaLabel: "What the camera sees" });
  const why = element("p", { className: "lrp-error", role: "alert", hidden: true });
  const take = element("button", { type: "button", disabled: true }, "take");
  const close = element("button", { type: "button" }, "close");
  const dialog = element("dialog", { className: "lrp-camera", ariaLabel: "Take a picture" }, why, video, element("div", {}, take, close));
  const open = element("button", { type: "button", title: "Take a picture with the camera", hidden: !navigator.mediaDevices?.getUserMedia }, "camera");
  let stream = /** @type {MediaStream | null} */ (null);
  open.addEventListener("click", async () => {
    why.hidden = true;
    dialog.showModal();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      why.textContent = reasonOf(/** @type {Error} */ (error));
      why.hidden = false;
      return;
    }
    if (!dialog.open) return stop(); // closed while the browser asked for permission
    video.srcObject = stream;
  });
  video.addEventListener("loadeddata", () => (take.disabled = false));
  take.addEventListener("click", async () => {
    bring(await stillOf(video));
    dialog.close();
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", stop);

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    take.disabled = true;
  }

  return { open, dialog };
}

/** @param {HTMLVideoElement} video */
async function stillOf(video) {
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  pen(canvas).drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return new File([blob], `camera ${new Date().toTimeString().slice(0, 8)}.png`);
}

/** @param {Error} error */
function reasonOf(error) {
  if (error.name === "NotAllowedError") return "The browser does not allow the camera: allow it for this page, and try again.";
  if (error.name === "NotFoundError") return "There is no camera.";
  return `The camera cannot be used: ${error.message}`;
}
