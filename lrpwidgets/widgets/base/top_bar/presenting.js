// A page for those who look on: the question, its maps and the scores, in large type and on the whole screen.

const CLASS = "lrp-presenting";

/** @param {() => HTMLElement} page */
export function presentingOf(page) {
  const left = () => document.fullscreenElement || page().classList.remove(CLASS);
  document.addEventListener("fullscreenchange", left); // as by Escape

  async function toggle() {
    const on = page().classList.toggle(CLASS);
    try {
      if (on) await (page().closest(".lrp-rooms") ?? page()).requestFullscreen();
      else if (document.fullscreenElement) await document.exitFullscreen();
    } catch {
      // where a page may not have the whole screen, as in a frame, it presents in its own
    }
  }

  return { toggle, end: () => document.removeEventListener("fullscreenchange", left) };
}
