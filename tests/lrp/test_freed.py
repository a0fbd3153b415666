"""An explanation goes, with its tape and all its tensors, as soon as nobody holds it: by counting references alone."""

import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, Rather, patterns
from lrpwidgets.lrp.explanation import JoinedExplanation
from lrpwidgets.lrp.rules import Epsilon, Flat, Pass, Signal
from tests.lrp.networks import SMALL, Fire, Residual, pictures, realistic, small_networks, small_pictures


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Without the collector, what is part of a cycle stays for ever."""
    gc.disable()
    gc.freeze()  # what is there already is not looked at again and again
    yield
    gc.unfreeze()
    gc.enable()


def alive() -> Counter[str]:
    """How many tensors and objects of the backend there are, by kind."""
    kinds = Counter(type(each) for each in gc.get_objects())
    ours = (kind for kind in kinds if issubclass(kind, Tensor) or "lrpwidgets.lrp" in str(kind.__module__))
    return Counter({kind.__name__: kinds[kind] for kind in ours})


def assert_nothing_stays(run: Callable[[], object]) -> None:
    run()  # effective weights stay, and whatever else is made once
    before = alive()
    run()
    assert alive() - before == Counter()


class Attending(nn.Module):
    """Tokens through torch's own encoder layer, in front of a pooling and a head."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class Reading(nn.Module):
    """A sequence through an LSTM, its last output to a head."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 5)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def _tokens():
    return torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))


NETWORKS = {
    "residual": lambda: (realistic(Residual()), pictures(2, 16, torch.float32)),
    "fire": lambda: (realistic(Fire()), pictures(2, 16, torch.float32)),
    "attention": lambda: (realistic(Attending()), _tokens()),
    "recurrent": lambda: (realistic(Reading()), _tokens()),
    "16 bits": lambda: (realistic(Fire()).bfloat16(), pictures(2, 16, torch.bfloat16)),
}


def _first(explanation):
    return next(layer.name for layer in explanation.layers if layer.takes_rule)


def _condition(explanation):
    return explanation.condition({explanation.layers[0].name: 1})


READ = {
    "nothing": lambda explanation: None,
    "relevance": lambda explanation: explanation.relevance,
    "layers": lambda explanation: [layer.relevance for layer in explanation.layers],
    "ledger": lambda explanation: (explanation.ledger.bias, explanation.ledger.imbalance),
    "caveats": lambda explanation: explanation.caveats,
    "parameters": lambda explanation: explanation.parameters,
    "places": lambda explanation: [place.goes_to("head") for place in explanation.layout.places],
    "representation": lambda explanation: repr(explanation),
    "switch": lambda explanation: explanation.switch("epsilon").layers[0].relevance,
    "rules": lambda explanation: explanation.switch(rules={_first(explanation): Epsilon(0.5)}).relevance,
    "retarget": lambda explanation: explanation.retarget(2).layers,
    "targets": lambda explanation: explanation.retarget(targets=[2, Rather(1, than=0)]).parameters,
    "condition": lambda explanation: _condition(explanation).layers[0].relevance,
    "condition, switched": lambda explanation: _condition(explanation).switch("epsilon").ledger.rules,
}


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_stays_of_an_explanation_whatever_is_read(network, read):
    model, x = NETWORKS[network]()
    explainer = Explainer(model)
    assert_nothing_stays(lambda: READ[read](explainer.explain(x)))


@pytest.mark.parametrize("read", ["layers", "ledger", "caveats"])
@pytest.mark.parametrize("keep", ["layers", "input"])
def test_nothing_stays_of_an_explanation_that_keeps_less(keep, read):
    explainer, x = Explainer(realistic(Residual()).double(), "epsilon_plus_flat"), pictures(2, 16)
    read = "ledger" if (keep, read) == ("input", "layers") else read
    assert_nothing_stays(lambda: READ[read](explainer.explain(x, targets=[1, 2], keep=keep)))


@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_nothing_stays_however_the_forward_is_written(net):
    small_networks()
    explainer = Explainer(net)
    assert_nothing_stays(lambda: [read(explainer.explain(small_pictures())) for read in READ.values()])


class Limited(Residual):
    """A network that takes two samples at a time."""

    def forward(self, x):
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(x)


def test_nothing_stays_of_the_parts_of_a_batch_that_did_not_fit():
    explainer, x = Explainer(realistic(Limited()).double()), pictures(5, 16)

    def run():
        explanation = explainer.explain(x, keep="layers")
        assert isinstance(explanation, JoinedExplanation)
        return [layer.relevance for layer in explanation.layers], explanation.ledger, explanation.caveats

    assert_nothing_stays(run)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda explanation: explanation.switch(rules={"no such layer": Flat()}),
        lambda explanation: explanation.switch(rules={"head": Signal()}),
        lambda explanation: explanation.switch(Pass()),
        lambda explanation: explanation.retarget(99),
        lambda explanation: explanation.condition({"head": 99}),
        lambda explanation: explanation["no such layer"],
    ],
    ids=["layer", "rule", "step", "target", "channel", "name"],
)
def test_nothing_stays_of_a_mistake(mistake):
    explainer, x = Explainer(realistic(Residual()).double()), pictures(2, 16)

    def run():
        with pytest.raises(ValueError, match=r"\w"):
            mistake(explainer.explain(x))

    assert_nothing_stays(run)


def test_nothing_stays_of_a_fit_of_patterns_but_the_patterns():
    explainer, x = Explainer(realistic(Residual()).double()), pictures(2, 16)
    assert_nothing_stays(lambda: patterns.fit(explainer, [x]).attribution())


def test_a_layer_is_whole_without_its_explanation():
    explainer, x = Explainer(realistic(Residual()).double()), pictures(2, 16)
    explanation = explainer.explain(x)
    layer, expected = explanation["two.0"], explanation["two.0"].relevance.clone()
    ghost = weakref.ref(explanation)
    del explanation
    assert ghost() is None
    assert torch.equal(layer.relevance, expected)


def test_of_its_predecessor_a_switched_explanation_keeps_what_both_share():
    explainer, x = Explainer(realistic(Residual()).double(), "epsilon"), pictures(2, 16)
    first = explainer.explain(x)
    second = first.switch(rules={"two.0": Flat()})
    above, below, before = (
        weakref.ref(tensor) for tensor in (first["two.3"].relevance, first["one.0"].relevance, first.relevance)
    )
    assert above() is second["two.3"].relevance
    assert below() is not second["one.0"].relevance
    del first
    assert above() is not None
    assert below() is None
    assert before() is None


def test_two_hundred_rounds_leave_as_many_objects_as_twenty():
    explainer, x = Explainer(realistic(Fire()).double(), "epsilon_plus_flat"), pictures(1, 16)
    counts = []
    explanation = explainer.explain(x)
    for round_ in range(200):
        explanation = explanation if round_ % 3 else explainer.explain(x)
        explanation = explanation.switch(rules={"narrow": Epsilon((1 + round_ % 5) / 10)})
        assert explanation["squeeze"].relevance.shape == (1, 4, 3, 3)
        explanation = explanation.retarget(round_ % 5)
        if round_ % 30 == 29:
            counts.append(alive())
    assert all(count == counts[0] for count in counts)
