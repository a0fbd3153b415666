"""What an explanation keeps in memory, and batches that do not fit it."""

import gc

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, Rather
from lrpwidgets.lrp.explanation import JoinedExplanation
from lrpwidgets.lrp.rules import Flat, Zero
from lrpwidgets.lrp.tape import Tape
from tests.lrp.dense import assert_near
from tests.lrp.networks import Fire, Residual, pictures, realistic

TERMS = ("explained", "reached_input", "bias", "stabilizer", "rules")
AMOUNTS = ("received", "handed", "bias", "stabilizer", "rules", "positions")


@pytest.fixture(params=[Residual, Fire], ids=["residual", "fire"])
def model(request):
    return realistic(request.param()).double()


@pytest.fixture
def x():
    return pictures(2, 16)


def assert_same_ledger(found, expected, tolerance=0.0):
    for term in TERMS:
        assert_near(getattr(found.ledger, term), getattr(expected.ledger, term), tolerance, of=expected.scores)
    assert len(found.ledger.rows) == len(expected.ledger.rows)
    for row, other in zip(found.ledger.rows, expected.ledger.rows, strict=True):
        assert (row.name, row.kind, row.rule) == (other.name, other.kind, other.rule)
        for amount in AMOUNTS:
            assert_near(getattr(row, amount), getattr(other, amount), tolerance, of=expected.scores)


# Keeping less.


