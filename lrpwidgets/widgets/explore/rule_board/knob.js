// A slider that turns one number of a rule.

import { element, number } from "../../base/common.js";
import { scaleOf } from "../../base/controls.js";

/**
 * @param {string} about what the rule is for
 * @param {object} target what the kernel is told of it
 * @param {import("./told.js").Knob} knob
 * @param {import("./messages.js").Messages} messages
 */
export function knobOf(about, target, knob, messages) {
  const { toSlider, settled } = scaleOf(knob.logarithmic);
  const [min, max] = knob.slider.map(toSlider);
  const range = element("input", { type: "range", min, max, step: (max - min) / 200, title: knob.help, ariaLabel: `${knob.name} for ${about}`, tabIndex: -1 });
  const text = element("output", { className: "lrp-number" });
  const turned = () => settled(Number(range.value));
  let waiting = false;
  let drag = /** @type {string | null} */ (null);

  /** @param {number} value */
  function say(value) {
    text.textContent = range.ariaValueText = `${knob.symbol} ${number(value)}`;
  }

  function turn() {
    drag ??= messages.drag();
    say(turned());
    if (waiting) return; // one message a frame: the kernel gets the newest value
    waiting = true;
    const one = drag;
    requestAnimationFrame(() => {
      waiting = false;
      messages.send({ ...target, knob: knob.name, value: turned(), drag: one });
    });
  }

  /** @param {number} value */
  function update(value) {
    if (text.textContent && (waiting || !messages.heard())) return;
    range.value = String(Math.max(min, toSlider(value)));
    say(value);
  }

  range.addEventListener("input", turn);
  range.addEventListener("change", () => {
    drag = null; // what comes next is undone on its own
  });
  return { label: element("label", {}, range, text), update };
}
