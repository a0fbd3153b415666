// What poison tests found, in words, figures and pictures: a line for each of them, and one of them closely.

import { element, button, number } from "../../base/common.js";
import { show } from "../../base/maps.js";

/**
 * @typedef {object} Test one that was made, or, if it has `missing`, why it was not
 * @property {string} test
 * @property {string} title
 * @property {string} [missing]
 * @property {string} what what was taken to other pictures
 * @property {number[][]} sizes of the two pictures that show it, as [height, width]; none if none does
 * @property {[piece: string, put: boolean][]} quote a text with the word, token by token; none of pictures
 * @property {number} samples
 * @property {number} turned how many samples turned into the class
 * @property {number} turned_by_control
 * @property {number} before accuracy, from 0 to 1
 * @property {number} after
 * @property {number} control
 * @property {string} lender
 * @property {boolean} hans
 * @property {string} reason
 * @property {number} chance
 * @property {number} score_change
 */

/**
 * @typedef {object} Tested
 * @property {boolean} hans
 * @property {string} class
 * @property {string} source the cluster, the picture in which a box was drawn, or the word
 * @property {boolean} drawn whether a person drew or named it
 * @property {string} conclusion
 * @property {string} foremost the test to look at first
 * @property {number} place
 * @property {Test[]} tests
 */

const PASTED = ["What was pasted", "It on a picture of another class"];
const ADDED = ["A picture of another class", "The same picture with it"];

/**
 * Paper for what was tested; `tell` writes on it.
 *
 * @param {string} of what the inputs are
 */
export function makeVerdict(of) {
  const [conclusion, rows, closely] = [element("p", { className: "lrp-poison-conclusion" }), element("div", { className: "lrp-poison-rows", role: "group", ariaLabel: "Tests" }), element("div", { className: "lrp-poison-closely" })];
  const paper = element("div", { className: "lrp-poison-verdict", ariaLive: "polite" }, conclusion, rows, closely);
  let tested = /** @type {Tested} */ ({});
  let chosen = "";
  let pictures = new Uint8Array();

  function tell(/** @type {Tested} */ next, /** @type {Uint8Array} */ pixels) {
    if (next !== tested) chosen = next.foremost;
    [tested, pictures] = [next, /** @type {Uint8Array<ArrayBuffer>} */ (pixels)];
    paper.classList.toggle("lrp-hans", tested.hans);
    conclusion.replaceChildren(element("b", {}, tested.conclusion), ` ${tested.source}, “${tested.class}”.`);
    draw();
  }

  function draw() {
    const focus = [...rows.children].indexOf(/** @type {Element} */ (document.activeElement));
    rows.replaceChildren(...tested.tests.map((test) => row(test, test.test === chosen, () => look(test.test))));
    /** @type {HTMLElement | undefined} */ (rows.children[focus])?.focus();
    rows.hidden = tested.drawn;
    const test = tested.tests.find((each) => each.test === chosen);
    closely.replaceChildren(...(test ? details(test, tested, of, ofTest(test)) : []));
  }

  function look(/** @type {string} */ test) {
    chosen = test;
    draw();
  }

  /** The pixels of the pictures of a test, which come after those of the tests before it. */
  function ofTest(/** @type {Test} */ test) {
    const bytes = (/** @type {Test} */ each) => (each.sizes ?? []).reduce((sum, [height, width]) => sum + 3 * height * width, 0);
    const shown = tested.tests.slice(0, tested.tests.indexOf(test));
    return pictures.subarray(shown.reduce((sum, each) => sum + bytes(each), 0));
  }

  return { paper, tell };
}

/**
 * @param {Test} test
 * @param {boolean} chosen
 * @param {() => void} look
 */
function row(test, chosen, look) {
  const title = element("span", {}, test.title);
  if (test.missing) {
    return element("div", { className: "lrp-poison-row lrp-quiet", title: test.missing }, title, element("span", { className: "lrp-poison-why" }, `not tested: ${test.missing}`));
  }
  const [turned, control] = [test.turned, test.turned_by_control].map((count) => `${(100 * count) / test.samples}%`);
  const bars = element("span", { className: "lrp-bar" }, element("i", { style: { width: turned } }), element("u", { style: { left: control } }));
  const said = `${test.turned.toLocaleString("en")} turned`;
  const made = button("", `${test.what}: ${said} of ${test.samples}, ${test.turned_by_control} by the control (the mark)`, look, { className: "lrp-poison-row", ariaPressed: String(chosen) });
  made.classList.toggle("lrp-hans", test.hans);
  made.append(title, bars, element("b", {}, said), element("span", { className: "lrp-quiet" }, `control ${test.turned_by_control.toLocaleString("en")}`));
  return made;
}

/**
 * @param {Test} test
 * @param {Tested} tested
 * @param {string} of what the inputs are
 * @param {Uint8Array} pixels
 */
function details(test, tested, of, pixels) {
  const titles = ["box", "spot"].includes(test.test) ? PASTED : ADDED;
  let at = 0;
  const pictures = test.sizes.map(([height, width], place) => {
    const made = element("canvas", { title: titles[place], style: { aspectRatio: `${width} / ${height}` } });
    show(made, [height, width], pixels.subarray(at, (at += 3 * height * width)));
    return made;
  });
  const chance = `Probability of so many more turning, if the same of ${test.lender} did what it does (McNemar's exact test, times the number of controls and tests)`;
  return [
    element("div", { className: "lrp-poison-pictures" }, ...pictures),
    words(test, tested, of),
    ...(test.quote.length ? [element("p", { className: "lrp-poison-quote" }, "Such as: ", ...test.quote.flatMap(([piece, put]) => [element(put ? "mark" : "bdi", { dir: "auto" }, piece), " "]))] : []),
    element("p", { className: "lrp-quiet", title: chance }, `p ${probability(test.chance)} · score of “${tested.class}” ${number(test.score_change, { sign: true })} on average`),
  ];
}

/**
 * @param {Test} test
 * @param {Tested} tested
 * @param {string} of
 */
function words(test, tested, of) {
  const b = (/** @type {string | number} */ text) => element("b", {}, String(text));
  const what = test.what[0].toUpperCase() + test.what.slice(1);
  return element(
    "div",
    {},
    element("p", {}, `${what}, taken to ${test.samples.toLocaleString("en")} ${of} of other classes: accuracy `, b(`${percent(test.before)} → ${percent(test.after)}`), ", ", b(test.turned), ` turned into “${tested.class}”. The same of ${test.lender}: ${percent(test.control)}, ${test.turned_by_control} turned.`),
    element("p", {}, test.hans ? "Convicted." : `Not convicted: ${test.reason}.`),
  );
}

const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;
const probability = (/** @type {number} */ p) => (p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`);
