"""Recurrent networks: a second implementation of LRP for LSTMs in numpy, and sums whose explanation is known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lrpwidgets.lrp import Composite, Explainer, composites, rules
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import assert_near

EPSILON = 0.001
"""ε of Arras et al. 2017."""

PRODUCTS = {"all": rules.Signal(), "half": rules.Half(), "prop": rules.Proportional(1e-12)}


def variant(product: str, epsilon: float = EPSILON) -> Composite:
    """LRP for LSTMs with one of the rules for gate × signal that Arras et al. 2019 compare."""
    return Composite([(Kind("product"), PRODUCTS[product]), ("*", rules.Epsilon(epsilon))])


# The referee: the equations of Arras et al. 2017 and 2019 for one sequence, in numpy and without torch's LSTM.


def shares(relevance: np.ndarray, terms: np.ndarray, total: np.ndarray, epsilon: float) -> np.ndarray:
    """ε-rule: each of `terms` (terms, outputs) gets its part of `total`, its sum with the bias; sign(0) = +1."""
    return terms * relevance / (total + epsilon * np.where(total >= 0, 1.0, -1.0))


def divided(relevance: np.ndarray, gate: np.ndarray, signal: np.ndarray, product: str) -> tuple[np.ndarray, np.ndarray]:
    """Relevance of gate and signal, whose product has `relevance`; what is given are their pre-activations."""
    if product == "prop":
        total = gate + signal
        return relevance * gate / total, relevance * signal / total
    return {"all": (0 * relevance, relevance), "half": (relevance / 2, relevance / 2)}[product]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


class Direction:
    """One layer of an LSTM in one direction, over a sequence (steps, features)."""

    def __init__(self, lstm: nn.LSTM, layer: int, reverse: bool) -> None:
        weights = {name: weight.detach().numpy() for name, weight in lstm.named_parameters()}
        end = f"_l{layer}{'_reverse' if reverse else ''}"
        joint = np.concatenate([weights["weight_ih" + end], weights["weight_hh" + end]], 1)
        bias = weights["bias_ih" + end] + weights["bias_hh" + end] if lstm.bias else np.zeros(len(joint))
        self.size, self.reverse = lstm.hidden_size, reverse
        # torch stacks input gate, forget gate, cell candidate, output gate
        self.weight = dict(zip("ifgo", np.split(joint, 4), strict=True))
        self.bias = dict(zip("ifgo", np.split(bias, 4), strict=True))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Hidden states, in the order of the sequence."""
        h, c = np.zeros(self.size), np.zeros(self.size)
        self.steps = []
        for x_t in x[::-1] if self.reverse else x:
            before = np.concatenate([x_t, h]), c
            z = {gate: self.weight[gate] @ before[0] + self.bias[gate] for gate in "ifgo"}
            c = sigmoid(z["f"]) * c + sigmoid(z["i"]) * np.tanh(z["g"])
            h = sigmoid(z["o"]) * np.tanh(c)
            self.steps.append((*before, z, c, h))
        hidden = np.stack([step[-1] for step in self.steps])
        return hidden[::-1] if self.reverse else hidden

    def last(self) -> int:
        """Index in the sequence of the step that is computed last."""
        return 0 if self.reverse else len(self.steps) - 1

    def backward(self, relevance: np.ndarray, product: str, epsilon: float) -> np.ndarray:
        """Relevance of the inputs, from that of the hidden states (steps, hidden) by all who read them."""
        from_outside = relevance if self.reverse else relevance[::-1]
        handed_h, handed_c = np.zeros(self.size), np.zeros(self.size)
        found = []
        for (xh, c_before, z, c, _), from_above in zip(reversed(self.steps), from_outside, strict=True):
            gates = {}
            gates["o"], through_tanh = divided(handed_h + from_above, z["o"], c, product)
            terms = np.stack([sigmoid(z["f"]) * c_before, sigmoid(z["i"]) * np.tanh(z["g"])])
            kept, added = shares(handed_c + through_tanh, terms, c, epsilon)
            gates["f"], handed_c = divided(kept, z["f"], c_before, product)
            gates["i"], gates["g"] = divided(added, z["i"], z["g"], product)
            into = sum(shares(gates[gate], (self.weight[gate] * xh).T, z[gate], epsilon).sum(1) for gate in "ifgo")
            found.append(into[: -self.size])
            handed_h = into[-self.size :]
        return np.stack(found if self.reverse else found[::-1])


