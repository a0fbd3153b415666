// A composite as a file: read from one, and saved as one.

import { element, button, download } from "../../base/common.js";

const BIGGEST = 2 ** 20; // bytes

/**
 * @param {import("./messages.js").Messages} messages
 */
export function filesOf({ send }) {
  let asked = false; // whether this view, not another one of the same board, wants the file
  const save = element("select", { ariaLabel: "Export the composite", title: "Save the composite as a file" }, ...["export", "json", "yaml"].map((value, index) => element("option", { value, hidden: !index }, index ? value.toUpperCase() : "export")));
  const load = button("import", "Read a composite from a JSON or YAML file", () => file.click());
  const file = element("input", { type: "file", accept: ".json,.yaml,.yml", hidden: true, ariaLabel: "Composite to import" });
  save.addEventListener("change", () => {
    asked = true;
    send({ export: save.value });
    save.value = "export";
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = ""; // so that the same file can be chosen again
    if (!chosen) return;
    const size = (chosen.size / 2 ** 20).toFixed(1);
    if (chosen.size > BIGGEST) send({ problem: `“${chosen.name}” has ${size} MB; the file of a composite has 1 MB at most.` });
    else send({ import: chosen.name }, await chosen.arrayBuffer());
  });

  /**
   * Save the file that was asked for.
   *
   * @param {{ save?: string }} message
   * @param {DataView<ArrayBuffer>[]} buffers
   */
  function receive(message, buffers) {
    if (!message.save || !asked) return;
    asked = false;
    download(new Blob(buffers), message.save);
  }

  return { controls: [save, load, file], receive };
}
