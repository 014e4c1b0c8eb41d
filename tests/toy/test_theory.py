"""Closed forms against Monte Carlo, and the boundaries against the losses that define them."""

import numpy as np
import pytest
import torch
from torch import Generator

from superposition.toy import theory


@pytest.mark.parametrize(("p", "r"), [(1.0, 1.0), (0.5, 0.3), (0.1, 4.0)])
def test_closed_forms_lie_within_four_standard_errors_of_monte_carlo(p, r):
    frame = theory.monte_carlo_losses(p, r, n_samples=400_000, generator=Generator().manual_seed(0))
    assert ((frame.loss - frame.theory).abs() < 4 * frame.standard_error).all()
    assert (frame.standard_error < 0.03 * frame.loss).all()


def test_losses_at_equal_importance_without_sparsity_are_the_handwritten_ones():
    with_bias = theory.phase_losses(1.0, 1.0, bias=True)
    assert [float(loss) for loss in with_bias] == pytest.approx([1 / 12, 1 / 3, 1 / 12])
    without = theory.phase_losses(1.0, 1.0, bias=False)
    assert [float(loss) for loss in without] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("bias", [True, False])
def test_two_phases_have_the_same_loss_on_their_boundary(bias):
    r = np.geomspace(0.1, 10, 7)
    below, above = theory.boundaries(r, bias=bias)
    losses = theory.phase_losses(below, r, bias=bias)
    np.testing.assert_allclose(losses.superposition, losses.not_represented)
    losses = theory.phase_losses(above, r, bias=bias)
    np.testing.assert_allclose(losses.superposition, losses.dedicated)


@pytest.mark.parametrize("bias", [True, False])
def test_all_phases_have_the_same_loss_at_the_triple_point(bias):
    r, p = theory.triple_point(bias=bias)
    losses = [float(loss) for loss in theory.phase_losses(p, r, bias=bias)]
    assert losses == pytest.approx([losses[0]] * 3)
    assert theory.boundaries(r, bias=bias) == pytest.approx((p, p))


def test_phase_diagram_has_each_phase_where_the_paper_has_it():
    frame = theory.phase_diagram(np.array([1.0, 0.05]), np.array([0.2, 5.0]), bias=True)
    assert frame.phase.tolist() == [
        "not represented",
        "dedicated dimension",
        "superposition",
        "superposition",
    ]
    lowest = frame[["not_represented", "superposition", "dedicated"]].min(axis=1)
    assert frame.loss.tolist() == lowest.tolist()


def test_superposition_is_the_phase_exactly_below_both_boundaries():
    ps, rs = np.linspace(0.01, 1, 40), np.geomspace(0.1, 10, 41)
    frame = theory.phase_diagram(ps, rs, bias=True)
    below = theory.boundaries(frame.relative_importance.to_numpy(), bias=True)
    expected = frame.feature_probability < np.minimum(*below)
    assert ((frame.phase == "superposition") == expected).all()


def test_linear_loss_is_the_variance_of_the_least_important_features():
    importance = torch.tensor([0.25, 1.0, 0.5])
    assert theory.linear_loss(importance, 1.0, d_hidden=1) == pytest.approx(0.75 / 12)
    assert theory.linear_loss(importance, 1.0, d_hidden=3) == 0
