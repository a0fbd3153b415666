// What the selected points are of, thumbnails or texts, on a stage that stays in view while what scrolls is an empty spacer.

import { array, follow } from "../base/common.js";
import { news } from "./news.js";
import { head, foot } from "./wall/bars.js";
import { lines } from "./wall/lines.js";
import { pictures } from "./wall/pictures.js";
import { surface } from "./wall/surface.js";
import { walking } from "./wall/walking.js";

/** @param {{ model: import("../base/common.js").Model, el: HTMLElement }} view */
function render({ model, el }) {
  el.classList.add("lrp", "lrp-wall");
  const texts = model.get("of") === "texts";
  const wall = surface(texts ? lines() : pictures(), (positions) => model.send({ want: positions }), tell);
  const { shown, scroller } = wall;
  const above = head(show, !texts);
  const below = foot((order) => model.send({ sort: order }), wall.page);
  walking(scroller, shown, wall.soon, (told) => model.send(told));
  el.append(above.made, scroller.made, below.made, wall.probe);
  const { got, came } = news(model);

  function receive() {
    if (came("source")) wall.forget();
    if (came("rows", "wrong")) [shown.rows, shown.wrong] = [array(got.rows, Uint32Array), array(got.wrong, Uint8Array)];
    if (came("shown")) list(array(got.shown, Uint32Array));
    above.tell(model.get("title"), model.get("subtitle"));
    if (came("sorts")) below.list(got.sorts);
    below.sort.value = model.get("sort");
    if (!shown.here) shown.hovered = model.get("hovered");
    wall.soon();
  }

  function list(/** @type {Uint32Array<ArrayBuffer>} */ positions) {
    Object.assign(el.dataset, { shown: positions.length, drawn: 0 });
    wall.list(positions);
  }

  function show(/** @type {import("./wall/layout.js").Mode} */ mode) {
    shown.mode = mode;
    above.press(mode);
    const [first] = wall.inView();
    wall.layOut();
    scroller.made.scrollTop = shown.layout.scrolled(first);
  }

  /**
   * Say what was drawn.
   *
   * @param {number} from
   * @param {number} to
   * @param {number} drawn
   */
  function tell(from, to, drawn) {
    el.dataset.drawn = String(drawn);
    below.tell(from, to, shown.order.length, scroller.made);
  }

  window.addEventListener("lrp-theme", wall.turnTheme);
  model.on("msg:custom", wall.receiveTiles);
  show(shown.mode);
  const undo = follow(model, el, receive);
  return () => {
    wall.close();
    window.removeEventListener("lrp-theme", wall.turnTheme);
    model.off("msg:custom", wall.receiveTiles);
    undo();
  };
}

export default { render };