def referee(model: "Reader", x: Tensor, start: Tensor, product: str = "all", epsilon: float = EPSILON) -> Tensor:
    """Relevance of the sequence `x` (steps, features) if `start` is that of the scores."""
    layers = [
        [Direction(model.rnn, layer, reverse) for reverse in (False, True)[: 1 + model.rnn.bidirectional]]
        for layer in range(model.rnn.num_layers)
    ]
    values = x.numpy()
    for layer in layers:
        values = np.concatenate([direction.forward(values) for direction in layer], 1)
    size = model.rnn.hidden_size
    read = np.concatenate([direction.steps[-1][-1] for direction in layers[-1]])
    weight, bias = (torch.zeros(1) if w is None else w.detach() for w in (model.head.weight, model.head.bias))
    weight, bias = weight.numpy(), bias.numpy()
    handed = shares(start.numpy(), (weight * read).T, weight @ read + bias, epsilon).sum(1)
    relevance = np.zeros_like(values)
    for index, direction in enumerate(layers[-1]):
        columns = slice(index * size, (index + 1) * size)
        relevance[direction.last(), columns] = handed[columns]
    for layer in reversed(layers):
        parts = np.split(relevance, len(layer), 1)
        relevance = sum(d.backward(part, product, epsilon) for d, part in zip(layer, parts, strict=True))
    return torch.from_numpy(relevance.copy())


# The networks.


class Reader(nn.Module):
    """A recurrent network that reads a sequence to its end, and scores what it then remembers."""

    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM, classes: int = 3, bias: bool = True, **settings) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.rnn = kind(4, 5, bias=bias, **settings)
        self.head = nn.Linear((self.rnn.proj_size or 5) * (1 + self.rnn.bidirectional), classes, bias=bias)
        self.double().eval()
        with torch.no_grad():
            for weight in self.rnn.parameters():  # livelier than at the start of a training
                weight.mul_(2.5)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.rnn(x)
        return self.scored(state)

    def scored(self, state) -> Tensor:
        hidden = state[0] if isinstance(state, tuple) else state
        return self.head(torch.cat(list(hidden[-1 - self.rnn.bidirectional :]), 1))


SETTINGS = {
    "one layer": {},
    "two layers": {"num_layers": 2},
    "both directions": {"bidirectional": True},
    "two layers in both directions": {"num_layers": 2, "bidirectional": True},
    "three layers with dropout": {"num_layers": 3, "dropout": 0.5},
    "without bias": {"num_layers": 2, "bias": False},
}


def sequences(samples: int = 2, steps: int = 6) -> Tensor:
    torch.manual_seed(4)
    return torch.randn(samples, steps, 4).double()


def explained(model: nn.Module, x: Tensor, composite: Composite, target=None):
    """The explanation of `model`, checked to have its scores and to account for all they are worth."""
    explanation = Explainer(model, composite).explain(x, target)
    with torch.no_grad():
        assert_near(explanation.scores, model(x), 1e-12)
    assert explanation.ledger.imbalance < 1e-9
    return explanation


# LSTMs against the referee.


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_relevance_of_an_lstm_agrees_with_the_published_equations(settings, batch_first, samples):
    model = TimeFirst(SETTINGS[settings]) if not batch_first else Reader(**SETTINGS[settings], batch_first=True)
    x = sequences(samples)
    explanation = explained(model, x, composites.get("lstm_lrp"))
    start = explanation.scores * explanation.target
    expected = torch.stack([referee(model, *each) for each in zip(x, start, strict=True)])
    assert_near(explanation.relevance, expected, 1e-9)