@pytest.mark.parametrize("preset", ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon", "excitation_backprop"])
@pytest.mark.parametrize("keep", ["layers", "input"])
def test_relevance_and_ledger_are_the_same_whatever_is_kept(model, x, preset, keep):
    explainer = Explainer(model, preset)
    whole, kept = explainer.explain(x, 1), explainer.explain(x, 1, keep=keep)
    assert kept.keep == keep
    assert torch.equal(kept.relevance, whole.relevance)
    assert torch.equal(kept.scores, whole.scores)
    assert torch.equal(kept.target, whole.target)
    assert kept.top_class == whole.top_class
    assert kept.caveats == whole.caveats
    assert kept.recomputed == whole.recomputed
    assert_same_ledger(kept, whole)
    for layer, other in zip(kept.layers, whole.layers, strict=True):
        assert (layer.name, layer.kind, layer.rule, layer.shape) == (other.name, other.kind, other.rule, other.shape)
        if keep == "layers":
            assert torch.equal(layer.relevance, other.relevance)


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_several_targets_are_the_same_whatever_is_kept(model, x, keep):
    targets = [3, None, Rather(1, than=2)]
    explainer = Explainer(model, "epsilon_plus")
    whole, kept = explainer.explain(x, targets=targets), explainer.explain(x, targets=targets, keep=keep)
    assert torch.equal(kept.relevance, whole.relevance)
    assert_same_ledger(kept, whole)
    if keep == "layers":
        first = kept.layers[0].name
        assert torch.equal(kept[first].relevance, whole[first].relevance)


@pytest.mark.parametrize("keep", ["layers", "input"])
@pytest.mark.parametrize(
    ("ask", "wish"),
    [
        (lambda explanation: explanation.switch("epsilon"), "switching rules"),
        (lambda explanation: explanation.switch(rules={explanation.layers[0].name: Flat()}), "switching rules"),
        (lambda explanation: explanation.retarget(1), "another target"),
        (lambda explanation: explanation.retarget(targets=[1, 2]), "another target"),
        (lambda explanation: explanation.condition({explanation.layers[0].name: 1}), "a condition"),
        (lambda explanation: explanation.parameters, "the relevance of the parameters"),
    ],
    ids=["switch", "rules", "retarget", "targets", "condition", "parameters"],
)
def test_what_needs_more_than_was_kept_names_the_way_out(model, x, keep, ask, wish):
    explanation = Explainer(model).explain(x, keep=keep)
    with pytest.raises(ValueError, match=rf"kept '{keep}' only; {wish} needs explain\(..., keep='all'\)"):
        ask(explanation)


def test_relevance_inside_needs_the_layers_to_be_kept(model, x):
    explanation = Explainer(model).explain(x, keep="input")
    for layer in explanation.layers:
        with pytest.raises(ValueError, match=r"relevance inside the network needs explain\(..., keep='layers'\)"):
            _ = layer.relevance


def test_what_to_keep_is_one_of_three_words(model, x):
    with pytest.raises(ValueError, match="keep must be 'all', 'layers' or 'input', got 'everything'"):
        Explainer(model).explain(x, keep="everything")


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_activations_that_are_not_kept_have_shapes_and_no_numbers(model, x, keep):
    explainer = Explainer(model)
    whole, kept = explainer.explain(x), explainer.explain(x, keep=keep)
    *inner, last = kept.layers
    for layer in inner:
        assert layer.activation.device.type == "meta"
    assert torch.equal(last.activation, kept.scores)
    assert [layer.activation.shape for layer in kept.layers] == [layer.activation.shape for layer in whole.layers]


def living_bytes() -> int:
    """What all tensors that are alive take, each memory counted once."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if type(each) is Tensor and each.device.type == "cpu"]
    return sum({each.untyped_storage()._cdata: each.untyped_storage().nbytes() for each in tensors}.values())


def test_memory_is_released(x):
    model = realistic(Residual()).double()
    explainer = Explainer(model, "epsilon_plus_flat")
    explainer.explain(x)  # effective weights stay
    held = {}
    for keep in ("all", "layers", "input"):
        before = living_bytes()
        explanation = explainer.explain(x, keep=keep)
        held[keep] = living_bytes() - before
        del explanation
        assert living_bytes() <= before
    assert held["input"] < 6 * x.untyped_storage().nbytes()
    assert held["input"] < 0.25 * held["layers"]
    assert held["layers"] < 0.75 * held["all"]


# Keeping less from now on.


def asked(explainer, x, how):
    """An explanation that came about in one way or another."""
    if how == "several targets":
        return explainer.explain(x, targets=[1, Rather(2, than=0)])
    explanation = explainer.explain(x, 1)
    if how == "through channels":
        return explanation.condition({explanation.layers[0].name: [0, 2]})
    return explanation.switch(Flat()) if how == "switched" else explanation


@pytest.mark.parametrize("how", ["explained", "switched", "several targets", "through channels"])
def test_a_reduced_explanation_says_the_same_of_the_input(model, x, how):
    whole = asked(Explainer(model, "epsilon_plus_flat"), x, how)
    reduced = whole.reduced()
    assert (reduced.keep, whole.keep) == ("input", "all")
    for name in ("relevance", "scores", "target"):
        assert torch.equal(getattr(reduced, name), getattr(whole, name))
    assert (reduced.caveats, reduced.recomputed, repr(reduced.composite)) == (
        whole.caveats,
        whole.recomputed,
        repr(whole.composite),
    )
    assert_same_ledger(reduced, whole)
    assert [(each.name, each.rule, each.shape) for each in reduced] == [(e.name, e.rule, e.shape) for e in whole]


def test_a_reduced_explanation_cannot_be_asked_on_and_the_whole_one_can(model, x):
    whole = Explainer(model).explain(x, 1)
    expected = whole.retarget(2).relevance
    reduced = whole.reduced()
    with pytest.raises(ValueError, match=r"kept 'input' only; another target needs explain\(..., keep='all'\)"):
        reduced.retarget(2)
    assert torch.equal(whole.retarget(2).relevance, expected)
    assert whole.layers[0].activation.device.type == "cpu"


def test_a_reduced_explanation_takes_as_little_as_one_that_never_kept_more(x):
    explainer = Explainer(realistic(Residual()).double(), "epsilon_plus_flat")
    held = []
    for make in (lambda: explainer.explain(x, keep="input"), lambda: explainer.explain(x).reduced()):
        make()
        before = living_bytes()
        explanation = make()
        held.append(living_bytes() - before)
        del explanation
    assert held[1] <= 1.1 * held[0]


# A batch that does not fit.


class Limited(nn.Module):
    """A model whose memory holds a few samples at a time."""

    def __init__(self, model, most=2, error=None):
        super().__init__()
        self.model, self.most, self.error = model, most, error or torch.OutOfMemoryError("CUDA out of memory.")
        self.sizes = []
        self.eval()

    def forward(self, *inputs):
        self.sizes.append(len(inputs[0]))
        if len(inputs[0]) > self.most:
            raise self.error
        return self.model(*inputs)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to ..."),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.12 GB)"),
    MemoryError(),
]


def assert_joined(found, expected):
    """`found`, made of parts, says what the explanation of the whole batch says."""
    assert isinstance(found, JoinedExplanation)
    relevances = [
        each.relevance if isinstance(each.relevance, tuple) else (each.relevance,) for each in (found, expected)
    ]
    for one, other in zip(*relevances, strict=True):
        assert_near(one, other, 1e-12)
    assert_near(found.scores, expected.scores, 1e-12)
    assert torch.equal(found.target, expected.target)
    assert_same_ledger(found, expected, 1e-12)
    assert found.ledger.imbalance < 1e-9
    names = [layer.name.removeprefix("model.") for layer in found.layers]
    assert names == [layer.name for layer in expected.layers] or names == [
        layer.name.removeprefix("model.") for layer in expected.layers
    ]
    assert [layer.shape for layer in found.layers] == [layer.shape for layer in expected.layers]


@pytest.mark.parametrize("error", ERRORS, ids=["cuda", "cpu", "windows", "mps", "python"])
def test_a_batch_that_does_not_fit_is_explained_in_parts(error):
    model, x = realistic(Residual()).double(), pictures(5, 16)
    limited = Limited(model, 2, error)
    explainer = Explainer(limited)
    explainer.explain(x[:1])  # the first time, the model is looked at one sample at a time
    limited.sizes.clear()
    found = explainer.explain(x)
    assert_joined(found, Explainer(Limited(model, 99)).explain(x))
    assert limited.sizes == [5, 3, 2, 1, 2]
    assert found.keep == "input"
    assert found.caveats == ["The batch did not fit memory: it was explained in 3 parts, and input kept."]
    with pytest.raises(ValueError, match="needs explain"):
        found.switch("epsilon")
    with pytest.raises(ValueError, match="needs explain"):
        _ = found.layers[0].relevance


def test_the_layers_of_the_parts_are_kept_if_that_was_asked_for():
    model, x = realistic(Residual()).double(), pictures(5, 16)
    found, expected = (Explainer(Limited(model, most)).explain(x, keep="layers") for most in (2, 99))
    assert_joined(found, expected)
    assert found.keep == "layers"
    for layer, other in zip(found.layers, expected.layers, strict=True):
        assert_near(layer.relevance, other.relevance, 1e-12)
    assert_near(found["model.stem.0"].relevance, expected["model.stem.0"].relevance, 1e-12)


WEIGHTS = torch.linspace(-1, 2, 25).reshape(5, 5).double()


@pytest.mark.parametrize(
    "target",
    [
        *(None, 3, [3], [0, 1, 2, 3, 4], torch.tensor([4, 3, 2, 1, 0]), torch.tensor(2), Rather(1, than=4)),
        *(range(5), WEIGHTS, WEIGHTS[1]),
    ],
    ids=["top", "class", "list", "per sample", "tensor", "number", "contrast", "range", "weights", "shared weights"],
)
def test_every_form_of_target_is_divided_with_its_batch(target):
    # Five classes and five samples: nothing can be told from the number alone.
    model, x = realistic(Residual()).double(), pictures(5, 16)
    found, expected = (Explainer(Limited(model, most)).explain(x, target) for most in (2, 99))
    assert_joined(found, expected)
    several, all_of_them = (Explainer(Limited(model, most)).explain(x, targets=[target, 1, target]) for most in (2, 99))
    assert several.relevance.shape == (3, 5, 3, 16, 16)
    assert_joined(several, all_of_them)


DENSE = torch.randint(-1, 4, (4, 4, 4), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "target",
    [None, 2, [2], DENSE, DENSE[0], torch.randn(4, 4, 4, 4).double(), torch.randn(4, 4, 4).double()],
    ids=["top", "class", "list", "masks", "one mask for all", "weights", "shared weights"],
)
def test_every_form_of_dense_target_is_divided_with_its_batch(target):
    # Four samples, four classes, four rows and columns.
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 1)).double()
    x = pictures(4, 8)[:, :, :4, :4]
    found, expected = (Explainer(Limited(model, most), "epsilon").explain(x, target) for most in (1, 99))
    assert_joined(found, expected)


def test_a_class_may_be_nowhere_on_top_in_a_part():
    model = nn.Conv2d(3, 2, 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
    x = torch.stack([torch.ones(3, 4, 4), -torch.ones(3, 4, 4)]).double()
    found, expected = (Explainer(Limited(model, most), "epsilon").explain(x, 1) for most in (1, 99))
    assert_joined(found, expected)
    assert not found.relevance[0].any()
    assert any("score is 0" in caveat for caveat in found.caveats)


def test_several_inputs_are_divided_together():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(4, 5), nn.Linear(3, 5)

        def forward(self, a, b):
            return self.one(a).relu() + self.other(b)

    torch.manual_seed(0)
    model, inputs = Two().double(), (torch.randn(3, 4).double(), torch.randn(3, 3).double())
    found, expected = (Explainer(Limited(model, most), Zero()).explain(inputs) for most in (1, 99))
    assert_joined(found, expected)
    assert [tuple(part.shape) for part in found.relevance] == [(3, 4), (3, 3)]


def test_the_frame_of_the_parts_counts_the_samples_of_the_batch():
    model, x = realistic(Residual()).double(), pictures(5, 16)
    frame = Explainer(Limited(model)).explain(x).ledger.to_frame()
    assert sorted(frame["sample"].unique()) == [0, 1, 2, 3, 4]


def test_a_caveat_of_one_part_is_said_once():
    model, x = realistic(Residual()).double(), pictures(5, 16)
    with torch.no_grad():
        model.head.bias.fill_(-50)
    caveats = Explainer(Limited(model)).explain(x).caveats
    assert len(caveats) == 2
    assert "did not fit" in caveats[0]
    assert "negative" in caveats[1]


@pytest.mark.parametrize("error", ERRORS, ids=["cuda", "cpu", "windows", "mps", "python"])
def test_one_sample_that_does_not_fit_is_an_error(error):
    model, x = realistic(Residual()).double(), pictures(3, 16)
    with pytest.raises(type(error)) as raised:
        Explainer(Limited(model, 0, error)).explain(x)
    assert raised.value is error


def test_memory_that_ends_while_relevance_is_propagated_divides_the_batch_too(monkeypatch):
    model, x = realistic(Residual()).double(), pictures(4, 16)
    expected = Explainer(model, Flat()).explain(x)
    share = Flat.divide

    def limited(rule, step, relevance):
        if len(relevance) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return share(rule, step, relevance)

    monkeypatch.setattr(Flat, "divide", limited)
    found = Explainer(model, Flat()).explain(x)
    assert len(found.parts) == 4
    assert_near(found.relevance, expected.relevance, 1e-12)


def test_the_activations_of_a_batch_that_did_not_fit_are_gone_while_its_parts_are_explained(monkeypatch):
    model, x = realistic(Residual()).double(), pictures(4, 16)
    share, living = Flat.divide, []
    others = [each for each in gc.get_objects() if type(each) is Tape]

    def limited(rule, step, relevance):
        if len(relevance) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        gc.collect()
        tapes = [each for each in gc.get_objects() if type(each) is Tape]
        living.extend(len(each.scores) for each in tapes if all(each is not other for other in others))
        return share(rule, step, relevance)

    monkeypatch.setattr(Flat, "divide", limited)
    Explainer(model, "epsilon_plus_flat").explain(x)
    assert set(living) == {1}


def test_other_errors_do_not_divide_the_batch():
    limited = Limited(realistic(Residual()).double(), 2, KeyError("inside"))
    with pytest.raises(KeyError, match="inside"):
        Explainer(limited).explain(pictures(5, 16))
    assert [size for size in limited.sizes if size > 1] == [5]


def test_the_model_is_as_before_after_a_batch_that_did_not_fit():
    limited = Limited(realistic(Residual()).double()).train()
    Explainer(limited).explain(pictures(5, 16))
    assert all(module.training for module in limited.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in limited.modules())
