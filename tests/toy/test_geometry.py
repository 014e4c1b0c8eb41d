"""Measures of how features share dimensions: closed forms, bounds, invariances, labels."""

import math

import pytest
import torch
from torch import Generator

from superposition.toy import geometry
from superposition.toy.theory import polytopes

MEASURES = [
    geometry.norms,
    geometry.dimensionality,
    geometry.superposition,
    geometry.interference,
    geometry.n_represented,
    geometry.dimensions_per_feature,
]


def random_weights(*shape, seed=0):
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def in_plane(*degrees):
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


@pytest.mark.parametrize("name", polytopes())
def test_dimensionality_of_ideal_polytopes_is_the_papers_fraction(name):
    vertices, expected = polytopes()[name]
    assert geometry.norms(vertices).tolist() == pytest.approx([1.0] * len(vertices), abs=1e-12)
    D = geometry.dimensionality(vertices)
    assert D.tolist() == pytest.approx([expected] * len(vertices), abs=1e-12)


def test_a_bipyramid_splits_into_the_dimensionalities_of_its_factors():
    W = torch.block_diag(in_plane(0, 120, 240), torch.tensor([[1.0], [-1.0]]).double())
    assert geometry.dimensionality(W).tolist() == pytest.approx([2 / 3] * 3 + [1 / 2] * 2)


def test_measures_equal_their_definitions_written_as_loops():
    W = random_weights(1, 5, 3)[0]
    D, s = geometry.dimensionality(W), geometry.superposition(W)
    for i in range(5):
        unit = W[i] / W[i].norm()
        overlaps = [float(unit @ W[j]) ** 2 for j in range(5)]
        assert D[i].item() == pytest.approx(W[i].square().sum().item() / sum(overlaps))
        assert s[i].item() == pytest.approx(sum(overlaps) - overlaps[i])


@pytest.mark.parametrize(("features", "d_hidden"), [(5, 2), (8, 5), (30, 7), (3, 6)])
def test_dimensionalities_never_sum_to_more_than_the_hidden_dimensions(features, d_hidden):
    W = random_weights(1000, features, d_hidden) * random_weights(1000, features, 1, seed=1)
    D = geometry.dimensionality(W)
    assert D.sum(-1).max() <= min(features, d_hidden) + 1e-9
    assert D.min() >= 0
    assert D.max() <= 1 + 1e-9


@pytest.mark.parametrize("measure", MEASURES)
def test_rotating_the_hidden_space_changes_no_measure(measure):
    W = random_weights(3, 6, 4)
    rotation, _ = torch.linalg.qr(random_weights(4, 4, seed=1))
    torch.testing.assert_close(measure(W @ rotation), measure(W))


@pytest.mark.parametrize("measure", MEASURES)
def test_instances_are_measured_independently(measure):
    W = random_weights(3, 6, 4)
    torch.testing.assert_close(measure(W)[1], measure(W[1]))


def test_dimensionality_does_not_depend_on_the_scale_of_the_weights():
    W = random_weights(6, 4)
    torch.testing.assert_close(geometry.dimensionality(10 * W), geometry.dimensionality(W))


def test_a_feature_without_weight_has_no_dimension_and_disturbs_no_other():
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert geometry.dimensionality(W).tolist() == [1, 1, 0]
    assert geometry.superposition(W).tolist() == [0, 0, 0]
    assert geometry.n_represented(W) == 2
    assert geometry.dimensions_per_feature(W) == 1


def test_interference_is_the_gram_matrix_off_its_diagonal():
    W = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    assert geometry.interference(W).tolist() == [[0, 1], [1, 0]]


def test_angle_gaps_go_round_the_circle_in_order_and_leave_out_short_features():
    W = torch.cat([in_plane(200, 10, 100), 0.1 * in_plane(50)])
    assert geometry.angle_gaps(W).tolist() == pytest.approx([170, 90, 100])


LABELLED = [
    ("orthogonal pair", (0, 90)),
    ("orthogonal pair", (350, 260)),
    ("digons", (0, 180)),
    ("digons", (0, 90, 180, 270)),
    ("digon and one", (0, 90, 180)),
    ("triangle", (0, 120, 240)),
    ("pentagon", (0, 72, 144, 216, 288)),
    ("other", (0, 60, 180, 240)),
    ("other", (0, 60, 120, 180, 240, 300)),
    ("other", (0, 45)),
    ("other", (0,)),
]


@pytest.mark.parametrize(("label", "degrees"), LABELLED)
def test_arrangements_have_their_name_however_they_are_turned(label, degrees):
    turns = [in_plane(*(degree + turn for degree in degrees)) for turn in (0, 17, 123)]
    assert geometry.arrangement(torch.stack(turns)) == [label] * 3


def test_arrangement_needs_every_angle_within_the_tolerance():
    bent = in_plane(0, 72 + 6, 144, 216, 288)[None]
    assert geometry.arrangement(bent, tolerance=7.0) == ["pentagon"]
    assert geometry.arrangement(bent, tolerance=5.0) == ["other"]


def test_features_below_the_threshold_take_no_part_in_the_arrangement():
    W = torch.cat([in_plane(0, 90), 0.3 * in_plane(40)])[None]
    assert geometry.arrangement(W) == ["orthogonal pair"]


def test_no_features_have_no_arrangement():
    assert geometry.arrangement(torch.zeros(1, 3, 2)) == ["other"]
    assert math.isinf(geometry.dimensions_per_feature(torch.zeros(3, 2)))