@pytest.mark.parametrize("settings", ["one layer", "two layers in both directions"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_each_rule_for_a_gated_signal_agrees_with_the_published_equations(product, settings):
    model, x = Reader(**SETTINGS[settings], batch_first=True), sequences()
    weights = torch.tensor([[1.0, 0, -1], [0, 2, 0.5]]).double()
    explanation = explained(model, x, variant(product), weights)
    start = explanation.scores * weights
    expected = torch.stack([referee(model, *each, product) for each in zip(x, start, strict=True)])
    assert_near(explanation.relevance, expected, 1e-9)


@pytest.mark.parametrize("epsilon", [1e-6, 0.1])
def test_the_epsilon_of_lstm_lrp_is_that_of_every_linear_map_and_sum(epsilon):
    model, x = Reader(num_layers=2, batch_first=True), sequences()
    explanation = explained(model, x, composites.get("lstm_lrp", epsilon=epsilon), 1)
    start = explanation.scores * explanation.target
    expected = torch.stack([referee(model, *each, epsilon=epsilon) for each in zip(x, start, strict=True)])
    assert_near(explanation.relevance, expected, 1e-9)


def test_the_relevance_of_an_lstm_in_float32_is_that_in_float64_rounded():
    model, x = Reader(**SETTINGS["two layers in both directions"], batch_first=True), sequences()
    expected = Explainer(model, "lstm_lrp").explain(x, 0).relevance
    assert_near(Explainer(model.float(), "lstm_lrp").explain(x.float(), 0).relevance, expected, 1e-4)


class TimeFirst(Reader):
    """An LSTM that wants the time in the first axis, as is torch's default."""

    def __init__(self, settings) -> None:
        super().__init__(**settings)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(0, 1))


class Unrolled(Reader):
    """The same LSTM, GRU or RNN as a loop over cells in Python."""

    CELLS = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}  # noqa: RUF012

    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__(kind, batch_first=True)
        self.cell = self.CELLS[kind](4, 5).double()
        for name, weight in self.cell.named_parameters():
            weight.data = getattr(self.rnn, name + "_l0").data

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for x_t in x.unbind(1):
            state = self.cell(x_t, state)
        return self.head(state[0] if isinstance(state, tuple) else state)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN], ids=lambda kind: kind.__name__)
def test_a_loop_over_cells_is_explained_as_the_recurrent_layer(kind):
    looped, x = Unrolled(kind), sequences()
    whole = Reader(kind, batch_first=True)
    assert_near(looped(x).detach(), whole(x).detach(), 1e-12)
    expected = explained(whole, x, composites.get("lstm_lrp"), 1)
    assert_near(explained(looped, x, composites.get("lstm_lrp"), 1).relevance, expected.relevance, 1e-9)


# All recurrent layers against the gradient: as ε → 0, gates as constants and nonlinearities as the slopes f(x) / x.


def slope(function, x: Tensor) -> Tensor:
    """`function` of `x` as a product with a constant, so that gradient × input passes relevance unchanged."""
    return x * (function(x) / x).detach()


