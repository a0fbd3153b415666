// Files on their way to the kernel, in pieces: Jupyter's websocket refuses messages above 10 MB.

const PIECE = 4 * 2 ** 20;

/**
 * @param {import("./common.js").Model} model
 * @param {File} file
 * @param {object} [more] what each piece says beside its place
 */
export async function sendPieces(model, file, more = {}) {
  const parts = Math.max(1, Math.ceil(file.size / PIECE));
  for (let part = 0; part < parts; part++) {
    const piece = await file.slice(part * PIECE, (part + 1) * PIECE).arrayBuffer();
    model.send({ ...more, name: file.name, part, parts }, undefined, [piece]);
  }
}
