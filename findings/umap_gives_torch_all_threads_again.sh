#!/usr/bin/env bash
# umap-learn 0.5.12 with numba 0.68.1 beside torch 2.14.1, on Linux with two cores or more.
#
# The guess: torch.set_num_threads(1) holds until somebody calls it again.
# What happens: the first UMAP starts numba's parallel layer. Where that is OpenMP, it sets the number of threads of the
# process's OpenMP library, which is the one that torch counts with: from then on torch has a thread for each core again,
# without a word. Beside another busy process, small tensors then take ten times as long or more. threadpoolctl's limit
# set before goes the same way. NUMBA_NUM_THREADS=1 in the environment keeps it.
#
# Output seen: "before 1, after UMAP all cores", "with NUMBA_NUM_THREADS=1: before 1, after 1"
# Fails if that changes: if the number stays in the first run, or does not in the second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 umap-learn==0.5.12 numba==0.68.1 numpy==2.4.6 scikit-learn==1.9.1
cat >"$folder/threads.py" <<'PYTHON'
import os

import numpy as np
import torch

torch.set_num_threads(1)
before = torch.get_num_threads()

import umap

umap.UMAP(n_neighbors=5, n_epochs=20).fit_transform(np.random.default_rng(0).normal(size=(60, 8)))
after = torch.get_num_threads()
kept = os.environ.get("NUMBA_NUM_THREADS") == "1"
assert os.cpu_count() > 1, "this needs two cores"
print(f"{'with NUMBA_NUM_THREADS=1: ' if kept else ''}before {before}, after {'UMAP all cores' if after > 1 else after}")
assert before == 1 and (after == 1) == kept
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/threads.py"
NUMBA_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore "$folder/threads.py"
