// Title and upload. A file travels in pieces, since Jupyter's websocket refuses messages above 10 MB.

const PIECE = 4 * 2 ** 20;
const MOST = 100 * 2 ** 20;

function render({ model, el }) {
  el.classList.add("lrp", "lrp-top");
  const file = element("input", { type: "file", accept: "image/*", hidden: true, ariaLabel: "Picture to upload" });
  const upload = element("button", { type: "button", hidden: !model.get("uploads") }, "Upload picture");
  upload.addEventListener("click", () => file.click());
  file.addEventListener("change", send);
  el.append(
    element("strong", {}, "lrpwidgets"),
    element("span", { className: "lrp-quiet" }, model.get("title")),
    element("span", { className: "lrp-space" }),
    upload,
    file,
  );

  async function send() {
    const [chosen] = file.files;
    file.value = ""; // so that the same file can be chosen again
    if (!chosen) return;
    if (chosen.size > MOST) {
      const size = Math.round(chosen.size / 2 ** 20);
      model.send({ problem: `“${chosen.name}” has ${size} MB; a picture may have ${MOST / 2 ** 20} MB at most.` });
      return;
    }
    const parts = Math.max(1, Math.ceil(chosen.size / PIECE));
    for (let part = 0; part < parts; part++) {
      const piece = await chosen.slice(part * PIECE, (part + 1) * PIECE).arrayBuffer();
      model.send({ name: chosen.name, part, parts }, undefined, [piece]);
    }
  }

  return follow(model, el, () => {});
}

export default { render };
