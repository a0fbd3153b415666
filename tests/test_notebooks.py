"""Every notebook runs from top to bottom in a kernel of its own, and its views get their answers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TUTORIALS = NOTEBOOKS / "tutorials"

SECONDS = 300
"""Patience with one cell on a busy machine."""

NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
"""A proxy that nobody runs: what a notebook asks of another machine fails at once."""

WAIT_FOR_ANSWERS = f"""
import asyncio, gc, time
from lrpwidgets.widgets import Exploration
from lrpwidgets.widgets.spray import Investigation

_states = [one for one in gc.get_objects() if type(one) in (Exploration, Investigation)]
_waits = lambda one: one.busy or (type(one) is Investigation and one.ranking)
_deadline = time.monotonic() + {SECONDS}
while any(_waits(one) for one in _states) and time.monotonic() < _deadline:
    await asyncio.sleep(0.05)
_problems = [one.error or "no answer" for one in _states if _waits(one) or one.error]
assert not _problems, _problems
"""
"""Answers come after their cell, and views show errors in the page: neither would fail a notebook."""

FILES = [file for file in sorted(NOTEBOOKS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in file.parts]
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder for torch's downloads: the shared one where there is one, else an empty one."""
    try:
        return Path(request.getfixturevalue("shared_data")) / "torch_home"
    except pytest.skip.Exception:
        return tmp_path


def run(file: Path, torch_home: Path, folder: Path, pictures: Path | None = None) -> NotebookNode:
    """The notebook after its cells ran, with `folder` as its working directory, and a folder of `pictures` or none."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(WAIT_FOR_ANSWERS))
    home = {"TORCH_HOME": str(torch_home), "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    home["LRPWIDGETS_PICTURES"] = str(pictures or "")
    client = NotebookClient(
        notebook, timeout=SECONDS, startup_timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, **NO_NETWORK, **home})  # an error in a cell is raised here
    return notebook


def printed(notebook: NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], tuple[NotebookNode, Path]]:
    """A notebook on a machine that has neither weights nor photographs, run once, and the folder that it ran in."""

    @cache
    def ran(file: Path) -> tuple[NotebookNode, Path]:
        folder = tmp_path_factory.mktemp(file.stem)
        return run(file, folder / "empty", folder), folder

    return ran


@each
def test_it_runs(file, ran, weights, tmp_path):
    text = file.read_text(encoding="utf-8")
    pretrained = "imagenet" in text and "LRPWIDGETS_PICTURES" not in text  # else no weights are used without pictures
    notebook, folder = (run(file, weights, tmp_path), tmp_path) if pretrained else ran(file)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    left = {each.name for each in folder.iterdir() if not each.name.startswith(".")}
    assert not left - {"ipython"}
    assert not [output for output in outputs if output.get("name") == "stderr"]


@each
def test_exercises_have_solutions_that_are_folded(file):
    cells = nbformat.read(file, as_version=4).cells
    asked = "".join(cell.source.partition("### Exercises")[2].partition("###")[0] for cell in cells)
    count = len(re.findall(r"^\d+\. ", asked, re.MULTILINE))
    words = [cell.source for cell in cells if cell.source.startswith("<details>")]
    assert [each.splitlines()[0] for each in words] == [
        f"<details><summary>Solution of exercise {number + 1}</summary>" for number in range(count)
    ]
    for cell in cells:
        if cell.id.startswith("solution-") and cell.cell_type == "code":
            assert cell.metadata == {"jupyter": {"outputs_hidden": True, "source_hidden": True}, "tags": ["hide-cell"]}


@each
def test_it_is_stored_without_outputs(file):
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.execution_count, cell.outputs) == (None, [])


def test_an_error_that_only_the_page_would_show_fails(tmp_path):
    source = """
