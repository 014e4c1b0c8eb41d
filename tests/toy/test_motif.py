"""The motif by hand, and the search that finds it in weights and not in weights without it."""

import numpy as np
import pytest

from superposition.toy import motif
from superposition.toy.motif import CIRCUITS, Circuit


def motif_weights(*, inhibition: float = 4.0, n_features: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The paper's example in neurons 0 and 1, for features 0 and 1; other neurons one feature."""
    W, W_out = np.zeros((n_features, 6)), np.zeros((n_features, 6))
    W[:2, 0], W_out[:2, 0] = (2, -0.5), (0.5, 2)
    W[0, 1], W_out[1, 1] = 1, -inhibition
    for neuron in range(2, 6):
        W[neuron, neuron] = W_out[neuron, neuron] = 1
    return W, W_out


def test_the_paper_s_circuit_returns_both_features_alone_up_to_a_quarter() -> None:
    x = np.array([0.8])
    first, second = CIRCUITS[-1].outputs(x, 0 * x)
    assert (first[0], second[0]) == pytest.approx((0.8, 0.0))
    first, second = CIRCUITS[-1].outputs(0 * x, -x)
    assert (first[0], second[0]) == pytest.approx((0.8 / 4, 0.8))
    first, second = CIRCUITS[-1].outputs(-x, 0 * x)
    assert (first[0], second[0]) == pytest.approx((0.8, 0.0))


def test_the_loss_is_that_of_samples() -> None:
    rng, p, n = np.random.default_rng(0), 0.3, 400_000
    x = rng.uniform(-1, 1, size=(2, n)) * (rng.random((2, n)) < p)
    for circuit in CIRCUITS:
        y = np.stack(circuit.outputs(x[0], x[1]))
        assert circuit.loss(p) == pytest.approx(((np.abs(x) - y) ** 2).sum(0).mean(), rel=0.02)


def test_at_low_density_only_lone_features_count_and_the_losses_have_closed_forms() -> None:
    """A side of a lone feature has probability p/2 and mean square 1/3."""
    p = 1e-4
    expected = [2, 1, 16 + 1 / 16, 1 / 16]
    found = [circuit.loss(p) / (p / 6) for circuit in CIRCUITS]
    assert found == pytest.approx(expected, rel=0.02)


def test_more_inhibition_than_needed_does_no_harm_to_lone_features() -> None:
    too_much = Circuit("", 2.0, 40.0)
    assert too_much.loss(1e-4) == pytest.approx(CIRCUITS[-1].loss(1e-4), rel=0.02)


def test_the_motif_is_found_where_it_was_put() -> None:
    (found,) = motif.find(*motif_weights())
    assert (found.neuron, found.inhibitor, found.strong, found.weak) == (0, 1, 0, 1)
    assert (found.asymmetry, found.inhibition) == pytest.approx((4, 1))


def test_rescaling_neurons_does_not_change_what_is_found() -> None:
    W, W_out = motif_weights()
    scale = np.arange(1.0, 7.0)
    (found,) = motif.find(W * scale, W_out / scale)
    assert found.inhibition == pytest.approx(1)


@pytest.mark.parametrize("inhibition", [-4.0, 0.0, 1.9])
def test_without_enough_inhibition_there_is_no_motif(inhibition: float) -> None:
    assert motif.find(*motif_weights(inhibition=inhibition)) == []


def test_inhibition_on_the_wrong_side_and_equal_weights_are_no_motif() -> None:
    W, W_out = motif_weights()
    wrong_side = W.copy()
    wrong_side[0, 1] = -1
    assert motif.find(wrong_side, W_out) == []
    W[:2, 0], W_out[:2, 0] = (1, -1), (1, 1)
    assert motif.find(W, W_out) == []


def test_shuffling_moves_the_inhibition_to_features_where_it_has_no_use() -> None:
    W, W_out = motif_weights(n_features=60)
    counts = motif.shuffled_counts(W, W_out, n_shuffles=50, seed=0)
    assert counts.shape == (50,)
    assert counts.mean() < 0.2


def test_the_frames_have_every_circuit() -> None:
    names = [circuit.name for circuit in CIRCUITS]
    assert motif.losses((0.1, 0.01))["circuit"].tolist() == names * 2
    shown = motif.responses(5)
    assert len(shown) == 4 * 2 * 2 * 5
    wanted = shown.loc[shown["active"] == shown["output"], ["x", "wanted"]].to_numpy()
    assert (wanted[:, 1] == np.abs(wanted[:, 0])).all()
