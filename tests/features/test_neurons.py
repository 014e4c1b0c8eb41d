"""The neuron basis: hand-written directions, and what must not matter."""

import numpy as np
import pytest
import scipy.stats
import torch

from superposition.core.store import schema
from superposition.features import neurons


def directions(*, d_sae: int = 6, d_in: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.randn(d_sae, d_in, generator=torch.Generator().manual_seed(seed))


def test_top_neurons_of_a_hand_written_direction():
    W_dec = torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, -4.0]])
    frame = neurons.top_neurons(W_dec, [1], n=2)
    assert list(frame.columns) == list(schema()["features/neurons.parquet"])
    assert frame["neuron"].tolist() == [2, 0]
    assert frame["weight"].tolist() == pytest.approx([-0.8, 0.6])
    assert frame["share"].tolist() == pytest.approx([4 / 7, 3 / 7])


def test_shares_over_all_neurons_sum_to_one_and_fall_with_rank():
    frame = neurons.top_neurons(directions(), [4, 1], n=40)
    shares = frame["share"].to_numpy().reshape(2, 40)
    assert shares.sum(axis=1) == pytest.approx([1.0, 1.0], rel=1e-5)
    assert np.all(np.diff(shares) <= 0)
    assert frame["latent"].drop_duplicates().tolist() == [4, 1]


@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_the_length_of_a_decoder_row_does_not_matter(factor: float):
    frame = neurons.top_neurons(directions(), [0, 3], n=5)
    scaled = neurons.top_neurons(factor * directions(), [0, 3], n=5)
    assert scaled["neuron"].tolist() == frame["neuron"].tolist()
    assert scaled["weight"].tolist() == pytest.approx(frame["weight"].tolist(), rel=1e-5)
    assert scaled["share"].tolist() == pytest.approx(frame["share"].tolist(), rel=1e-5)


def test_permuting_neurons_permutes_the_answer_and_leaves_concentration_alone():
    W_dec, order = directions(), torch.randperm(40, generator=torch.Generator().manual_seed(1))
    before = neurons.top_neurons(W_dec, [2], n=6)
    after = neurons.top_neurons(W_dec[:, order], [2], n=6)
    assert order[torch.tensor(after["neuron"].tolist())].tolist() == before["neuron"].tolist()
    expected = neurons.concentration(W_dec)
    for column in expected:
        assert neurons.concentration(W_dec[:, order])[column].tolist() == pytest.approx(
            expected[column].tolist(), rel=1e-4
        )


def test_a_neuron_is_concentrated_on_one_and_equal_coefficients_on_all():
    W_dec = torch.stack([torch.eye(50)[3] * -2, torch.ones(50)])
    frame = neurons.concentration(W_dec)
    assert frame["participation"].tolist() == pytest.approx([1.0, 50.0], rel=1e-5)
    assert frame["top_1"].tolist() == pytest.approx([1.0, 0.02], rel=1e-5)
    assert frame["top_10"].tolist() == pytest.approx([1.0, 0.2], rel=1e-5)
    assert frame["n_large"].tolist() == [1, 50]


def test_kurtosis_is_that_of_scipy():
    W_dec = directions(d_in=200)
    expected = scipy.stats.kurtosis(W_dec.numpy(), axis=1)
    assert neurons.concentration(W_dec)["kurtosis"].tolist() == pytest.approx(expected, rel=1e-4)


def test_a_dead_row_gives_zeros_and_no_error():
    frame = neurons.top_neurons(torch.zeros(1, 5), [0], n=3)
    assert frame["share"].tolist() == [0.0, 0.0, 0.0]


def test_more_neurons_than_there_are_is_refused():
    with pytest.raises(ValueError, match="n_neurons=6 is outside 1 to d_in=5"):
        neurons.top_neurons(torch.ones(1, 5), [0], n=6)