from lrpwidgets import subjects
from lrpwidgets.widgets import Exploration
exploration = Exploration(subjects.load("digits"))
exploration.item = 100_000
"""
    file = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), file)
    with pytest.raises(CellExecutionError, match="There is no input 100000"):
        run(file, tmp_path, tmp_path)


@pytest.fixture
def prints(ran) -> Callable[[str], str]:
    """What a tutorial prints on a machine that has neither weights nor photographs."""
    return lambda name: printed(ran(TUTORIALS / f"{name}.ipynb")[0])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("01_open_the_black_box", "No photographs this time. The weights"),
        ("01_open_the_black_box", "set TORCH_HOME"),
        ("04_why_was_it_wrong", "No photographs this time: set LRPWIDGETS_PICTURES to a folder of pictures"),
        ("06_activation_maximization", "No photographs this time: set LRPWIDGETS_PICTURES to a folder of pictures"),
    ],
)
def test_a_tutorial_says_what_to_do_for_photographs(prints, name, sentence):
    assert sentence in prints(name)


QUOTED = {
    "01_open_the_black_box": [
        '"3"    14.46',
        "relevance of the inputs: [ 1.  6. -1.]",
        "explained 12 = input 6 + bias 6",
        '"3": explained 14.46 = input 14.14 + bias 0.32',
        "(2, 2) (3, 2)\n",
        "2 of 528 pairs make it a 9",
        "stabilizer 5.99",
        "conv1 → conv1\n",
        "wiped (3, 5): a 5. Its relevance was  0.78, the 1. largest",
        "Zero  bias 2.08",
    ],
    "02_rules_and_composites": [
        "Zero         2.00  -2.00   1.00    sum 1.00",
        "Epsilon      1.00  -1.00   0.50    sum 0.50",
        "ZBox         0.40   0.40   0.20    sum 1.00",
        "z⁺     root  0.67  2.00  0.33    shares  0.67  0.00  0.33",
        "zᴮ     root  0.80  2.40  0.40    shares  0.40  0.40  0.20",
        "LRP-0                             reached_input  11.85   bias   2.62",
        "stabilizer   5.99",
        "reached_input  17.58   bias  -2.78   stabilizer  -0.00   rules  -0.33",
        "reached_input  14.02",
        "LRP-0                             change 0.18",
        "reaches the input  57%",
        "LRP-0                    2.20     2.61     3.17",
        "score of 5: -1.17",
        "There is no rule 'Gama'",
        "γ = 10   change 0.036   likeness 0.38",
        "upside down: change 0.09   likeness 0.24   reaches the input  63%",
        "roughness 1.71 → 0.52",
    ],
    "03_inside_the_network": [
        "upper right square of pool3, 5.97 of 14.39",
        "#15  R  1.80  active 1.13",
        "#35  R  0.38  active 1.15",
        "26 of 64 channels have 80 % of all |R|",
        "18 have negative relevance",
        "without #15 the score falls by 1.80; relevance 1.80",
        "all relevance 14.35, all losses 17.24",
        "correlation of relevance and loss 0.97",
        "only #54: 1.20 of the score, 1.17 reaches the pixels",
        "relu3 #54 ← relu2 #29  0.23",
        "3: activation 1.26   relevance  1.90",
        "5: activation 1.38   relevance  0.88",
        "6: activation 1.23",
        "#54 R -1.45   in our 3:  1.20",
        "the score falls by 6.76; their relevance is 5.22",
        "sample 219: #15 1.20; most relevant #54 1.60",
    ],
    "04_why_was_it_wrong": [
        "3 of 355 are wrong",
        "8 is ahead by 0.008",
        "the lead of 3 over 5: 1.62 → -5.50",
        "0 of the other 35 places do more; 11 of all 36 put 5 ahead",
        "sample 134, 8 rather than 1: explained  0.01 = input -0.72",
        "sample 134, radius 1.5:  1.36, elsewhere  0.33",
        "the maps of 3 and 9 have a cosine of 0.96",
        "score of 8: falls by -1.22 at the claimed place",
        "where there is as much ink by  2.15, 1 of 8",
    ],
    "05_unmasking_clever_hans": [
        "2,400 scenes, 99.1% right",
        "star      400 maps   2 groups   τ 16.5",
        "square    403 maps   2 groups   τ  6.1",
        "eigenvalues [0.    0.003 0.059 ",
        "cluster 0     0      201\ncluster 1   199        0\nadjusted Rand index 1.00",
        "99.4%   56.8%     55.8%          24 of 500        26",
        "99.4%   53.8%     98.8%         208 of 500         3",
        "right 99.1% → 50.6%",
        "mean score of star 34.6 → 15.9",
        "right 99.5% → 97.0%",
        "97.0% right\n",
        "Clever Hans: 0 of ",
        "as above                       2    17       1.00",
        "epsilon_alpha2_beta1           7",
        "maps pooled to 64 × 64         2   196",
        " 20 with a tag              1.00            1.00            1.00",
        "1   89 maps   τ 75.9",
        "3   91 maps   τ 24.0",
        "11  75.9          99.4%   69.4%     99.4%        5         0",
        "404         0   Clever Hans",
        "182 are read wrong, 128 for 2",
        "scenes with tags 99.1%   the same scenes without 98.9%",
        "scenes with tags 97.0%   the same scenes without 97.0%",
        "row 545: with a tag",
        "the same one for 83% of 199 stars",
        "80.4%, 20 turned into “star”. The same of other pictures of “star”: 73.6%, 20 turned",
        "upper right: 0.2% are taken for stars",
    ],
    "06_activation_maximization": [
        "score of 3: 28.3; the highest of 355 real digits: 16.2",
        "none      26.4           1.000              -31.8         3.03           10 of 10",
        "code      12.6           0.999",
        "real digits 1.25",
        "No natural input: it excites 1.7 times as much",
        "expert    positive relevance in the corner  31%",
        "expert    positive relevance in the corner   4%",
        "read as a 9 after 8 steps",
        "3: pixels differ by 0.15",
        "tags in the data cross        2%   11%    5%   17%",
        "one still view  activation 10",
    ],
    "07_concepts": [
        "#15        1.80        4.88               #4        0.79        6.14",
        "#19       -0.60        4.58",
        "sample 140: said 0, activation 7.29, relevance -1.01",
        "of eight samples 2.6 are the same",
        "channel 15   3: 58%, 5: 25%",
        "class 1 in 'relu3': 3 of 35 inputs",
        "strategy 1: 48% of the stars, 99.5% of them have the tag",
        "168 of 400 other shapes",
        "fooled  more unusual than 95% of the stars: 62%",
        "channel 16: 8 of eight are the same",
        "explained for another class: [80, 134, 326]",
        "channels with other reference samples: [11, 24, 41]",
    ],
    "08_not_sensitivity_analysis": [
        "sensitivity            0.00  0.00",
        "integrated_gradients   0.50  0.50",
        "epsilon                0.00  0.00",
        "explained 1 = input 0 + bias 1",
        "20.57            46%",
        "score of the 3: 14.46; of empty paper: 0.55; difference 13.92",
        "sensitivity           adds up to  140.94",
        "gradient_times_input  adds up to   11.85",
        "integrated_gradients  adds up to   13.94",
        "deeplift              adds up to   13.92",
        "squared length of the gradient: 140.94",
        "LRP: explained 14.46 = input 14.14 + bias 0.32",
        "with ink   score there  -7.71",
        "hooks, with modules:   differ from ours by 0.00",
        "differ from ours by 3.71, from the plain gradient by 0.00",
        "Clever Hans: mean score of a star  37.2 with the tag,  17.9 without",
        "the tag is 1.2% of a picture",
        "edges                              8.9%",
        "sensitivity                        9.0%",
        "gradcam                            7.7%",
        "smoothgrad                        13.6%",
        "deeplift                          22.3%",
        "guided_gradcam                    58.4%",
        "contrastive_excitation_backprop   74.9%",
        "epsilon_plus_flat                 37.1%",
        "epsilon_gamma_box                 43.4%",
        "attention_rollout: the network has no self-attention",
        "the network has no ReLU, so it would be the plain gradient",
        "where the score differs by 13.9 from that of the baseline",
        " 100 steps: misses 13.92 by 0.005",
        "guided_backprop       cosine of the maps of 3 and 8:  0.94",
        "excitation_backprop   cosine of the maps of 3 and 8:  0.98",
        "edges                             Clever Hans 38.8%",
        "integrated_gradients              Clever Hans 36.3%",
        "epsilon_gamma_box                 Clever Hans 75.2%",
    ],
    "09_measuring_explanations": [
        "random                score with a quarter gone  5.78",
        "edges                 score with a quarter gone  8.00",
        "epsilon_gamma_box     score with a quarter gone  1.68",
        "random                 9.49 ( 8.68 to 10.36)        0.07",
        "epsilon_gamma_box     13.41 (12.72 to 14.15)        9.59",
        "smoothgrad            13.97 (13.17 to 14.81)        9.44",
        "50% of all pixels are empty paper",
        "with uniform the order is epsilon_gamma_box, sensitivity, gradient_times_input, random, edges, smoothgrad",
        "sensitivity and gradient_times_input, random and edges cannot be told apart",
        "with zero the order is smoothgrad, epsilon_gamma_box, gradient_times_input, sensitivity, edges, random",
        "epsilon_gamma_box and gradient_times_input, edges and random cannot be told apart.\n",
        "guided_backprop          0.92    0.88    0.80    0.64",
        "epsilon_gamma_box        0.10    0.03    0.23    0.38",
        "excitation_backprop      0.97    0.95    0.92    0.89",
        "guided_backprop        0.88",
        "excitation_backprop    0.97",
        "scores of other classes that are negative: 84%",
        "60 inputs, 0 left out; masks cover 3.8%\nexcitation_backprop   mass 0.87",
        "edges                 mass 0.09 (0.07 to 0.12)",
        "cosine of the maps of two answers 0.83",
        "sum,pos      excitation_backprop 0.601",
        "never saw a tag: 36 inputs",
        "sensitivity           mass 0.90 (0.89 to 0.91)   rank 0.64",
        "epsilon_gamma_box     mass 0.81 (0.80 to 0.82)   rank 0.70",
        "2,880 layers propagated (each candidate on its own: 5,400)",
        "Epsilon(epsilon=1e-06), Epsilon(epsilon=1e-06), from the input up, has the largest gain with uniform on 30",
        "On others it has 7.77",
        "the difference is 0.943",
        "Epsilon(epsilon=1e-06), Gamma(gamma=0.25), from the input up, has the largest gain with zero on 30 inputs.",
        "30 samples): the two cannot be told apart.",
        "7.99 (7.03 to 8.98, 30 samples)",
        "uniform  SRG of α1β0  2.17",
        "zero     SRG of α1β0  9.36",
        "On 200 inputs: with uniform the order is sensitivity, gradient_times_input",
        "random                probability 0.99 0.83 0.65",
        "all pixels   0.92",
    ],
    "10_unhansing": [
        "cluster 1, 199 stars: A Clever Hans",
        "pool3 it is: 1,536 units",
        "pool5        1.00  +46.0%   -2.5%",
        "Poisoned accuracy 55.3% → 98.9%, clean 98.7% → 98.4%",
        "before             98.7% (97.4% to 99.7%)    53.3% (48.4% to 58.5%)   2 of 2",
        "P-ClArC            98.4% (97.1% to 99.5%)    98.9% (97.9% to 99.7%)   0 of 2",
        "random direction   98.4% (97.1% to 99.5%)    53.3%",
        "clean 97.1% → 97.6%, cost   0.5%",
        "clean 96.6% → 97.4%, cost   0.8%",
        "A-ClArC           14.0%",
        "RR-ClArC          12.8%",
        "before            39.9% of the relevance on the tag",
        "P-ClArC           6.2%",
        "the same scores: True",
        "svm     separates 1.00, cosine 0.95, poisoned 97.5%",
        "pool5  clean 96.0%, poisoned 99.0%",
    ],
    "11_pruning": [
        "conv1  16 channels, sum  1246.9",
        "conv3  64 channels, sum  1265.7",
        "random       0.25",
        "56 of 112 channels went, of 3 of 3 layers; 3 of these are smaller now",
        "cut and masked differ by less than",
        "whole  25,866 parameters, reads 0.992",
        "half    7,839 parameters, reads 0.927",
        "Only masked, in whole or in part: conv_proj",
        "half, by relevance: cosine 0.96",
        "half, by chance:    cosine 0.867 (0.841 to 0.889, 100 samples), reads 0.901",
        "relevance   0%: 0.99  25%: 0.98  40%: 0.97  50%: 0.90  60%: 0.67",
        "50%: 0.98  60%: 0.90",
        "50%: 0.83",
        "50%: 0.44",
        "half, of each layer     0.907",
        "relevance  at once       0.738",
        "taylor     at once       0.614",
    ],
    "12_training_with_explanations": [
        "training: classes (4, 2, 3, 0, 1), support (5, 1), query (5, 1)",
        "pairs (5, 5, 64, 4, 4) of which are explained (5, 64, 4, 4)",
        "Guidance(plain=1.0, guided=0.5)",
    ],
    "13_words": [
        "bag_of_words  0.585",
        "transformer   0.993 (0.983 to 1, 400 samples)",
        "film +0.1  is +0.1  not +1.6  dull +1.2",
        "lstm          lrp                   0.829",
        "transformer   lrp                   0.971",
        "transformer   gradient_times_input  0.689",
        "lrp                   falls without them 0.567",
        "cp_lrp    never +1.76, rank accuracy 0.976",
        "accuracy 98.0% → 0.0%, 196 turned into “positive”. The same of other texts of “positive”: 74.0%, 51 turned.",
        "accuracy 98.0% → 73.5%, 50 turned into “positive”.",
    ],
    "14_question_and_picture": [
        "colour     6.57",
        "words 8.05, pixels 0.31 = 0.92 − 0.61",
        "Is there a red star?              no rather than green",
        "epsilon_plus       pixels 0.634",
        "words  0.818",
        "there   says “no” in 15 of 15 questions",
        "it says square",
    ],
}


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in QUOTED for number in QUOTED[name]])
def test_a_tutorial_prints_the_numbers_that_its_text_quotes(prints, name, number):
    assert number in prints(name)


def test_the_mistakes_on_photographs_are_found_and_painted_over(shared_data, tmp_path):
    pictures = shared_data / "imagenet"
    said = printed(run(TUTORIALS / "04_why_was_it_wrong.ipynb", shared_data / "torch_home", tmp_path, pictures))
    assert "No photographs" not in said
    assert "cock                 taken for drake                ahead by 7.11" in said
    assert "18 mistakes" in said
    assert "0 of the other 20 places do more" in said


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path):
    said = printed(run(TUTORIALS / "04_why_was_it_wrong.ipynb", tmp_path, tmp_path, tmp_path / "gone"))
    assert "No photographs this time. There is no folder" in said
