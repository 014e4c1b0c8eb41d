"""What neurons hold: hand-made weights with the answer visible, and invariances."""

import numpy as np
import pytest

from superposition.toy import neurons

RNG = np.random.default_rng(0)


def test_a_neuron_with_one_feature_is_aligned_and_one_with_four_equal_ones_is_half_aligned() -> (
    None
):
    W = np.array([[0.0, 1.0], [-2.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    assert neurons.alignment(W).tolist() == [1.0, 0.5]
    assert neurons.alignment(np.zeros((3, 2))).tolist() == [0.0, 0.0]


def test_alignment_does_not_depend_on_the_length_of_weights_nor_on_the_order_of_features() -> None:
    W = RNG.normal(size=(3, 6, 4))
    assert neurons.alignment(7 * W[:, ::-1]) == pytest.approx(neurons.alignment(W))


def test_rotating_the_hidden_layer_destroys_the_alignment_and_keeps_the_products() -> None:
    rotated = neurons.rotated_alignment(np.eye(10, 5), n_rotations=500, seed=0)
    assert rotated.max() < 0.99
    assert 0.6 < rotated.mean() < 0.85
    lone = neurons.rotated_alignment(np.ones((3, 1)), n_rotations=5, seed=0)
    assert lone == pytest.approx(3**-0.5)


def test_monosemantic_neurons_hold_exactly_one_feature_of_either_sign() -> None:
    W = np.array([[0.9, 0.5, 0.1], [0.2, 0.5, -0.1], [0.0, 0.0, -0.8]])
    assert neurons.n_held(W).tolist() == [1, 2, 1]
    assert neurons.n_monosemantic(np.stack([W, 0 * W])).tolist() == [2, 0]


def test_rescaling_keeps_the_function_and_makes_the_largest_weight_one() -> None:
    W, W_out, x = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4)), RNG.normal(size=(9, 6))
    same = neurons.rescaled(W, W_out)
    assert np.abs(same.W).max(axis=0) == pytest.approx(1)
    before, after = (np.maximum(x @ a, 0) @ b.T for a, b in ((W, W_out), same))
    assert after == pytest.approx(before)


def test_a_neuron_without_weights_stays_as_it_is() -> None:
    same = neurons.rescaled(np.zeros((2, 1)), np.ones((2, 1)))
    assert same.W.tolist() == [[0.0], [0.0]]
    assert same.W_out.tolist() == [[1.0], [1.0]]


def test_polysemantic_neurons_have_a_second_weight_above_a_fifth_of_the_largest() -> None:
    W = np.array([[10.0, 10.0, 0.0], [-1.9, -2.1, 0.0], [0.0, 0.0, -3.0]])
    assert neurons.second_largest(W) == pytest.approx([0.19, 0.21, 0.0])
    assert neurons.polysemantic(W).tolist() == [False, True, False]
    assert neurons.main_feature(W).tolist() == [0, 0, 2]


def test_two_neurons_compute_an_absolute_value_and_one_computes_half_of_it() -> None:
    W, W_out = np.zeros((3, 3)), np.zeros((3, 3))
    W[0, :2], W_out[0, :2] = (1, -1), 1
    W[1, 2], W_out[1, 2] = 1, 1
    shown = neurons.variance_explained(
        W, W_out, np.zeros(3), feature_probability=0.01, n_samples=2000, seed=0
    )
    assert shown[0] == pytest.approx(1)
    assert shown[1] == pytest.approx(0.5, abs=0.15)
    assert shown[2] == pytest.approx(0, abs=0.1)


def test_the_mean_explains_nothing_of_the_variance() -> None:
    nothing, b = np.zeros((2, 1)), np.full(2, 0.25)
    shown = neurons.variance_explained(
        nothing, nothing, b, feature_probability=0.5, n_samples=200_000, seed=0
    )
    assert shown == pytest.approx(0, abs=0.01)


def test_a_bias_keeps_neurons_above_zero_and_without_one_they_are_at_zero_for_empty_inputs() -> (
    None
):
    options = {"feature_probability": 0.1, "n_samples": 20_000, "seed": 0}
    W = np.array([[-0.5]])
    assert neurons.share_above_zero(W, np.array([0.6]), **options) == 1
    assert neurons.share_above_zero(W, np.zeros(1), **options) == 0
    assert neurons.share_above_zero(-W, np.zeros(1), **options) == pytest.approx(0.1, abs=0.01)
