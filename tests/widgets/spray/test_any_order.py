"""Whatever a person does with an atlas in whatever order: no view stumbles, and no error that was not earned."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from lrpwidgets import dashboards
from lrpwidgets.spray import RelevanceStore
from tests.widgets.explore.test_any_order import inside
from tests.widgets.spray.investigated import investigate

EARNED = [
    "This is no state file, or it is damaged.",
    r"There is no class 12; there are 0 to 9\.",
    r"(\w+) must be (one of|a whole number) .*",
    "There is no composite 'nothing'; .*",
    r"The embedding 'umap' cannot be made here; .*",
    "This store has relevance of the input only; .*",
    r"There is no cluster \d+ to be called .*",
]


@pytest.fixture(scope="module")
def made(digits, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("orders")
        state = investigate(folder, digits, patch)
        state.close()
        yield folder / "store", state.subject


@pytest.mark.parametrize("seed", range(2))
def test_two_hundred_random_deeds_leave_no_error_that_was_not_earned(made, seed):
    folder, subject = made
    page = dashboards.spray(RelevanceStore.open(folder), subject)
    luck, views, files, said = random.Random(seed), {type(view).__name__: view for view in inside(page)}, [], []
    state = page.shared
    views["SprayBar"].send = lambda message, buffers=None: files.append(message["text"])
    state.observe(lambda change: change["new"] and said.append(change["new"]), "error")

    def say(view, *buffers, **message):
        views[view]._handle_custom_msg(message, list(buffers))

    def one(*choices):
        return luck.choice(choices)

    def lasso():
        chosen = np.sort(np.array(luck.sample(range(len(state.points.rows)), 3), np.uint32))
        say("EmbeddingScatter", chosen.tobytes(), b"", selected=views["EmbeddingScatter"].edition)

    def card(**message):
        say("ClusterCards", edition=views["ClusterCards"].edition, **message)

    deeds = [
        lasso,
        lambda: say("ClassRanking", group=one(None, 3, 5, 7, 12)),
        lambda: say("ClassRanking", by=one("label", "prediction", "size")),
        lambda: say("AtlasBar", set="sign", to=one("signed", "absolute", "positive", "none")),
        lambda: say("AtlasBar", set="count", to=one(None, 2, 4, 0)),
        lambda: say("AtlasBar", set="method", to=one("spectral", "kmeans", "agglomerative", "hdbscan")),
        lambda: say("AtlasBar", set="colour", to=one("cluster", "label", "score")),
        lambda: say("AtlasBar", set="composite", to=one("", "epsilon", "nothing")),
        lambda: say("AtlasBar", set="embedding", to=one("spectral", "umap")),
        lambda: say("AtlasBar", set="layer", to=one("auto", "input", "conv3")),
        lambda: say("EmbeddingScatter", hover=one(None, 0, 5)),
        lambda: say("EmbeddingScatter", isolate=one(True, False)),
        lambda: say("ThumbnailWall", want=[0, 1, 2]),
        lambda: say("ThumbnailWall", sort=one("score", "nothing")),
        lambda: card(select=one(0, 1), how=one("only", "add", "subtract")),
        lambda: card(call=one(0, 1, 20), name="=1+1\r", note=""),
        lambda: say("SprayBar", want=one("state", "link", "code", "csv", "report")),
        lambda: files and say("SprayBar", restore=one(*files, "damaged")),
        lambda: say("SprayStatus", cancel=True),
    ]
    for _ in range(200):
        number = luck.randrange(len(deeds))
        deeds[number]()
        unearned = [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]
        assert unearned == [], number
        assert state.answer is not None
        assert len(state.points.rows) == len(state.answer)
        assert all(position < len(state.answer) for position in state.selection)
        assert state.shown.graph == state.question.graph
        said.clear()
    page.close()
