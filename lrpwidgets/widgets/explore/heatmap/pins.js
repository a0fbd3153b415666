// The maps that are pinned beside the live one: the same picture with another composite or class, or another picture.

import { element, button, number, array } from "../../base/common.js";
import { show } from "../../base/maps.js";
import { accountOf, askedOf, secondOf, titleOf, write } from "./captions.js";
import { correlation } from "./numbers.js";
import { paneOf } from "./panes.js";

/**
 * @typedef {{ computing: boolean, follows: boolean }} Waiting for its first map
 *
 * @typedef {Waiting & import("./shown.js").Caption & { size: number[], ledger: import("./captions.js").Ledger }} Ready
 *
 * @typedef {ReturnType<typeof pinOf>} Pin
 */

/**
 * @param {import("./shown.js").Shown} shown
 * @param {HTMLElement} row what they stand in
 * @param {(pane: import("./panes.js").Pane) => void} attach lets pointer and keys work in a pane
 * @param {(message: object) => void} say tells the kernel
 * @param {(change: Partial<import("../../base/maps.js").Look>) => void} setLook
 */
export function pinsOf(shown, row, attach, say, setLook) {
  /** @param {number} index */
  function added(index) {
    const pin = pinOf({
      follow: () => say({ number: index, follows: !pin.caption.follows }),
      differ: () => setLook({ differences: toggled(shown.look.differences, index) }),
      close: () => {
        setLook({ differences: without(shown.look.differences, index) });
        say({ unpin: index });
      },
    });
    attach(pin);
    row.append(pin.figure);
    return pin;
  }

  /**
   * Show what the kernel has pinned.
   *
   * @param {(Waiting | Ready)[]} captions
   * @param {DataView[]} maps
   * @param {DataView[]} pictures
   */
  function receive(captions, maps, pictures) {
    const had = shown.pins.length;
    for (const gone of shown.pins.splice(captions.length)) gone.figure.remove();
    if (captions.length < had) setLook({ differences: shown.look.differences.filter((each) => each < captions.length) });
    while (shown.pins.length < captions.length) shown.pins.push(added(shown.pins.length));
    shown.pins.forEach((pin, index) => {
      pin.caption = captions[index];
      pin.own = array(maps[index], Float32Array);
      pin.size = "size" in pin.caption ? pin.caption.size : shown.size;
      pin.picture = array(pictures[index], Uint8Array);
    });
  }

  /** Which values each shows: its own, or what the live map has more. */
  function compare() {
    const live = shown.live.values;
    shown.pins.forEach((pin, index) => {
      const comparable = pin.own.length === live.length;
      pin.differs = shown.look.differences.includes(index) && comparable;
      pin.values = pin.differs ? live.map((value, i) => value - pin.own[i]) : pin.own;
      pin.difference.disabled = !comparable;
      pin.difference.ariaPressed = String(pin.differs);
    });
  }

  function tell() {
    for (const pin of shown.pins) tellPin(pin, shown.live.values, !shown.oneScale);
  }

  return { receive, compare, tell };
}

/**
 * @param {number[]} numbers
 * @param {number} pin is there afterwards if it was not before
 */
export function toggled(numbers, pin) {
  return numbers.includes(pin) ? numbers.filter((each) => each !== pin) : [...numbers, pin].sort((a, b) => a - b);
}

/**
 * The numbers of pins once a `pin` is gone.
 *
 * @param {number[]} numbers
 * @param {number} pin
 */
export function without(numbers, pin) {
  return numbers.filter((each) => each !== pin).map((each) => (each > pin ? each - 1 : each));
}

/**
 * The pane of a pin.
 *
 * @param {Record<"follow" | "differ" | "close", () => void>} acts
 */
function pinOf(acts) {
  const pane = paneOf("pin");
  const follows = button("", "", acts.follow);
  const difference = button("difference", "Show the live map less this one", acts.differ);
  const thumbnail = element("canvas", { className: "lrp-small", role: "img", ariaLabel: "The picture of this map" });
  const words = element("span");
  const lost = element("div", { className: "lrp-quiet", title: "Correlation with the live map, relevance on the input, and what was lost" });
  pane.second.append(thumbnail, words);
  pane.foot.append(lost, follows, difference);
  pane.note.after(button("×", "Close this map", acts.close, { className: "lrp-plain", ariaLabel: "Close this map" }));
  const caption = /** @type {Waiting | Ready} */ ({ computing: true, follows: true });
  return Object.assign(pane, { follows, difference, thumbnail, words, lost, caption, own: new Float32Array() });
}

/**
 * @param {Pin} pin
 * @param {Float32Array} live
 * @param {boolean} scaled whether maps have different scales
 */
function tellPin(pin, live, scaled) {
  const { caption } = pin;
  pin.figure.ariaBusy = String(caption.computing);
  pin.follows.textContent = caption.follows ? "follows picture" : "keeps picture";
  pin.follows.title = caption.follows ? "Keep this picture when another one is chosen" : "Show whatever picture is chosen";
  pin.follows.ariaPressed = String(!caption.follows);
  if ("score" in caption) tellReady(pin, caption, live, scaled);
  else tellWaiting(pin);
}

/** @param {Pin} pin */
function tellWaiting(pin) {
  write(pin.title, "pinned");
  write(pin.note, "");
  write(pin.words, "computing …");
  pin.canvas.ariaLabel = pin.frame.ariaLabel = "Pinned, computing";
  pin.thumbnail.hidden = true;
  pin.lost.textContent = "";
}

/**
 * @param {Pin} pin
 * @param {Ready} caption
 * @param {Float32Array} live
 * @param {boolean} scaled
 */
function tellReady(pin, caption, live, scaled) {
  write(pin.title, pin.differs ? `difference to ${askedOf(caption)}` : titleOf(caption));
  write(pin.note, `f = ${number(caption.score)}`);
  write(pin.words, secondOf(pin, caption, scaled));
  if (caption.computing) pin.words.textContent += " · computing …";
  pin.canvas.ariaLabel = pin.frame.ariaLabel = `Pinned relevance for ${caption.class}`;
  pin.thumbnail.hidden = !pin.picture.length;
  if (pin.picture.length) {
    show(pin.thumbnail, pin.size, pin.picture);
    pin.thumbnail.title = pin.thumbnail.ariaLabel = caption.name;
  }
  pin.lost.textContent = accountOf(caption.ledger, pin.own.length === live.length ? correlation(live, pin.own) : NaN);
}
