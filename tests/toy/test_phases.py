"""Closed forms against samples, borders against the losses that define them, labels by hand."""

import numpy as np
import pytest
import torch
from torch import Generator

from superposition.toy import phase_labels, phases
from superposition.toy.phases import THREE_IN_TWO, TWO_IN_ONE, World

WORLDS = pytest.mark.parametrize("world", [TWO_IN_ONE, THREE_IN_TWO], ids=["n2m1", "n3m2"])
BIAS = pytest.mark.parametrize("bias", [True, False])


@WORLDS
@pytest.mark.parametrize(("p", "r"), [(1.0, 1.0), (0.5, 0.3), (0.2, 4.0)])
def test_closed_forms_lie_within_four_standard_errors_of_samples(world: World, p: float, r: float):
    generator = Generator().manual_seed(0)
    frame = phases.monte_carlo(world, p, r, n_samples=200_000, generator=generator)
    assert ((frame.loss - frame.theory).abs() < 4 * frame.standard_error).all()
    assert (frame.standard_error < 0.03 * frame.loss).all()


def test_losses_at_equal_importance_without_sparsity_are_the_handwritten_ones():
    with_bias = phases.losses(TWO_IN_ONE, 1.0, 1.0, bias=True)
    assert with_bias.tolist() == pytest.approx([1 / 12, 1 / 3, 1 / 12])
    assert phases.losses(TWO_IN_ONE, 1.0, 1.0, bias=False).tolist() == pytest.approx([1 / 3] * 3)
    three = phases.losses(THREE_IN_TWO, 1.0, 2.0, bias=True)
    assert three.tolist() == pytest.approx([1 / 6, 1 / 2, 1 / 12, 1 / 3])


@WORLDS
@BIAS
def test_two_phases_have_the_same_loss_on_their_border(world: World, bias: bool):
    low, high = np.geomspace(0.1, 0.9, 5), np.geomspace(1.1, 10, 5)
    below = phases.boundaries(world, low, bias=bias).ignored
    found = np.sort(phases.losses(world, below, low, bias=bias), axis=0)
    np.testing.assert_allclose(found[0], found[1])
    above = phases.boundaries(world, high, bias=bias).dedicated
    found = np.sort(phases.losses(world, above, high, bias=bias), axis=0)
    np.testing.assert_allclose(found[0], found[1])


@WORLDS
@BIAS
def test_all_phases_have_the_same_loss_at_the_triple_point(world: World, bias: bool):
    r, p = phases.triple_point(bias=bias)
    found = phases.losses(world, p, r, bias=bias)
    np.testing.assert_allclose(found, found[0])


def test_the_diagram_has_each_phase_where_the_paper_has_it():
    ps, rs = np.array([1.0, 0.05]), np.array([0.2, 5.0])
    two = phases.phase_diagram(TWO_IN_ONE, ps, rs, bias=True)
    assert two.phase.tolist() == [phases.IGNORED, phases.DEDICATED, phases.SHARED, phases.SHARED]
    three = phases.phase_diagram(THREE_IN_TWO, ps, rs, bias=True)
    assert three.phase.tolist() == [
        phases.IGNORED,
        phases.ANOTHER_DROPPED,
        phases.SHARED,
        phases.OTHERS_SHARE,
    ]
    assert two.loss.tolist() == two[list(TWO_IN_ONE.phases)].min(axis=1).tolist()


@WORLDS
def test_the_drawn_borders_are_where_the_two_lowest_losses_are_equal(world: World):
    rs = np.geomspace(0.1, 10, 21)
    lines = phases.border_lines(world, rs, sparsest=0.01, bias=True)
    p, r = (lines[name].to_numpy() for name in ("feature_probability", "relative_importance"))
    found = np.sort(phases.losses(world, p, r, bias=True), axis=0)
    np.testing.assert_allclose(found[0], found[1])
    assert set(lines.groupby("line").size()) == {2, 11}


@WORLDS
def test_ideal_weights_are_labelled_with_their_own_phase(world: World):
    W = phases.ideal_weights(world).numpy()
    assert phase_labels.labels(world, W).tolist() == list(world.phases)


@WORLDS
def test_turning_or_mirroring_the_hidden_space_leaves_labels_unchanged(world: World):
    W = phases.ideal_weights(world)
    random = torch.randn(world.d_hidden, world.d_hidden, generator=Generator().manual_seed(0))
    turned = (W @ torch.linalg.qr(random).Q).numpy()
    assert phase_labels.labels(world, turned).tolist() == list(world.phases)
    assert phase_labels.labels(world, -turned).tolist() == list(world.phases)


@pytest.mark.parametrize(
    ("W", "label"),
    [
        ([[0.7], [0.7]], "confused"),
        ([[0.1], [0.2]], "other"),
        ([[-1.0], [0.29]], "not represented"),
        ([[-1.0], [0.31]], "superposition"),
    ],
)
def test_labels_of_models_that_are_no_ideal_solution(W: list[list[float]], label: str):
    assert phase_labels.labels(TWO_IN_ONE, np.array([W])).tolist() == [label]


def test_a_triangle_and_a_collapsed_pair_are_told_from_the_four_solutions():
    angles = np.arange(3) * 2 * np.pi / 3
    triangle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    collapsed = np.array([[0.0, 1.0], [0.7, 0.0], [0.7, 0.0]])
    flat = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    found = phase_labels.labels(THREE_IN_TWO, np.stack([triangle, collapsed, flat]))
    assert found.tolist() == ["all three share", "other", "other"]
    assert phase_labels.outcome("all three share") == phases.SHARED
    assert phase_labels.outcome(phases.OTHERS_SHARE) == phases.DEDICATED
