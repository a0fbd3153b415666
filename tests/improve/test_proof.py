"""Proofs: what a network that fell for a tag does before and after a repair, on inputs that no repair has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.improve import Planted, carriers, direction, foremost, project, prove
from lrpwidgets.improve.carrying import Carrier
from lrpwidgets.improve.proof import examine, right
from lrpwidgets.lrp import Cancelled
from lrpwidgets.spray import poison_test
from lrpwidgets.subjects import tagged_digits
from lrpwidgets.subjects.samples import TensorSamples

CLASS = tagged_digits.CLASS


def untagged(inputs):
    inputs = inputs.clone()
    inputs[:, :, 17:, :5] = 0
    return inputs


TAG = Planted(tagged_digits.with_tag, CLASS, "the tag", untagged)


@pytest.fixture(scope="module")
def subject():
    return subjects.load("tagged-digits")


@pytest.fixture(scope="module")
def sides(subject):
    of_class = np.equal(subject.dataset.labels, CLASS)
    return tuple(np.flatnonzero(of_class & (subject.dataset.tagged == each))[::2] for each in (True, False))


@pytest.fixture(scope="module")
def way(subject, sides):
    return direction(subject, "pool2", *sides)


@pytest.fixture(scope="module")
def mended(subject, way):
    return project(subject, way)


@pytest.fixture(scope="module")
def proof(subject, mended, way):
    return prove(subject, mended, TAG, 2, direction=way, samples=200, progress=False)


def test_it_tells_that_the_network_is_mended(proof):
    before, after = proof.before, proof.after
    assert proof.mends
    assert (before.convicted, after.convicted, proof.acquitted) == (2, 0, 2)
    assert before.poisoned.value < 0.7
    assert after.poisoned.value > after.clean.value - 0.03
    assert before.turned.value > 0.3
    assert after.turned.value < 0.01
    assert before.clean.apart(before.poisoned)
    assert after.relevance.value < before.relevance.value / 2
    assert before.pasted > 3
    assert abs(after.pasted) < before.pasted / 4
    assert before.removed.value < -3
    assert abs(after.removed.value) < 1
    assert before.sensitivity.value > 1
    assert after.sensitivity.value == pytest.approx(0, abs=1e-3)
    assert before.tcav > 0.9
    assert "Poisoned accuracy" in proof.sentence("3")
    assert "turned into “3”. The poison test acquits it in 2 of 2 seeds." in proof.sentence("3")
    assert repr(after).startswith("State(clean 9")
    assert repr(after).endswith("convicted 0 of 2)")


def test_the_cost_is_of_the_same_inputs(proof):
    pairs = [(b.clean, a.clean) for b, a in zip(proof.before.seeds, proof.after.seeds, strict=True)]
    assert all(len(b) == len(a) == 200 and np.array_equal(b.numbers, a.numbers) for b, a in pairs)
    assert proof.cost.value == pytest.approx(proof.after.clean.value - proof.before.clean.value)
    assert proof.cost.value > -0.01


def test_an_input_that_several_seeds_ask_counts_once(subject, mended):
    """With as many samples as there are, five seeds ask the same inputs, and know no more than one of them."""
    one, five = (prove(subject, mended, TAG, seeds, samples=2000, progress=False) for seeds in (1, 5))
    unseen = len(subject.dataset) - len(mended.used)
    assert one.after.clean == five.after.clean
    assert one.cost.samples == five.cost.samples == unseen
    few = prove(subject, mended, TAG, 2, samples=300, progress=False)
    asked = [each.clean.numbers for each in few.after.seeds]
    assert few.cost.samples == len(np.union1d(*asked)) < 600
    every = {
        int(i): float(v) for each in few.after.seeds for i, v in zip(each.clean.numbers, each.clean.values, strict=True)
    }
    assert few.after.clean.value == pytest.approx(np.mean(list(every.values())))  # the same model: one answer each


def test_figures_of_the_artefact_are_those_of_the_verdict(proof):
    for each in (*proof.before.seeds, *proof.after.seeds):
        verdict = each.verdict
        assert (each.others.mean, each.poisoned.mean) == (verdict.before, verdict.after)
        assert each.turned.values.sum() == verdict.turned
        assert len(each.others) == len(each.poisoned) == len(each.turned) == verdict.samples


def test_what_a_layer_was_chosen_by_is_not_asked_again(subject, sides):
    found = list(carriers(subject, TAG, *sides, layers=["pool2", "relu3"], samples=150, progress=False))
    chosen = foremost(found)
    assert len(chosen.judged) == len(subject.dataset) // 4
    assert all(each.judged == chosen.judged for each in found)
    after = project(subject, chosen.direction)
    proof = prove(subject, after, TAG, 2, known=chosen.judged, progress=False)
    for each in proof.after.seeds:
        asked = {*each.clean.numbers.tolist(), *each.poisoned.numbers.tolist(), *each.shares.numbers.tolist()}
        assert not asked & (chosen.judged | after.used)


def test_what_inputs_on_both_sides_were_made_of_is_not_asked(subject):
    made = np.arange(40, 80)
    x = subject.dataset.inputs[torch.from_numpy(made)]
    way = direction(subject, "pool2", tagged_digits.with_tag(x), x, seen=made.tolist())
    assert way.used == project(subject, way).used == frozenset(made.tolist())
    asked = prove(subject, project(subject, way), TAG, 1, progress=False).after.seeds[0].clean.numbers
    assert not set(asked.tolist()) & way.used


def test_no_input_that_a_repair_has_seen_is_asked(subject, mended):
    asked = []

    class Watched(TensorSamples):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    data = subject.dataset
    watched = replace(subject, dataset=Watched(data.inputs, data.labels, data.names))
    more = replace(mended.repairs[0], used=frozenset(range(0, len(data), 2)))
    prove(watched, replace(mended, repairs=(more,)), TAG, 1, samples=100, progress=False)
    assert asked
    assert all(index % 2 for index in asked)


def test_seeds_draw_other_inputs_and_the_same_seed_the_same(subject):
    explainer = subject.explainer()
    one, again, other = (examine(explainer, subject, TAG, seed, samples=80) for seed in (1, 1, 2))
    assert one.verdict == again.verdict
    assert np.array_equal(one.shares.values, again.shares.values)
    assert one.verdict != other.verdict


def test_its_verdict_is_that_of_the_poison_test(subject):
    explainer = subject.explainer()
    assert examine(explainer, subject, TAG, 3, samples=100).verdict == poison_test(
        TAG, explainer, subject, samples=100, seed=3, progress=False
    )


def test_relevance_on_the_tag_is_its_share_of_all(subject):
    explainer = subject.explainer()
    found = examine(explainer, subject, TAG, samples=20)
    assert len(found.shares) == 64
    assert ((found.shares.values >= 0) & (found.shares.values <= 1)).all()
    everywhere = replace(TAG, plant=lambda inputs: inputs + 0.1)
    assert examine(explainer, subject, everywhere, samples=20).shares is None  # it has no place
    unknown = replace(TAG, remove=None)
    assert examine(explainer, subject, unknown, samples=20).removed is None
    nothing = replace(TAG, plant=torch.clone)
    assert examine(explainer, subject, nothing, samples=20).shares.values.max() == 0


def test_a_repair_of_each_seed_is_proven_with_it(subject, sides):
    ways = [
        direction(subject, "pool2", *(np.random.default_rng(seed).permutation(side)[:12] for side in sides))
        for seed in range(2)
    ]
    proof = prove(subject, [project(subject, each) for each in ways], TAG, 2, samples=60, progress=False)
    assert proof.mends


def test_a_random_direction_is_no_repair(subject, way):
    proof = prove(subject, project(subject, way.random(0)), TAG, 1, samples=200, progress=False)
    assert not proof.mends
    assert proof.acquitted == 0
    assert abs(proof.after.poisoned.value - proof.before.poisoned.value) < 0.05


def test_what_was_never_convicted_is_not_mended():
    innocent = subjects.load("tagged-digits", tagged=False)
    of_class = np.flatnonzero(np.equal(innocent.dataset.labels, CLASS))
    x = innocent.dataset.inputs[of_class]
    after = project(innocent, direction(innocent, "pool2", tagged_digits.with_tag(x[:40]), x[40:]))
    proof = prove(innocent, after, TAG, 1, progress=False)
    assert not proof.mends
    assert proof.sentence("3").endswith("acquits it in 1 of 1 seed, as it did before.")
    assert proof.cost.value > -0.01


def test_it_tells_its_progress_and_can_be_ended(subject, mended):
    told = []
    prove(subject, mended, TAG, 2, samples=20, progress=lambda progress: told.append((progress.done, progress.total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]

    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        prove(subject, mended, TAG, progress=cancel)


@pytest.mark.parametrize("seeds", [0, -1])
def test_no_seeds_are_refused(subject, mended, seeds):
    with pytest.raises(ValueError, match=f"seeds must be 1 or more, got {seeds}"):
        prove(subject, mended, TAG, seeds)


def test_a_wrong_number_of_repairs_is_refused(subject, mended):
    with pytest.raises(ValueError, match="one for each of the 3 seeds; got 2"):
        prove(subject, [mended, mended], TAG, 3)


def test_nothing_that_no_repair_has_seen_is_an_error_that_says_so(subject, mended):
    everything = replace(mended, repairs=(replace(mended.repairs[0], used=frozenset(range(len(subject.dataset)))),))
    with pytest.raises(
        ValueError, match="The repairs have seen all labelled inputs of other classes; repair with fewer"
    ):
        prove(subject, everything, TAG, 1, progress=False)


def test_data_without_labels_prove_nothing(subject, mended):
    data = subject.dataset
    unlabelled = replace(subject, dataset=TensorSamples(data.inputs[:30], [None] * 30, data.names[:30]))
    with pytest.raises(ValueError, match=r"needs labelled pictures of other classes; .* has no labels"):
        prove(unlabelled, replace(mended, dataset=unlabelled.dataset), TAG, 1, progress=False)


def test_it_says_if_no_input_of_the_class_is_left(subject, mended):
    of_class = np.flatnonzero(np.equal(subject.dataset.labels, CLASS))
    all_of_it = replace(mended, repairs=(replace(mended.repairs[0], used=frozenset(of_class.tolist())),))
    proof = prove(subject, all_of_it, TAG, 1, samples=60, progress=False)
    assert proof.after.removed is None
    assert proof.caveat == (
        "The repairs have seen every input of the artefact's class, so what they cost it is not told; make the "
        "direction from fewer."
    )
    assert prove(subject, mended, TAG, 1, samples=60, progress=False).caveat == ""


# At which layers.


def test_carriers_tell_how_much_projecting_undoes_at_each_layer(subject, sides, way):
    found = list(carriers(subject, TAG, *sides, layers=["relu1", "pool2", "pool3"], samples=150, progress=False))
    assert [each.layer for each in found] == ["relu1", "pool2", "pool3"]
    assert found[1].undone > 0.95
    assert found[1].gain > 0.3
    assert found[1].cost > -0.02
    assert torch.equal(found[1].direction.vector, way.vector)
    assert foremost(found).layer in ("relu1", "pool2", "pool3")
    assert next(carriers(subject, TAG, *sides, samples=20, progress=False)).layer == "relu1"


@pytest.mark.parametrize(
    ("gains", "costs", "chosen"),
    [([0.3, 0.3, 0.1], [0, 0, 0], 1), ([0.3, 0.3, 0.3], [0, 0, -0.1], 1), ([0.4, 0.3, 0.3], [0, 0, 0], 0)],
)
def test_the_foremost_gains_most_for_what_it_costs_and_is_the_deepest_of_those(way, gains, costs, chosen):
    found = [Carrier(way, 1.0, gain, cost) for gain, cost in zip(gains, costs, strict=True)]
    assert foremost(found) is found[chosen]


def test_of_no_carriers_none_is_foremost():
    with pytest.raises(ValueError, match="There are no layers to choose from"):
        foremost([])


def test_right_tells_which_inputs_are_read_right(subject):
    numbers = np.arange(100, 200)
    found = right(subject.explainer(), subject, numbers)
    scores = subject.explainer().scores(subject.dataset.inputs[100:200])
    assert found.tolist() == (scores.argmax(1).numpy() == np.array(subject.dataset.labels)[100:200]).tolist()
