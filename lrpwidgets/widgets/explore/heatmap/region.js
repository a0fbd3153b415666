// A region that a person selects with the box or the brush, and what is said of it below the panes.

import { element, number } from "../../base/common.js";
import { sumsOf } from "./numbers.js";
import { mark } from "./panes.js";
import { area, box, outline, stamp } from "./shapes.js";

/**
 * @param {import("./shown.js").Shown} shown
 * @param {() => void} changed called when there is another region
 */
export function regionOf(shown, changed) {
  const made = element("div", { className: "lrp-region", role: "status", hidden: true });
  let mask = /** @type {Uint8Array | null} */ (null);
  let inverted = false;
  let anchor = [0, 0]; // where the box began, or the brush was last

  /**
   * @param {Uint8Array | null} chosen
   * @param {boolean} turned
   */
  function set(chosen, turned) {
    [mask, inverted] = [chosen, turned];
    changed();
    draw();
  }

  /** @param {number[]} at */
  function boxTo(at) {
    set(box(shown.size, anchor, at), inverted);
  }

  /** @param {number[]} at */
  function brushTo(at) {
    const more = mask?.slice() ?? new Uint8Array(shown.size[0] * shown.size[1]);
    stamp(more, shown.size, anchor, at, shown.radius);
    anchor = at;
    set(more, inverted);
  }

  /** Draw it in all panes, and say what it holds. */
  function draw() {
    const inside = (/** @type {number} */ i) => Boolean(mask?.[i]) !== inverted;
    const [edge, shade] = mask ? [outline(shown.size, inside), area(shown.size, (i) => !inside(i))] : ["", ""];
    for (const pane of shown.panes) {
      mark(pane, "edge", edge);
      mark(pane, "shade", shade);
    }
    made.hidden = !mask;
    if (mask) made.replaceChildren(...wordsOf(sumsOf(shown.live.values, inside), shown.caption.class));
  }

  /** Select nothing if the region is one of pictures of another size. */
  function fit() {
    if (mask?.length !== shown.live.values.length) [mask, inverted] = [null, false];
  }

  /** @param {(at: number[]) => void} to */
  const penOf = (to) => ({ down: (/** @type {number[]} */ at) => to((anchor = at)), move: to, up: () => {} });

  return {
    made,
    box: penOf(boxTo),
    brush: penOf(brushTo),
    any: () => mask !== null,
    invert: () => set(mask, !inverted),
    clear: () => set(null, false),
    fit,
    draw,
  };
}

/**
 * @param {ReturnType<typeof sumsOf>} sums
 * @param {string} name of the class
 */
function wordsOf({ within, without, share, context, evidence }, name) {
  const sentence = `${number(Math.round(100 * evidence))} % of the evidence for “${name}” lies in the marked region, which is ${number(100 * share)} % of the picture.`;
  const ratio = element("span", {}, `context ratio μ = ${Number.isNaN(context) ? "—" : number(context)}`);
  ratio.title = "Mean relevance outside over mean relevance inside; it says nothing where one of the sums is negative.";
  const sums = element("div", { className: "lrp-quiet" }, `region: Σ inside ${number(within)} · Σ outside ${number(without)} · ${number(100 * share)} % of the area · `, ratio);
  return evidence >= 0 ? [sentence, sums] : [sums];
}
