#!/usr/bin/env bash
# torch 2.14.1, nn.TransformerEncoder in eval mode with a src_key_padding_mask, mean over all positions.
#
# The guess: under no_grad a network in eval mode predicts what it predicts with gradients, up to rounding; the
# "fast path" only changes how quickly.
# What happens: the fast path turns the batch into a nested tensor and back, and fills padded positions with zeros,
# while the ordinary path computes them like all others. A head that pools over the positions sees the difference:
# scores differ by tenths, and for many sequences another class wins. Any function mode or hook that watches the
# forward (an attribution method, a profiler) switches the fast path off, and so explains other scores than those
# that are served. torch.backends.mha.set_fastpath_enabled(False) gives the ordinary ones everywhere.
#
# Output seen: "another class wins for 62 of 64 sequences; largest difference of a score: 0.86",
#              "without the fast path: 0 of 64"
# Fails if that changes (the count, if none differs; or the switch, if some still do).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch import nn

torch.manual_seed(0)
table, head = nn.Embedding(12, 8), nn.Linear(8, 4)
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
for module in (table, encoder, head):
    module.eval()
ids = torch.randint(1, 12, (64, 7), generator=torch.Generator().manual_seed(3))
ids[:, 3:] = 0  # padded


def scores() -> torch.Tensor:
    return head(encoder(table(ids), src_key_padding_mask=ids == 0).mean(1))


def compared() -> tuple[int, float]:
    with torch.no_grad():
        served = scores()
    trained = scores().detach()
    return int((served.argmax(1) != trained.argmax(1)).sum()), float((served - trained).abs().max())


others, largest = compared()
print(f"another class wins for {others} of 64 sequences; largest difference of a score: {largest:.2f}")
assert others > 0 and largest > 0.1
torch.backends.mha.set_fastpath_enabled(False)
others, largest = compared()
print(f"without the fast path: {others} of 64")
assert others == 0 and largest < 1e-5
PYTHON
