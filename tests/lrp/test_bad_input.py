"""What cannot be explained is refused with a message that says what, where and the way out."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets.lrp import Explainer, UnknownOperationError, operations, rules
from tests.lrp.dense import assert_near
from tests.lrp.networks import Fire, pictures, realistic


class Written(nn.Module):
    """A model whose forward is the function given."""

    def __init__(self, function, features=4):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.head = nn.Linear(4, 4), nn.Linear(features, 3)
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def _model():
    return realistic(Fire())


X = torch.linspace(-1, 1, 8).reshape(2, 4)
PICTURE = pictures(2, 16, torch.float32)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (PICTURE[:, :2], ValueError, r"cannot take an input of shape \(2, 2, 16, 16\): .*channels"),
        (PICTURE[0, 0, 0], ValueError, r"must be a batch \(B, ...\) that is not empty, got shape \(16,\)"),
        (PICTURE[:0], ValueError, "not empty"),
        (
            PICTURE.double(),
            TypeError,
            r"inputs are torch.float64, .* computes in torch.float32; convert with x.to",
        ),
        (
            (PICTURE * 20).to(torch.uint8),
            TypeError,
            "inputs are torch.uint8, but the model computes in torch.float32",
        ),
        (PICTURE.numpy(), TypeError, "must be a torch tensor .* got ndarray"),
        (
            PICTURE.clone().index_fill_(3, torch.tensor(5), torch.nan),
            ValueError,
            r"the first is nan at index \(0, 0, 0, 5\)",
        ),
        (
            PICTURE.clone().index_fill_(1, torch.tensor(2), torch.inf),
            ValueError,
            r"is inf at index \(0, 2, 0, 0\)",
        ),
    ],
    ids=["channels", "no batch", "empty", "float64", "uint8", "numpy", "nan", "infinity"],
)
def test_an_unfit_input_is_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        Explainer(_model()).explain(inputs)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", ["features.0.weight", "classifier.1.bias"])
def test_a_weight_that_is_not_finite_is_named(name, bad):
    model = _model()
    explainer = Explainer(model)
    explainer.explain(PICTURE)
    with torch.no_grad():
        model.get_parameter(name).view(-1)[0] = bad
    with pytest.raises(ValueError, match=f"weight '{name}' contains NaN or infinity"):
        explainer.explain(PICTURE)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (5, ValueError, "target 5 is out of range: the model has 5 classes, 0 to 4"),
        (-1, ValueError, "target -1 is out of range"),
        ([0, 7], ValueError, "target 7 is out of range"),
        ([0, 1, 2], ValueError, "target has 3 class numbers for a batch of 2"),
        (torch.tensor([0, 1, 2]), ValueError, "3 class numbers for a batch of 2"),
        (torch.ones(3), ValueError, r"weights must have the shape of the scores \(2, 5\), got \(3,\)"),
        (torch.tensor([[0, torch.nan, 0, 0, 0]] * 2), ValueError, "target weights contain NaN"),
        ("cat", TypeError, "target must be None, a class number, one per sample, .* got 'cat'"),
        (1.0, TypeError, "target must be None, a class number"),
        (True, TypeError, "target must be None, a class number"),
        ([True, False], TypeError, "target must be None, a class number"),
        (torch.tensor([True, False]), TypeError, "target must be None, a class number"),
        (["cat", "dog"], TypeError, "target must be None, a class number"),
    ],
    ids=str,
)
def test_an_unfit_target_is_refused(target, error, message):
    explainer = Explainer(_model())
    with pytest.raises(error, match=message):
        explainer.explain(PICTURE, target)
    with pytest.raises(error, match=message):
        explainer.explain(PICTURE).retarget(target)


@pytest.mark.parametrize(
    "target",
    [2, [2, 2], (2, 2), torch.tensor(2), torch.tensor([2, 2]), torch.eye(5)[2], range(2, 3)],
    ids=repr,
)
def test_a_target_may_be_written_in_several_ways(target):
    explainer = Explainer(_model())
    assert torch.equal(explainer.explain(PICTURE, target).relevance, explainer.explain(PICTURE, 2).relevance)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda net, x: {"scores": net.head(x)},
            TypeError,
            "returned a dict; LRP needs one tensor of scores",
        ),
        (lambda net, x: (net.head(x), x), TypeError, "returned a tuple"),
        (
            lambda net, x: net.head(x).T,
            ValueError,
            r"shape \(3, 2\) for inputs of shape \(2, 4\); LRP needs scores",
        ),
        (
            lambda net, x: net.head(x).mean(0, keepdim=True),
            NotImplementedError,
            "`mean` in the model mixes the samples",
        ),
        (lambda net, x: net.head(x).flip(0) + net.head(x), NotImplementedError, "`add` in the model mixes"),
        (lambda net, x: net.head(x) @ net.head(x).T, NotImplementedError, "`matmul` in the model mixes"),
        (lambda net, x: net.head(torch.ones(2, 4)), ValueError, "does not depend on its inputs"),
        (
            lambda net, x: net.head(x).detach().clone() * torch.nan,
            ValueError,
            "scores contain NaN or infinity",
        ),
        (lambda net, x: x, ValueError, "nothing to explain"),
    ],
    ids=["dict", "tuple", "turned", "mean", "mixed", "similarity", "constant", "nan", "identity"],
)
def test_an_unfit_output_is_refused(function, error, message):
    with pytest.raises(error, match=message):
        Explainer(Written(function)).explain(X)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((lambda x: x,), TypeError, "model must be a torch.nn.Module, got function"),
        ((nn.Linear(2, 2), "epsilon_pluss"), ValueError, "Did you mean 'epsilon_plus'"),
        (
            (nn.Linear(2, 2), "epsilon", "cuda:99"),
            ValueError,
            "device 'cuda:99' is not there; this machine has cpu",
        ),
        ((nn.Linear(2, 2), "epsilon", "gpu"), ValueError, "device 'gpu' is not there"),
        (
            (nn.Linear(2, 2), "epsilon", None, "ignore"),
            ValueError,
            "unknown must be 'error' or 'gradient', got 'ignore'",
        ),
    ],
    ids=["function", "composite", "absent device", "no device", "unknown"],
)
def test_an_explainer_checks_its_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Explainer(*arguments)


@pytest.mark.filterwarnings("ignore:.*TorchScript:DeprecationWarning", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("hide", [torch.jit.script, torch.compile], ids=["scripted", "compiled"])
def test_a_model_that_hides_its_operations_is_refused(hide):
    with pytest.raises(TypeError, match="A scripted or compiled model hides its operations; give the eager model"):
        Explainer(hide(nn.Linear(4, 3)))


# Operations without an entry.


@pytest.mark.parametrize(
    ("function", "key", "place"),
    [
        (lambda net, x: net.head(torch.sinc(net.layer(x))), "sinc", "in the model's own forward"),
        (
            lambda net, x: net.head(torch.fft.ifft(torch.fft.fft(x)).real),
            "torch.fft.fft",
            "in the model's own forward",
        ),
        (
            lambda net, x: net.head(torch.einsum("bi,bj,ij->bj", x, x, net.layer.weight)),
            "einsum",
            "in the model's own forward",
        ),
    ],
    ids=["sinc", "fft", "three factors"],
)
def test_an_unknown_operation_is_named_with_its_place_and_the_way_out(function, key, place):
    with pytest.raises(UnknownOperationError) as error:
        Explainer(Written(function)).explain(X)
    message = str(error.value)
    assert f"`{key.removeprefix('torch.')}`" in message
    assert place in message
    assert "operations.register(" in message
    assert "unknown='gradient'" in message


def test_the_module_of_an_unknown_operation_is_named():
    class Block(nn.Module):
        def forward(self, x):
            return x.sinc()

    with pytest.raises(UnknownOperationError, match=r"`sinc` \(in module '1.0'\) has no entry"):
        Explainer(nn.Sequential(nn.Linear(4, 4), nn.Sequential(Block()), nn.Linear(4, 2))).explain(X)


def test_an_unknown_operation_that_the_scores_do_not_need_is_ignored():
    def function(net, x):
        torch.sinc(x)
        return net.head(x)

    assert [layer.name for layer in Explainer(Written(function)).explain(X).layers] == ["head"]


@pytest.mark.parametrize("function", [torch.sinc, torch.lgamma], ids=["sinc", "lgamma"])
def test_the_gradient_stands_in_for_an_unknown_operation(function):
    model = Written(lambda net, x: net.head(function(net.layer(x)))).double()
    x = X.double()
    explanation = Explainer(model, rules.Zero(), unknown="gradient").explain(x, 1)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    assert_near(explanation.relevance, gradient * x, 1e-4)  # up to the stabilizer's 1e-6
    assert explanation.ledger.imbalance < 1e-9
    (caveat,) = [each for each in explanation.caveats if "gradient" in each]
    (unknown,) = [layer.name for layer in explanation.layers if layer.kind == "unknown"]
    assert unknown in caveat


OF_SEVERAL_VALUES = {
    "pow": lambda x: x.abs() ** x,
    "prelu": lambda x: F.prelu(x, x[0, :1]),
    "layer_norm": lambda x: F.layer_norm(x, (4,), x[0].exp()),
    "rms_norm": lambda x: F.rms_norm(x, (4,), x[0].exp()),
    "group_norm": lambda x: F.group_norm(x, 2, weight=x[0]),
    "linear": lambda x: F.linear(x, torch.ones(4, 4), x[0]),
    "conv1d": lambda x: F.conv1d(torch.ones(1, 4, 6), x[:, :, None]).flatten(1),
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 1]), x[:, :2], alpha=-2),
    "scatter_reduce": lambda x: x.scatter_reduce(1, torch.zeros_like(x).long(), x, "prod"),
}


@pytest.mark.parametrize("name", OF_SEVERAL_VALUES)
def test_a_function_of_values_where_the_table_expects_constants_is_refused_by_name(name):
    with pytest.raises(UnknownOperationError, match=rf"`{name.replace('pow', '(__)?pow(__)?')}` .* covers this call"):
        Explainer(Written(lambda net, x: OF_SEVERAL_VALUES[name](net.layer(x)))).explain(X[:1])


SHRINKING = {
    "quantile": lambda x: x.quantile(0.3, dim=1, keepdim=True),
    "det": lambda x: torch.linalg.det(x.view(-1, 2, 2)).unsqueeze(1),
    "time first": lambda x: torch.trapezoid(x.view(-1, 2, 2).transpose(0, 1), dim=0),
}


@pytest.mark.parametrize("name", SHRINKING)
def test_the_gradient_stands_in_for_a_function_that_changes_the_shape(name):
    model = Written(lambda net, x: SHRINKING[name](net.layer(x))).double()
    together = Explainer(model, "epsilon", unknown="gradient").explain(X.double())
    for number, x in enumerate(X.double()):
        alone = Explainer(model, "epsilon", unknown="gradient").explain(x[None])
        assert_near(together.relevance[number], alone.relevance[0])
        assert_near(together.ledger.bias[number], alone.ledger.bias[0])


def test_an_unknown_function_that_mixes_the_samples_is_refused():
    model = Written(lambda net, x: net.head(torch.renorm(net.layer(x), 2, 1, 0.1)))
    with pytest.raises(NotImplementedError, match="mixes the samples"):
        Explainer(model, unknown="gradient").explain(X)


def test_a_function_can_be_registered(monkeypatch):
    monkeypatch.setattr(operations, "OPERATIONS", dict(operations.OPERATIONS))
    operations.register(torch.sinc, operations.Activation())
    explanation = Explainer(Written(lambda net, x: net.head(x.sinc()))).explain(X)
    assert [layer.kind for layer in explanation.layers] == ["activation", "linear"]


# In-place operations that cannot be followed are errors, never silently wrong.


def _view_after_base(net, x):
    y = net.layer(x)
    view = y[:, :2]
    y.mul_(3)
    return net.head(torch.cat([view, view], 1))


def _other_view_of_a_constant(net, x):
    buffer = torch.zeros(2, 4)
    view = buffer.view(4, 2)
    buffer.add_(net.layer(x))
    return net.head(view.view(2, 4))


def _out(net, x):
    buffer = torch.zeros(2, 4)
    torch.add(net.layer(x), 1, out=buffer)
    return net.head(buffer)


def _zero(net, x):
    y = net.layer(x)
    y.exponential_()
    return net.head(y + x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_view_after_base, "`mul_` in the model changed a tensor in place that the model reads again"),
        (_other_view_of_a_constant, "Memory that was filled in place is read through another tensor"),
        (_out, "`add` is called with out="),
        (_zero, "`exponential_` overwrites a tensor that depends on the inputs"),
    ],
    ids=["view after base", "view of a constant", "out=", "no twin"],
)
def test_writing_that_relevance_cannot_follow_is_an_error(function, message):
    with pytest.raises(NotImplementedError, match=message):
        Explainer(Written(function)).explain(X)


def test_a_constant_that_is_filled_part_by_part_is_followed():
    def filled(net, x):
        buffer = torch.zeros(2, 4)
        buffer[:, :4].copy_(net.layer(x))
        return net.head(buffer)

    found = Explainer(Written(filled), "epsilon").explain(X, 1)
    plain = Explainer(Written(lambda net, x: net.head(net.layer(x))), "epsilon").explain(X, 1)
    assert_near(found.relevance, plain.relevance, 1e-6)


def test_a_view_may_be_written_if_its_base_is_not_read_again():
    def function(net, x):
        return net.head(net.layer(x).view(2, 2, 2)[:, :1].relu_().flatten(1))

    model = Written(function, features=2).double()
    x = X.double()
    explanation = Explainer(model, rules.Zero()).explain(x, 1)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    assert_near(explanation.relevance, gradient * x)


def _written_through_a_view(net, x):
    y = net.layer(x)
    y[:, :2].mul_(0.5).add_(x[:, 1:3])
    y.view(2, 2, 2)[:, 1].neg_()
    return net.head(y)


def test_relevance_follows_what_is_written_through_a_view():
    model = Written(_written_through_a_view).double()
    x = X.double()
    explanation = Explainer(model, rules.Zero()).explain(x, 1)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    assert torch.equal(explanation.scores, model(x))
    assert_near(explanation.relevance, gradient * x)
    assert explanation.ledger.imbalance < 1e-9


# Caveats.


def test_a_sound_explanation_has_no_caveats():
    assert Explainer(_model()).explain(PICTURE).caveats == []


def test_a_model_in_training_mode_is_explained_in_eval_mode_and_says_so():
    model = _model()
    expected = Explainer(model).explain(PICTURE).relevance
    model.train()
    explanation = Explainer(model).explain(PICTURE)
    assert torch.equal(explanation.relevance, expected)
    assert any("training mode" in caveat for caveat in explanation.caveats)
    assert all(module.training for module in model.modules())


def test_a_score_of_zero_is_said():
    model = nn.Sequential(nn.Linear(4, 2, bias=False))
    explanation = Explainer(model).explain(torch.zeros(1, 4), 0)
    assert torch.equal(explanation.relevance, torch.zeros(1, 4))
    assert explanation.ledger.imbalance == 0
    assert any("score is 0" in caveat for caveat in explanation.caveats)


def test_a_negative_score_is_said():
    model = nn.Sequential(nn.Linear(4, 2))
    with torch.no_grad():
        model[0].bias.fill_(-50)
    assert any("negative" in caveat for caveat in Explainer(model).explain(X, 0).caveats)


@pytest.mark.parametrize("name", ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon_plus", "deep_taylor"])
def test_an_input_of_zeros_has_finite_relevance(name):
    explanation = Explainer(_model().double(), name).explain(torch.zeros(1, 3, 16, 16, dtype=torch.float64))
    assert bool(explanation.relevance.isfinite().all())
    assert explanation.ledger.imbalance < 1e-9


def test_relevance_that_overflows_is_said():
    explanation = Explainer(_model()).explain(PICTURE, torch.full((5,), 3e38))
    assert any("not finite" in caveat for caveat in explanation.caveats)


def test_a_model_without_weights_takes_any_precision():
    class Sum(nn.Module):
        def forward(self, x):
            return torch.stack([x.sum(1), -x.sum(1)], 1)

    for dtype in (torch.float32, torch.float64):
        x = X.to(dtype).abs()
        assert_near(Explainer(Sum(), rules.Zero()).explain(x, 0).relevance, x, 1e-6)


@pytest.mark.parametrize("ask", ["explain", "scores"])
def test_a_model_that_refuses_without_a_word_is_told_by_the_kind_of_its_error(ask):
    def refuse(self, x):
        raise RuntimeError

    with pytest.raises(ValueError, match=r"cannot take an input of shape \(2, 4\): RuntimeError\."):
        getattr(Explainer(Written(refuse).eval()), ask)(X)
