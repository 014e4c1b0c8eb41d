"""The tabulated exact loss against samples, closed forms and its symmetries."""

import numpy as np
import pytest
import torch
from torch import Generator

from superposition.toy import landscape, phases
from superposition.toy.models import ToyModel
from superposition.toy.monte_carlo import sampled_loss

FREE = landscape.tabulate(n_weights=14, n_biases=1)
BIASED = landscape.tabulate(n_weights=14, n_biases=121)


def index(parts: landscape.Parts, w1: float, w2: float) -> tuple[int, int]:
    n = len(parts.single)
    first = np.abs(parts.weights[n - 1 :] - w1).argmin()
    return int(first), int(np.abs(parts.weights - w2).argmin())


@pytest.mark.parametrize(("w1", "w2"), [(0.7, 0.9), (1.0, -0.5), (0.3, -1.2), (0.0, 0.6)])
@pytest.mark.parametrize(("p", "r"), [(0.9, 0.4), (0.3, 3.0)])
def test_the_loss_without_bias_agrees_with_samples(w1: float, w2: float, p: float, r: float):
    model = ToyModel(torch.tensor([[[w1], [w2]]]), torch.zeros(1, 2), output="relu")
    generator = Generator().manual_seed(0)
    mean, error = sampled_loss(model, torch.tensor([1.0, r]), p, 200_000, generator)
    exact = landscape.total_loss(landscape.output_loss(FREE, p), r)[index(FREE, w1, w2)]
    assert abs(exact - float(mean)) < 4 * float(error)


@pytest.mark.parametrize("p", [1.0, 0.5, 0.1])
def test_ideal_solutions_have_the_losses_of_the_closed_forms(p: float):
    ideal = [(1.0, 0.0), (1.0, -1.0), (0.0, 1.0)]
    for parts, bias in ((FREE, False), (BIASED, True)):
        total = landscape.total_loss(landscape.output_loss(parts, p), 0.5)
        closed = phases.losses(phases.TWO_IN_ONE, p, 0.5, bias=bias)
        for place, expected in zip(ideal, closed, strict=True):
            found = total[index(parts, *place)]
            assert found <= expected * (1 + 1e-3) + 1e-9
            if not bias:
                assert found == pytest.approx(expected, rel=1e-3)


def test_exchanging_the_features_of_equal_importance_changes_nothing():
    total = landscape.total_loss(landscape.output_loss(BIASED, 0.4), 1.0)
    for w1, w2 in ((0.3, 1.0), (1.2, 0.5)):
        assert total[index(BIASED, w1, w2)] == pytest.approx(total[index(BIASED, w2, w1)])
    assert total[index(BIASED, 0.4, -1.0)] == pytest.approx(total[index(BIASED, 1.0, -0.4)])


def test_without_bias_two_dense_features_are_best_kept_as_their_sum():
    fine = landscape.tabulate(n_weights=105, n_biases=1)
    best = landscape.optimum(
        fine.weights, landscape.total_loss(landscape.output_loss(fine, 1.0), 1.0)
    )
    assert (best.w1, best.w2) == pytest.approx((0.5**0.5, 0.5**0.5), abs=0.01)
    assert best.loss == pytest.approx(1 / 12, rel=1e-3)


def test_the_error_of_the_own_feature_is_the_integral_on_a_fine_grid():
    x = (np.arange(20_000) + 0.5) / 20_000
    for slope, shift in ((0.0, 0.3), (0.0, -0.3), (0.8, -0.2), (1.4, 0.1), (1.0, -2.0)):
        direct = ((x - np.maximum(slope * x + shift, 0)) ** 2).mean()
        found = landscape.own_error(np.array([slope]), np.array([shift]))[0]
        assert found == pytest.approx(direct, abs=1e-8)


def test_the_plane_is_symmetric_under_a_change_of_both_signs():
    plane = landscape.landscape(FREE, 0.5, 2.0, stride=1)
    wide = plane.pivot(index="w1", columns="w2", values="loss").to_numpy()
    np.testing.assert_allclose(wide, wide[::-1, ::-1])
    total = landscape.total_loss(landscape.output_loss(FREE, 0.5), 2.0)
    np.testing.assert_allclose(wide[13:], total)


def test_optima_name_the_lowest_point_of_every_condition():
    found = landscape.optima(FREE, np.array([1.0, 0.1]), np.array([0.2, 1.0]))
    assert len(found) == 4
    sparse = found.iloc[-1]
    assert (sparse["w1"], sparse["w2"]) == pytest.approx((1.0, -1.0), abs=0.1)
