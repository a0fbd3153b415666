// Thumbnails in one row that scrolls sideways. Arrow keys move between them.

function render({ model, el }) {
  el.classList.add("lrp", "lrp-strip");
  const count = element("b");
  const filter = element("select", { ariaLabel: "Which samples to show" });
  const note = element("span", { className: "lrp-quiet" });
  const row = element("div", { className: "lrp-thumbnails", role: "listbox", ariaLabel: "Samples" });
  filter.append(element("option", { value: "all" }, "all"), element("option", { value: "wrong" }, "wrong"));
  filter.addEventListener("change", show);
  row.addEventListener("keydown", step);
  el.append(element("div", { className: "lrp-count" }, count, element("label", {}, "show ", filter), note), row);
  const addresses = [];
  let chosen = null;

  function draw() {
    const items = model.get("items");
    el.hidden = !model.get("total");
    for (let index = row.children.length; index < items.length; index++) {
      row.append(thumbnail(items[index], index));
    }
    const wrong = items.filter((item) => item.wrong).length;
    const broken = items.filter((item) => item.problem).length;
    const total = model.get("total");
    count.textContent = `${total} pictures`;
    filter.options[1].textContent = `wrong (${wrong})`;
    const shown = items.length < total ? `first ${items.length}` : "";
    note.textContent = [shown, broken ? `${broken} unreadable` : ""].filter(Boolean).join(" · ");
    show();
    mark();
  }

  function thumbnail(item, index) {
    const picture = element("img", { alt: "", draggable: false });
    const bytes = model.get("thumbnails")[index];
    if (bytes?.byteLength) {
      addresses.push(URL.createObjectURL(new Blob([bytes])));
      picture.src = addresses.at(-1);
    }
    const label = element("span", {}, item.problem ? "unreadable" : item.says);
    const truth = item.truth ? `, in truth ${item.truth}` : "";
    const made = element(
      "button",
      {
        type: "button",
        role: "option",
        title: item.problem ? `${item.name}: ${item.problem}` : `${item.name}: the network says ${item.says}${truth}`,
      },
      picture,
      label,
    );
    made.classList.toggle("lrp-wrong", Boolean(item.wrong || item.problem));
    made.addEventListener("click", () => model.send({ item: index }));
    return made;
  }

  function show() {
    const items = model.get("items");
    const buttons = [...row.children];
    buttons.forEach((child, index) => {
      child.hidden = filter.value === "wrong" && !items[index].wrong;
      child.tabIndex = -1; // the row is one stop of the tab key, and arrows go on from there
    });
    const now = buttons[model.get("chosen")];
    const entrance = now && !now.hidden ? now : buttons.find((child) => !child.hidden);
    if (entrance) entrance.tabIndex = 0;
  }

  function mark() {
    const now = model.get("chosen");
    [...row.children].forEach((child, index) => child.setAttribute("aria-selected", index === now));
    if (now === chosen || !row.children[now]) return;
    chosen = now;
    const { offsetLeft, offsetWidth } = row.children[now];
    if (offsetLeft < row.scrollLeft || offsetLeft + offsetWidth > row.scrollLeft + row.clientWidth) {
      row.scrollLeft = offsetLeft - row.clientWidth / 2; // not scrollIntoView: that would scroll the page as well
    }
  }

  function step(event) {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction) return;
    const visible = [...row.children].filter((child) => !child.hidden);
    visible[visible.indexOf(document.activeElement) + direction]?.focus();
    event.preventDefault();
  }

  const stop = follow(model, el, draw);
  return () => {
    stop();
    addresses.forEach(URL.revokeObjectURL);
  };
}

export default { render };
