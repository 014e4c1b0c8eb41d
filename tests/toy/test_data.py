"""The toy distribution, drawn the plain way and the packed way."""

import pytest
import torch
from torch import Generator

from superposition.toy import data

SAMPLES = 100_000


def unpacked(batches: data.Batches) -> torch.Tensor:
    """Feature by sample, the empty samples of each batch last."""
    columns = []
    for index in range(len(batches.starts) - 1):
        x, n_empty = batches.batch(index)
        columns += [x[:-1], x.new_zeros(x.shape[0] - 1, n_empty)]
    return torch.cat(columns, dim=1)


def draw_plain(p: float) -> torch.Tensor:
    generator = Generator().manual_seed(0)
    x = data.sample_features(SAMPLES, torch.tensor([p]), n_features=4, generator=generator)
    return x[:, 0].T


def draw_packed(p: float) -> torch.Tensor:
    uniforms = data.draw_uniforms(SAMPLES, 4, generator=Generator().manual_seed(1))
    return unpacked(data.independent_batches(uniforms, p, batch_size=1000))


@pytest.mark.parametrize("draw", [draw_plain, draw_packed])
@pytest.mark.parametrize("p", [1.0, 0.3, 0.02])
def test_moments_are_those_of_a_uniform_that_is_absent_with_probability_one_minus_p(draw, p):
    x = draw(p).double()
    for values, mean in [((x > 0).double(), p), (x, p / 2), (x**2, p / 3), (x**3, p / 4)]:
        error = values.std() / x.numel() ** 0.5
        assert abs(values.mean() - mean) < 4 * error + 1e-6


@pytest.mark.parametrize("draw", [draw_plain, draw_packed])
def test_features_are_uncorrelated(draw):
    correlation = torch.corrcoef(draw(0.3)) - torch.eye(4)
    assert correlation.abs().max() < 4.5 / SAMPLES**0.5


def test_the_number_of_active_features_of_a_sample_is_binomial():
    p, counts = 0.2, torch.bincount((draw_packed(0.2) > 0).sum(0), minlength=5).double()
    binomial = torch.distributions.Binomial(4, torch.tensor(p, dtype=torch.float64))
    expected = binomial.log_prob(torch.arange(5.0)).exp() * SAMPLES
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 18.5  # 0.999 quantile of 4 degrees of freedom


def test_packing_only_moves_empty_samples_and_counts_them():
    x = torch.tensor([[0.0, 0.5, 0.0, 0.0], [0.0, 0.1, 0.2, 0.0]])
    batches = data.pack(x, batch_size=2)
    assert torch.equal(batches.batch(0).x, torch.tensor([[0.5], [0.1], [1.0]]))
    assert torch.equal(batches.batch(1).x, torch.tensor([[0.0], [0.2], [1.0]]))
    assert [batches.batch(0).n_empty, batches.batch(1).n_empty] == [1, 1]


@pytest.mark.parametrize("p", [1.0, 0.5, 0.3, 0.001])
def test_independent_batches_are_the_packed_dense_samples(p):
    uniforms = data.draw_uniforms(600, 5, generator=Generator().manual_seed(0))
    expected = data.pack((1 - uniforms.u / p).clamp(min=0), batch_size=200)
    batches = data.independent_batches(uniforms, p, batch_size=200)
    active = (batches.x[:-1] > 0).any(0)
    torch.testing.assert_close(batches.x[:, active], expected.x, rtol=0, atol=1e-6 / p)
    for index in range(3):
        (x, n_empty), packed = batches.batch(index), expected.batch(index)
        assert x.shape[1] + n_empty == packed.x.shape[1] + packed.n_empty == 200


def test_empty_samples_are_counted_for_every_batch_and_density():
    uniforms = data.draw_uniforms(40, 3, generator=Generator().manual_seed(0))
    densities = [data.independent_batches(uniforms, p, batch_size=20) for p in (1.0, 0.1)]
    n_empty = data.count_empty(densities)
    assert n_empty.shape == (2, 2)
    assert n_empty[:, 0].tolist() == [0, 0]
    assert n_empty[1, 1] == densities[1].batch(1).n_empty


def test_a_broken_batch_is_refused():
    with pytest.raises(ValueError, match="n_samples=5 is not a multiple of batch_size=2"):
        data.pack(torch.ones(1, 5), batch_size=2)
