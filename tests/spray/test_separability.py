"""τ, Fisher's discriminant of a cluster."""

import itertools

import numpy as np
import pytest

from lrpwidgets.spray.separability import RIDGE, separability


def two_groups(distance=2.0, samples=300, dimensions=5, seed=0):
    random = np.random.default_rng(seed)
    inside = np.arange(samples) < samples // 3
    space = random.normal(size=(samples, dimensions)) @ random.normal(size=(dimensions, dimensions))
    space[inside, 0] += distance
    return space, inside


def direct(space, inside, ridge=RIDGE):
    """Variance between over variance within of projections on the best direction."""
    one, other = space[inside], space[~inside]
    share = inside.mean()
    within = share * np.cov(one.T, bias=True) + (1 - share) * np.cov(other.T, bias=True)
    difference = one.mean(0) - other.mean(0)
    between = share * (1 - share) * np.outer(difference, difference)
    within += ridge * np.trace(within + between) / len(within) * np.eye(len(within))
    w = np.linalg.solve(within, difference)
    return (w @ between @ w) / (w @ within @ w)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_quotient_along_the_best_direction(seed):
    space, inside = two_groups(seed=seed)
    assert separability(space, inside) == pytest.approx(direct(space, inside), rel=1e-9)


def test_no_other_direction_has_a_larger_quotient():
    space, inside = two_groups()
    best = separability(space, inside)
    for w in np.random.default_rng(1).normal(size=(50, space.shape[1])):
        along = space @ w
        within = inside.mean() * along[inside].var() + (1 - inside.mean()) * along[~inside].var()
        assert (along.var() - within) / within <= best * 1.2  # the ridge takes a little from the best


def test_turning_scaling_and_moving_the_embedding_change_nothing():
    space, inside = two_groups()
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))[0]
    assert separability(7 * space @ turn + 3, inside) == pytest.approx(separability(space, inside), rel=1e-9)


def test_any_affine_map_changes_little():
    space, inside = two_groups()
    sheared = space @ (np.eye(5) + np.triu(np.full((5, 5), 0.3), 1)) - 2
    assert separability(sheared, inside) == pytest.approx(separability(space, inside), rel=0.15)


def test_a_cluster_is_as_separable_as_the_rest_is_from_it():
    space, inside = two_groups()
    assert separability(space, inside) == pytest.approx(separability(space, ~inside), rel=1e-12)


def test_equal_means_are_not_separable():
    space = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert separability(space, np.array([True, True, False, False])) == 0


@pytest.mark.parametrize("inside", [np.zeros(9, bool), np.ones(9, bool)], ids=["nobody", "everybody"])
def test_without_another_side_it_is_zero(inside):
    assert separability(np.random.default_rng(0).normal(size=(9, 3)), inside) == 0


def test_perfect_separation_is_finite():
    inside = np.arange(10) < 4
    tau = separability(np.where(inside[:, None], [1.0, 0, 0], [0.0, 1, 0]), inside)
    assert 100 < tau < 1e4


def test_points_that_all_coincide_are_not_separable():
    assert separability(np.ones((10, 3)), np.arange(10) < 4) == 0


def test_it_grows_with_the_distance():
    taus = [separability(*two_groups(distance)) for distance in (0, 1, 2, 4, 8)]
    assert all(near < far for near, far in itertools.pairwise(taus))
