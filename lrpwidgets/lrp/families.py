"""The families of the operation table: how relevance passes one kind of torch function.

Which function belongs to which is said in :mod:`.operations`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import affine, pieces
from .call import Call, Slot, key, spelled, substitute
from .inplace import overlaid
from .ledger import Handover
from .linear import Averaging, Elementwise, Folded, LinearStep, owners
from .products import Product
from .rules import Epsilon, LinearRule, ProductRule, Rule
from .samples import Samples, agreed, broadcast, check_apart, combined, merged, moved, reduced, weighed
from .weighted import Dense, EffectiveWeights

Relevances = tuple[Tensor | None, ...]


_INDEXING = {
    *("__getitem__", "gather", "index_select", "take", "take_along_dim", "masked_select", "masked_fill", "where"),
    *("scatter", "scatter_add", "scatter_reduce", "index_add", "index_put", "index_copy", "index_fill", "set_item"),
    *("__setitem__", "embedding"),
}


def takes_indices(name: str) -> bool:
    """Whether whole numbers among the arguments of the function only say which elements of others are meant."""
    return name in _INDEXING or name.removesuffix("_") in _INDEXING


def never(call: Call) -> bool:
    """The output may be negative."""
    return False


def kept(call: Call) -> bool:
    """The output has no negative element if the inputs have none."""
    return call.nonnegative


def always(call: Call) -> bool:
    """The output has no negative element."""
    return True


def gated(call: Call) -> bool:
    """The output is a gate if all inputs are."""
    return all(call.gates)


def of_one(call: Call) -> bool:
    """One of the arguments depends on the input, and no other."""
    return len(call.inputs) == 1


@dataclass(frozen=True)
class Operation:
    """How relevance passes one family of torch functions.

    Subclass it for a family of your own: :meth:`propagate` gets the call with its tensors and the relevance
    of each of its outputs, and hands over relevance for each of ``call.inputs``.
    """

    nonnegative: Callable[[Call], bool] = never
    """What is known of the output's sign; rules are cheaper on inputs that are never negative."""
    accepts: Callable[[Call], bool] = always
    """Whether this entry covers a call with these arguments."""
    gate: Callable[[Call], bool] = never
    """Whether the output is a gate: a factor that only scales the signal that it is multiplied with."""
    magnitude: Callable[[Call], bool] = never
    """Whether the output tells sizes, as an absolute value or a square does."""
    kind: str = "routing"
    """What a composite's selectors call the family."""
    weighted: bool = False
    """Whether it is a layer with weights, an output channel of which has a row of numbers of its own."""
    reorders: bool = False
    """Whether elements only change place or container: what scales them afterwards might as well do so before."""
    along: Callable[..., dict[str, Any]] | None = None
    """Reads the axis `dim` that the function works along, which must not be the batch's, from the arguments."""

    def owners(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        """As :meth:`samples`, checked; one for every output, or one for all."""
        if self.along:
            axis: int = call.bind(self.along)["dim"]
            for each in given:
                check_apart(each, axis)
        return self.samples(call, given)

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        """Which samples own the elements of each output, `given` those of the inputs.

        By default the axes of inputs and output are the same, counted from the right. What becomes of them in a
        function that nothing is known of is told by its derivative.
        """
        if type(self) is Operation and given[0].owner is not None:
            return [_followed(call, given, place) for place in range(len(call.outputs))]
        return [broadcast(given, y.shape) if y is not None else given[0] for y in call.outputs]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        """Hand the `relevance` of the call's outputs over to its inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not say how relevance passes")


@dataclass(frozen=True)
class Linear(Operation):
    """A linear step, handled by the rule that the composite gives it; `build` reads the call's arguments."""

    build: Callable[[Call, EffectiveWeights], LinearStep] = field(kw_only=True)
    sums: bool = False
    """Whether it sums over axes, so that its output may have fewer of them."""
    foldable: bool = True
    """Whether constant scales and shifts that follow may become part of it."""
    takes_folds: bool = False
    """Whether `build` reads the constant scales and shifts that follow the call."""
    gathers: bool = False
    """Whether it sums elements from any place, so that the output may have other axes."""

    def step(self, call: Call, cache: EffectiveWeights) -> LinearStep:
        """The call as a linear step; the same one for every target."""
        if "step" not in call.memory:
            # A step may keep its call: one that does not keep the step in turn, so that both go at once.
            call.memory["step"] = self._built(replace(call, memory={}), cache)
        step: LinearStep = call.memory["step"]
        return step

    def _built(self, call: Call, cache: EffectiveWeights) -> LinearStep:
        if not call.folded or self.takes_folds or (self.weighted and call.channelwise):
            return self.build(call, cache)
        total = affine.chain(call.folded)
        return Folded(call, self.build(replace(call, folded=()), cache), total.scale, total.shift, owners(call.folded))

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if self.sums:
            return _summed_samples(call, given)
        if self.gathers:
            return _gathered_samples(call, given)
        return super().samples(call, [merged(given[0], -1)] if self.build is Dense else given)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert isinstance(rule, LinearRule)
        assert relevance[0] is not None
        return rule.propagate(self.step(call, cache), relevance[0])


@dataclass(frozen=True)
class Products(Operation):
    """A product of two factors that both depend on the input, handled by a :class:`~.rules.ProductRule`."""

    nonnegative: Callable[[Call], bool] = kept
    gate: Callable[[Call], bool] = gated
    kind: str = "product"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        return super().samples(call, given) if self.kind == "product" else _summed_samples(call, given)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert isinstance(rule, ProductRule)
        assert relevance[0] is not None
        return rule.propagate(Product(call, elementwise=self.kind == "product"), relevance[0])


@dataclass(frozen=True)
class Quotients(Products):
    """A division by what depends on the input, such as a norm: the denominator is a gate."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        return super().propagate(replace(call, gates=(False, True)), relevance, rule, cache)


@dataclass(frozen=True)
class DynamicLayer(Products):
    """A convolution or dense layer whose weights depend on the input: a product that sums, and a bias."""

    nonnegative: Callable[[Call], bool] = never
    gate: Callable[[Call], bool] = never
    kind: str = "matmul"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        product = self._product(call)
        ones = tuple(map(torch.ones_like, product.inputs))

        def of(place: int) -> Samples:
            factors = [*ones[:place], None, *ones[place + 1 :]]
            shape = product.inputs[place].shape
            return weighed(
                [given[place]], [shape], lambda x: product.replay(*(x if f is None else f.to(x) for f in factors))
            )

        return [agreed([of(0), of(1)])]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, product = relevance[0], self._product(call)
        assert received is not None
        bias = call.bind(dynamic_layer_arguments)["bias"]
        if bias is None:
            return super().propagate(product, relevance, rule, cache)
        aligned = bias.reshape(-1, *[1] * (call.output.dim() - 2)) if key(call.function) != "linear" else bias
        added = replace(product, inputs=(product.output,), outputs=call.outputs)
        epsilon = getattr(rule, "epsilon", Epsilon.epsilon)
        shared = Epsilon(epsilon).propagate(Elementwise(added, [1.0], aligned), received)
        handed = super().propagate(product, shared.inputs, rule, cache)
        return replace(handed, bias=shared.bias, stabilizer=handed.stabilizer + shared.stabilizer)

    @staticmethod
    def _product(call: Call) -> Call:
        """The call without its bias."""
        arguments = call.bind(dynamic_layer_arguments, slots=True)
        if arguments["bias"] is None:
            return call
        factors = arguments["input"], arguments["weight"]
        bare = replace(call, args=(*factors, None, *arguments["rest"]), kwargs=arguments["named"])
        return replace(bare, outputs=bare.replay(*call.inputs))


@dataclass(frozen=True)
class Activation(Operation):
    """One value in, one value out: its relevance passes on unchanged."""

    accepts: Callable[[Call], bool] = of_one
    kind: str = "activation"
    clamps: bool = False
    """Whether it only cuts off values that are too large or too small, or does nothing at all."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        (x,) = call.inputs
        return Handover((relevance[0].sum_to_size(x.shape),))


@dataclass(frozen=True)
class SelfGated(Operation):
    """An activation written as a product, x ⊙ g(x): its relevance passes on unchanged to the factor that is x."""

    kind: str = "activation"
    slot: int = 0
    """Which factor that is."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        return Handover(tuple(relevance[0] if slot == self.slot else None for slot in (0, 1)))


@dataclass(frozen=True)
class Softmax(Operation):
    """The Taylor rule of AttnLRP, R_i = x_i (R_i − s_i Σ_j R_j) (Achtibat et al. 2024, eq. 13).

    The expansion's constant, Σ_j R_j (1 − x_j + Σ_i s_i x_i), is absorbed as by a bias. Masked inputs (−∞) get 0.
    """

    nonnegative: Callable[[Call], bool] = always
    gate: Callable[[Call], bool] = always
    kind: str = "softmax"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, s, (x,) = relevance[0], call.output, call.inputs
        assert received is not None
        axis: int = call.bind(lambda input, dim=-1, *_, **__: {"dim": dim})["dim"]
        if x.numel() and not bool(x.amin().isfinite()):
            x = x.masked_fill(x.isinf(), 0.0)
        if axis in (-1, x.dim() - 1) and pieces.pay(call.samples, received, s, x):
            handed, total, share = pieces.softmax(received, s, x)
            absorbed = call.samples.total(share)
            if bool(absorbed.isfinite().all()):
                return Handover((handed,), bias=call.samples.total(total) - absorbed)
        total = received.sum(axis, keepdim=True)
        centred = x - (s * x).sum(axis, keepdim=True)  # first: all of x may be large
        (absorbed,) = call.samples.sum(received.contiguous(), centred)
        if not bool(absorbed.isfinite().all()):  # of scores near the lowest number, all hidden, nothing comes
            (absorbed,) = call.samples.sum(received.contiguous(), centred.masked_fill_(received == 0, 0.0))
        handed = torch.addcmul(received, s, total, value=-1).mul_(x)
        return Handover((handed,), bias=call.samples.total(total) - absorbed)


@dataclass(frozen=True)
class Embedding(Operation):
    """A row of a table for every index: the index gets the relevance of its whole row."""

    kind: str = "embedding"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        owner = given[0].owner
        return [
            given[0]
            if owner is None
            else Samples(given[0].count, owner[(..., *[None] * (call.output.dim() - owner.dim()))])
        ]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        (x,) = call.inputs
        return Handover((relevance[0].reshape(*x.shape, -1).sum(-1),))


@dataclass(frozen=True)
class FirstState(Operation):
    """The first state of a recurrent layer: relevance goes to the state, or is absorbed where that is constant."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        sequence, state = call.args
        handed = tuple(relevance[0] if slot is state else None for slot in (sequence, state) if isinstance(slot, Slot))
        return Handover(handed, bias=0.0 if isinstance(state, Slot) else call.samples.total(relevance[0]))


@dataclass(frozen=True)
class Routing(Operation):
    """Values change place, or only some are taken: relevance goes back to where they came from."""

    nonnegative: Callable[[Call], bool] = kept
    gate: Callable[[Call], bool] = gated
    mixes_constants: Callable[[Call], bool] = never
    """Whether some outputs are constants, such as padding; these absorb their relevance as a bias would."""
    keeps_axes: bool = False
    """Whether the batch stays in its axis, counted from the right; else its way is found by moving numbers."""
    axes: Callable[..., dict[str, Any]] | None = None
    """Reads the axes that it reduces, `dim` and `keepdim`, where numbers move in another way than values."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if call.function is overlaid:
            return [given[0]]
        if self.axes:
            arguments = call.bind(self.axes)
            return [reduced(given[0], call.inputs[0].shape, arguments["dim"], keepdim=arguments["keepdim"])]
        if self.keeps_axes or given[0].owner is None:
            return super().samples(call, given)
        return moved(given, [x.shape for x in call.inputs], _without_constants(call).replay)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        handed = call.pull(relevance)
        if not self.mixes_constants(call):
            return Handover(handed)
        received = relevance[0]
        assert received is not None
        ones, zeros = (call.replay(*map(like, call.inputs))[0] for like in (torch.ones_like, torch.zeros_like))
        constant = (ones == zeros).to(received.dtype)
        return Handover(handed, bias=call.samples.sum(received.contiguous(), constant.contiguous())[0])


@dataclass(frozen=True)
class Strided(Routing):
    """``as_strided``, which looks at the memory that a tensor lies in."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        (x,) = call.inputs
        arguments = call.bind(lambda input, size, stride, storage_offset=None: locals())
        offset = arguments["storage_offset"]
        within = 0 if offset is None else offset - x.storage_offset()

        def run(numbers: Tensor) -> tuple[Tensor]:
            laid = torch.empty_strided(x.shape, x.stride(), dtype=numbers.dtype, device=x.device).copy_(numbers)
            return (laid.as_strided(arguments["size"], arguments["stride"], within),)

        return [given[0]] if given[0].owner is None else moved(given, [x.shape], run)


@dataclass(frozen=True)
class Extremum(Operation):
    """The larger or smaller of values and constants: what a constant wins, it absorbs as a bias."""

    gathers: bool = False
    """Whether it compares elements from any place, as ``scatter_reduce`` does."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if not self.gathers:
            return super().samples(call, given)
        arguments = call.bind(scatter_reduce_arguments, slots=True)
        first, others = arguments.pop("input"), {**arguments, "reduce": "sum"}
        return _gathered_samples(replace(call, args=(first,), kwargs=others), given)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received = relevance[0]
        assert received is not None
        (won,) = _jacobian_times(call, tuple(map(torch.ones_like, call.inputs)))
        assert won is not None
        lost = (1 - won).to(received.dtype).contiguous()
        return Handover(call.pull(relevance), bias=call.samples.sum(received.contiguous(), lost)[0])


@dataclass(frozen=True)
class Factors(Operation):
    """A product of all elements along an axis: an equal part to each factor."""

    nonnegative: Callable[[Call], bool] = kept
    gate: Callable[[Call], bool] = gated
    kind: str = "factors"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        arguments = call.bind(axis_or_all)
        return [reduced(given[0], call.inputs[0].shape, arguments["dim"], keepdim=arguments["keepdim"])]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, (x,) = relevance[0], call.inputs
        assert received is not None
        arguments = call.bind(axis_or_all)
        axis = arguments["dim"]
        if axis is not None and not arguments["keepdim"]:
            received = received.unsqueeze(axis)
        number = x.numel() if axis is None else x.shape[axis]
        return Handover(((received / number).expand(x.shape),))


@dataclass(frozen=True)
class MaxPool(Operation):
    """The winner takes all; given a rule, it counts as average pooling (as in Montavon et al. 2019)."""

    nonnegative: Callable[[Call], bool] = kept
    kind: str = "maxpool"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        (received, *_), (x,), places = relevance, call.inputs, call.places
        assert received is not None
        if rule is None:
            if places is None:
                return Handover(call.pull(relevance))
            # A place counts the elements of the last axes, 1 to 3 of them.
            plane = int(key(call.function).partition("pool")[2][0])
            handed = received.new_zeros(x.shape).flatten(-plane)
            handed.scatter_add_(-1, places.flatten(-plane), received.flatten(-plane))
            return Handover((handed.view(x.shape),))
        assert isinstance(rule, LinearRule)
        return rule.propagate(_average_instead(call), received)


@dataclass(frozen=True)
class Gradient(Operation):
    """For a function that has no entry: its linear expansion at the actual input, under the ε-rule.

    With z ≈ J x + c and s = R / (z + ε·sign z), inputs get x ⊙ Jᵀs, and c·s is absorbed as by a bias.
    """

    kind: str = "unknown"
    axes: Callable[..., dict[str, Any]] | None = None
    """Reads the axes that it reduces, `dim` and `keepdim`, from the arguments."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if self.axes is None:
            return super().samples(call, given)
        arguments = call.bind(self.axes)
        return [reduced(given[0], call.inputs[0].shape, arguments["dim"], keepdim=arguments["keepdim"])]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        shares: list[Tensor | None] = []
        bias: Tensor | float = 0.0
        stabilizer: Tensor | float = 0.0
        try:
            expansions = _jacobian_times(call, call.inputs)
        except RuntimeError as error:
            raise ValueError(
                f"`{key(call.function)}` has no derivative, so gradient × input cannot stand for it; say how relevance "
                f"passes it: lrp.operations.register({spelled(call.function)}, lrp.operations.Activation())"
            ) from error
        for z, expanded, received in zip(call.outputs, expansions, relevance, strict=True):
            if z is None or expanded is None or received is None:
                shares.append(None)
                continue
            offset = torch.copysign(z.new_tensor(Epsilon.epsilon), z)
            share = received / (z + offset)
            shares.append(share)
            bias = bias + call.samples.total(share * (z - expanded))
            stabilizer = stabilizer + call.samples.total(share * offset)
        handed = tuple(x * c for x, c in zip(call.inputs, call.pull(shares), strict=True))
        return Handover(handed, bias, stabilizer)


def _jacobian_times(call: Call, tangents: tuple[Tensor, ...]) -> list[Tensor | None]:
    """J t for every output that may carry relevance."""

    def outputs(*inputs: Tensor) -> tuple[Tensor, ...]:
        made = call.replay(*inputs)
        return tuple(y for y, z in zip(made, call.outputs, strict=True) if z is not None)

    with torch.enable_grad():
        jvp: Callable[..., Any] = torch.autograd.functional.jvp
        products = iter(jvp(outputs, call.inputs, tangents)[1])
    return [None if z is None else next(products) for z in call.outputs]


def _followed(call: Call, given: Sequence[Samples], place: int) -> Samples:
    """The owners in one of the results of a function that nothing but its derivative is known of."""
    made = call.outputs[place]
    if made is None:
        return given[0]

    def run(*tangents: Tensor) -> list[Tensor | None]:
        directions = tuple(t.to(x.dtype) for t, x in zip(tangents, call.inputs, strict=True))
        return [_jacobian_times(call, directions)[place]]

    try:
        return weighed(given, [x.shape for x in call.inputs], run)
    except (RuntimeError, TypeError):  # it has no derivative
        return broadcast(given, made.shape)


def _without_constants(call: Call) -> Call:
    """`call` with zeros for constants: those that may come out as values, not its indices and sizes."""
    args, kwargs = call.args, call.kwargs
    place = _PUT_AT.get(key(call.function))
    if place is not None and place < len(args) and not isinstance(args[place], Slot | Tensor):
        args = (*args[:place], 0, *args[place + 1 :])
    if "value" in kwargs and not isinstance(kwargs["value"], Slot | Tensor):
        kwargs = {**kwargs, "value": 0}

    whole = not any(x.is_floating_point() for x in call.inputs) and not takes_indices(key(call.function))

    def blank(item: Any) -> Any:
        value = isinstance(item, Tensor) and (item.is_floating_point() or (whole and item.dtype != torch.bool))
        return item.new_zeros(item.shape, dtype=torch.uint8) if value else item

    return replace(call, args=substitute(args, blank), kwargs=substitute(kwargs, blank))


_PUT_AT = {"set_item": 2, "index_fill": 3, "scatter": 3}
"""Where functions take a value that may be a mere number."""


def _summed_samples(call: Call, given: Sequence[Samples]) -> list[Samples]:
    """Owners in the result of a sum over axes, or of a product that sums."""

    def run(*owners: Tensor) -> Tensor:
        def alone(item: Any) -> Any:
            """A constant factor's axes matter, not its size."""
            return item.new_ones([1] * item.dim(), dtype=torch.float64) if isinstance(item, Tensor) else item

        args, kwargs = substitute((call.args, call.kwargs), alone)
        # Axes of size 1 broadcast in `matmul`, but not in its kin.
        function = torch.matmul if key(call.function) in ("bmm", "mm", "mv", "spmm") else call.function
        return replace(call, function=function, args=args, kwargs=kwargs).replay(*owners)[0]

    return [combined(given, run)]


def _gathered_samples(call: Call, given: Sequence[Samples]) -> list[Samples]:
    """Owners where elements from any place are summed."""
    constants = call.replay(*map(torch.zeros_like, call.inputs))[0]

    def run(*numbers: Tensor) -> tuple[Tensor]:
        return (call.replay(*(n.to(x.dtype) for n, x in zip(numbers, call.inputs, strict=True)))[0] - constants,)

    return [weighed(given, [x.shape for x in call.inputs], run)]


def dynamic_layer_arguments(input: Any, weight: Any, bias: Any = None, *rest: Any, **named: Any) -> dict[str, Any]:
    """The two factors and the bias of a convolution or dense layer, and what follows them."""
    return locals()


def scatter_reduce_arguments(
    input: Any, dim: int, index: Tensor, src: Any, reduce: str, *, include_self: bool = True
) -> dict[str, Any]:
    """The arguments of ``scatter_reduce`` by name."""
    return locals()


def axis_or_all(input: Tensor, dim: int | None = None, keepdim: bool = False, **_: Any) -> dict[str, Any]:
    """The axis of ``prod`` or ``median``, all if there is none."""
    return {"dim": dim, "keepdim": keepdim}


def _average_instead(call: Call) -> Averaging:
    """Average pooling over the windows of a max pooling."""
    name = key(call.function).removesuffix("_with_indices")
    if name.startswith("adaptive"):
        settings = call.bind(lambda input, output_size, return_indices=False: {"output_size": output_size})
    else:
        settings = call.bind(_max_pool_arguments)
        dilation = settings.pop("dilation")
        if ({dilation} if isinstance(dilation, int) else set(dilation)) != {1}:
            raise ValueError("a dilated max pooling has no average pooling to stand for it; give it no rule")
    average = partial(getattr(F, name.replace("max", "avg")), **settings)
    return Averaging(replace(call, outputs=(average(*call.inputs),)), average)


def _max_pool_arguments(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> dict[str, Any]:
    settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return settings | {"dilation": dilation, "ceil_mode": ceil_mode, "count_include_pad": False}