def lstm_cell(from_x: Tensor, from_h: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = (from_x + from_h).chunk(4, -1)
    c = f.sigmoid().detach() * c + i.sigmoid().detach() * slope(torch.tanh, g)
    return o.sigmoid().detach() * slope(torch.tanh, c), c


def gru_cell(from_x: Tensor, from_h: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    (r, z, n), (r_h, z_h, n_h) = from_x.chunk(3, -1), from_h.chunk(3, -1)
    r, z = (r + r_h).sigmoid().detach(), (z + z_h).sigmoid().detach()
    return (1 - z) * slope(torch.tanh, n + r * n_h) + z * h, c


def rnn_cell(function, from_x: Tensor, from_h: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    return slope(function, from_x + from_h), c


CELLS = {
    "LSTM": (nn.LSTM, {}, lstm_cell),
    "GRU": (nn.GRU, {}, gru_cell),
    "RNN": (nn.RNN, {}, lambda *given: rnn_cell(torch.tanh, *given)),
    "RNN with ReLU": (nn.RNN, {"nonlinearity": "relu"}, lambda *given: rnn_cell(torch.relu, *given)),
}


def by_gradient(model: Reader, cell, x: Tensor, weights: Tensor) -> Tensor:
    """Gradient × input of the weighted scores, with the constants of `cell`."""
    leaf = x.clone().requires_grad_()
    remembers = isinstance(model, Remembering)
    values, sizes = leaf, (model.rnn.proj_size or model.rnn.hidden_size, model.rnn.hidden_size)
    for layer in range(model.rnn.num_layers):
        directions, read = [], []
        for end in ("", "_reverse")[: 1 + model.rnn.bidirectional]:
            w = {name.removesuffix(f"_l{layer}{end}"): weight for name, weight in model.rnn.named_parameters()}
            h, c = (model.h[0], model.c[0]) if remembers else (values.new_zeros(1, size) for size in sizes)
            hidden = []
            for x_t in values.flip(1).unbind(1) if end else values.unbind(1):
                from_x, from_h = x_t @ w["weight_ih"].T, h @ w["weight_hh"].T
                if model.rnn.bias:
                    from_x, from_h = from_x + w["bias_ih"], from_h + w["bias_hh"]
                h, c = cell(from_x, from_h, h, c)
                h = h @ w["weight_hr"].T if model.rnn.proj_size else h
                hidden.append(h)
            directions.append(torch.stack(hidden[::-1] if end else hidden, 1))
            read.append(h)
        values = torch.cat(directions, 2)
    scores = model.head(values.mean(1) if remembers else torch.cat(read, 1))
    assert_near(scores.detach(), model(x).detach(), 1e-12)
    (gradient,) = torch.autograd.grad((scores * weights).sum(), leaf)
    return gradient * x


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_with_a_tiny_epsilon_relevance_is_gradient_times_input_with_constant_gates(name, settings):
    kind, own, cell = CELLS[name]
    model, x = Reader(kind, **own, **SETTINGS[settings], batch_first=True), sequences()
    weights = torch.tensor([1.0, -0.5, 2]).double().expand(2, -1)
    explanation = explained(model, x, variant("all", 1e-12), weights)
    assert_near(explanation.relevance, by_gradient(model, cell, x, weights), 1e-6)


def test_an_lstm_that_projects_its_hidden_state_is_explained_likewise():
    model, x = Reader(proj_size=3, num_layers=2, bidirectional=True, batch_first=True), sequences()
    weights = torch.tensor([1.0, -0.5, 2]).double().expand(2, -1)
    explanation = explained(model, x, variant("all", 1e-12), weights)
    assert_near(explanation.relevance, by_gradient(model, lstm_cell, x, weights), 1e-6)


@pytest.mark.parametrize("settings", ["two layers", "both directions"])
def test_the_two_referees_agree(settings):
    model, x = Reader(**SETTINGS[settings], batch_first=True), sequences()
    weights = torch.tensor([1.0, -0.5, 2]).double().expand(2, -1)
    start = (model(x) * weights).detach()
    expected = torch.stack([referee(model, *each, epsilon=1e-14) for each in zip(x, start, strict=True)])
    assert_near(by_gradient(model, lstm_cell, x, weights), expected, 1e-9)


def test_zero_equals_gradient_times_input_on_a_recurrent_network_of_relus():
    model, x = Reader(nn.RNN, nonlinearity="relu", num_layers=2, bidirectional=True, batch_first=True), sequences()
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    assert_near(explained(model, x, Composite([("*", rules.Zero())]), 1).relevance, gradient * x)


@pytest.mark.parametrize(
    ("name", "product"), [*((name, "all") for name in CELLS), ("LSTM", "half"), ("LSTM", "prop")], ids=str
)
def test_a_recurrent_network_without_biases_conserves(name, product):
    kind, own, _ = CELLS[name]
    model, x = Reader(kind, **own, bias=False, num_layers=2, bidirectional=True, batch_first=True), sequences()
    ledger = explained(model, x, variant(product, 1e-12)).ledger
    assert_near(ledger.reached_input, ledger.explained, 1e-6)
    assert float(ledger.bias.abs().max()) == 0


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_the_ledger_of_a_recurrent_network_adds_up(name, settings, product):
    kind, own, _ = CELLS[name]
    model = Reader(kind, **own, **SETTINGS[settings], batch_first=True)
    explained(model, sequences(3), variant(product), torch.tensor([1.0, 0, -1]).double())


class Remembering(Reader):
    """Starts from a state that was learned, and scores the mean of all hidden states."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__(kind, batch_first=True)
        self.h, self.c = (nn.Parameter(torch.randn(1, 1, 5).double()) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        h, c = (state.expand(-1, len(x), -1).contiguous() for state in (self.h, self.c))
        hidden, _ = self.rnn(x, (h, c) if isinstance(self.rnn, nn.LSTM) else h)
        return self.head(hidden.mean(1))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_a_learned_first_state_absorbs_its_relevance_as_a_bias_does(name):
    kind, _, cell = CELLS[name]
    model, x = Remembering(kind), sequences()
    weights = torch.tensor([1.0, -0.5, 2]).double().expand(2, -1)
    explanation = explained(model, x, variant("all", 1e-12), weights)
    assert_near(explanation.relevance, by_gradient(model, cell, x, weights), 1e-6)
    assert float(explanation.ledger.bias.abs().min()) > 0


# Packed sequences.


class Packed(Reader):
    """Reads sequences of different lengths, padded to the longest; scores the last or the mean hidden state."""

    def __init__(self, lengths: list[int], kind=nn.LSTM, mean: bool = False, ordered: bool = False, **settings) -> None:
        super().__init__(kind, batch_first=True, **settings)
        self.lengths, self.mean, self.ordered = torch.tensor(lengths), mean, ordered

    def forward(self, x: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, self.lengths, batch_first=True, enforce_sorted=self.ordered)
        hidden, state = self.rnn(packed)
        if not self.mean:
            return self.scored(state)
        hidden, _ = pad_packed_sequence(hidden, batch_first=True)
        return self.head(hidden.sum(1) / self.lengths[:, None])


@pytest.mark.parametrize("mean", [False, True], ids=["last state", "mean state"])
@pytest.mark.parametrize("settings", ["one layer", "two layers", "both directions", "two layers in both directions"])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU], ids=lambda kind: kind.__name__)
def test_a_packed_sequence_is_explained_as_if_it_were_alone(kind, settings, mean):
    lengths = [3, 6, 1, 6, 4]
    x = sequences(len(lengths))
    together = explained(Packed(lengths, kind, mean, **SETTINGS[settings]), x, composites.get("lstm_lrp"), 1)
    for sample, length in enumerate(lengths):
        relevance = together.relevance[sample]
        assert bool((relevance[length:] == 0).all())
        alone = Packed([length], kind, mean, **SETTINGS[settings])
        expected = explained(alone, x[[sample], :length], composites.get("lstm_lrp"), 1)
        assert_near(together.scores[sample], expected.scores[0], 1e-12)
        assert_near(relevance[:length], expected.relevance[0])


def test_a_packed_sequence_of_full_length_is_explained_as_one_that_is_not_packed():
    x = sequences()
    expected = explained(Reader(num_layers=2, batch_first=True), x, composites.get("lstm_lrp"), 1).relevance
    packed = Packed([6, 6], num_layers=2, ordered=True)
    assert_near(explained(packed, x, composites.get("lstm_lrp"), 1).relevance, expected)


def test_packed_sequences_sorted_by_their_length_agree_with_the_published_equations():
    lengths = [6, 4, 2]
    model, x = Packed(lengths, ordered=True, bidirectional=True), sequences(3)
    explanation = explained(model, x, composites.get("lstm_lrp"), [0, 1, 2])
    start = explanation.scores * explanation.target
    for sample, length in enumerate(lengths):
        expected = referee(model, x[sample, :length], start[sample])
        assert_near(explanation.relevance[sample, :length], expected, 1e-9)


class Worded(nn.Module):
    """Looks tokens up and reads them packed, in both directions; called by name, with their mask."""

    def __init__(self, lengths: list[int], **settings) -> None:
        super().__init__()
        self.reader = Packed(lengths, bidirectional=True, **settings)
        self.table = nn.Embedding(9, 4, padding_idx=0).double()
        nn.init.normal_(self.table.weight)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        self.reader.lengths = attention_mask.sum(1)
        return self.reader(self.table(input_ids))


@pytest.mark.parametrize("layers", [1, 2])
def test_tokens_that_are_looked_up_padded_and_packed_agree_with_the_published_equations(layers):
    lengths = [4, 6, 2]
    mask = (torch.arange(6) < torch.tensor(lengths)[:, None]).long()
    ids = torch.tensor([[3, 1, 4, 1, 5, 8], [2, 6, 5, 3, 5, 8], [7, 2, 7, 1, 8, 2]]) * mask
    model = Worded(lengths, num_layers=layers)
    inputs = {"input_ids": ids, "attention_mask": mask}
    explanation = Explainer(model, composites.get("lstm_lrp")).explain(inputs, [0, 1, 2])
    assert explanation.ledger.imbalance < 1e-9
    assert not explanation.relevance["input_ids"][mask == 0].any()
    start = explanation.scores * explanation.target
    for sample, length in enumerate(lengths):
        expected = referee(model.reader, model.table(ids[sample, :length]).detach(), start[sample]).sum(1)
        assert_near(explanation.relevance["input_ids"][sample, :length], expected, 1e-9)


# Sums whose explanation is known, as in Arras et al. 2019.


class Adder(nn.Module):
    """Adds up the two numbers in dimension 0 of a sequence; numbers in dimension 1 do not count.

    An LSTM with one hidden unit. It was trained for 3000 steps of Adam on 128 sequences each, of 4 to 10 numbers
    between −1 and 1 as :func:`additions` makes them, with a learning rate that rises to 0.05 and falls to 0, to the
    least squared error. Of six seeds, whose errors were 5e-4 to 9e-4, this is the one with the least.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(2, 1, batch_first=True), nn.Linear(1, 1)
        into = [[0.0014, -0.0106], [0.0067, 0.0087], [0.4695, -0.0001], [-0.0152, -0.0055]]  # i, f, g, o
        with torch.no_grad():
            self.rnn.weight_ih_l0.copy_(torch.tensor(into))
            self.rnn.weight_hh_l0.copy_(torch.tensor([[0.0076], [-0.0226], [0.0708], [0.0038]]))
            self.rnn.bias_ih_l0.copy_(torch.tensor([-0.0212, 3.3944, 0, 3.1356]))
            self.rnn.bias_hh_l0.zero_()
            self.head.weight.fill_(4.7956)
            self.head.bias.zero_()
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[1][0][0])


def additions(samples: int, length: int) -> tuple[Tensor, Tensor]:
    """Sequences (samples, length, 2), and where the two numbers to add are, (samples, 2)."""
    torch.manual_seed(length)
    numbers = torch.rand(samples, length).double() * 2 - 1
    where = torch.rand(samples, length).argsort(1)[:, :2].sort(1).values
    counts = torch.zeros(samples, length).double().scatter_(1, where, 1)
    return torch.stack([numbers * counts, numbers * (1 - counts)], 2), where


LENGTHS = range(4, 11)


def correlations(product: str) -> list[float]:
    """Correlation of the first number and its relevance, and of the second and its."""
    pairs = []
    for length in LENGTHS:
        x, where = additions(150, length)
        relevance = explained(Adder(), x, variant(product), 0).relevance
        pairs.append(torch.stack([x.sum(2).gather(1, where), relevance.sum(2).gather(1, where)]))
    numbers, received = torch.cat(pairs, 1)
    return [float(np.corrcoef(a, b)[0, 1]) for a, b in zip(numbers.T, received.T, strict=True)]


def test_the_adder_adds():
    batches = [additions(150, length)[0] for length in LENGTHS]
    errors = torch.cat([Adder()(x)[:, 0] - x[..., 0].sum(1) for x in batches]).detach()
    assert float(errors.square().mean()) < 2e-3


def test_signal_takes_all_finds_the_two_numbers_that_are_added():
    assert min(correlations("all")) >= 0.98


@pytest.mark.parametrize("product", ["half", "prop"])
def test_relevance_that_gates_share_does_not_find_the_two_numbers_that_are_added(product):
    found = correlations(product)
    assert max(found) < 0.9
    assert all(worse < better for worse, better in zip(found, correlations("all"), strict=True))


def test_signal_takes_all_leaves_next_to_nothing_to_numbers_that_are_not_added():
    x, where = additions(150, 10)
    relevance = explained(Adder(), x, composites.get("lstm_lrp"), 0).relevance.sum(2).abs()
    counted = relevance.gather(1, where).sum(1)
    assert float((relevance.sum(1) - counted).sum() / relevance.sum()) < 0.01
