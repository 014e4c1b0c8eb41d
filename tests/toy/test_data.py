"""The toy distribution, drawn the plain way and the packed way."""

from dataclasses import replace

import pytest
import torch
from torch import Generator

from superposition.toy import data
from superposition.toy.config import ToyConfig

SAMPLES = 100_000


WORLD = ToyConfig(
    n_features=4,
    d_hidden=2,
    output="relu",
    importance_base=1.0,
    feature_probabilities=(0.3,),
    n_seeds=1,
    seed=0,
    n_steps=1,
    batch_size=1000,
)


def unpacked(batches: data.Batches) -> torch.Tensor:
    """Feature by sample, the empty samples of each batch last."""
    columns = []
    for index in range(len(batches.starts) - 1):
        x, n_empty = batches.batch(index)
        assert not x[:-1, -1].any()
        columns += [x[:-1, :-1], x.new_zeros(x.shape[0] - 1, n_empty)]
    return torch.cat(columns, dim=1)


def draw_plain(p: float) -> torch.Tensor:
    generator = Generator().manual_seed(0)
    x = data.sample_features(SAMPLES, torch.tensor([p]), n_features=4, generator=generator)
    return x[:, 0].T


def draw_packed(p: float, **changes) -> torch.Tensor:
    config = replace(WORLD, feature_probabilities=(p,), **changes)
    uniforms = data.draw_uniforms(config, 100, generator=Generator().manual_seed(1))
    return unpacked(data.make_batches(uniforms, config, config.sources()[0]))


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


@pytest.mark.parametrize("p", [1.0, 0.5, 0.3, 0.001])
def test_samples_are_those_of_the_uniform_numbers_with_the_empty_ones_only_counted(p):
    config = replace(WORLD, feature_probabilities=(p,), batch_size=200)
    uniforms = data.draw_uniforms(config, 3, generator=Generator().manual_seed(0))
    batches = data.make_batches(uniforms, config, config.sources()[0])
    for index, u in enumerate(uniforms.u.split(201, dim=1)):
        dense = (1 - u[:, :-1] / p).clamp(min=0)
        (x, n_empty), active = batches.batch(index), (dense > 0).any(0)
        shown = x[:-1, (x[:-1] > 0).any(0)]
        torch.testing.assert_close(shown, dense[:, active], rtol=0, atol=1e-6 / p)
        assert x.shape[1] - 1 + n_empty == 200
        assert bool((x[-1] == 1).all())


def test_the_first_feature_has_a_density_of_its_own():
    x = draw_packed(0.2, relative_densities=(0.25,))
    active = (x > 0).double().mean(1)
    torch.testing.assert_close(
        active, torch.tensor([0.05, 0.2, 0.2, 0.2]).double(), rtol=0, atol=0.006
    )
    assert x[0][x[0] > 0].mean() == pytest.approx(0.5, abs=0.02)


def test_correlated_features_are_active_together_with_values_of_their_own():
    x = draw_packed(0.2, dependence="correlated", set_size=2)
    active = (x > 0).double()
    assert torch.equal(active[0], active[1])
    assert torch.equal(active[2], active[3])
    assert active.mean() == pytest.approx(0.2, abs=0.006)
    assert abs(torch.corrcoef(active)[0, 2]) < 0.02
    assert abs(torch.corrcoef(x[:, x[0] > 0])[0, 1]) < 0.03


def test_anticorrelated_features_are_never_active_together():
    x = draw_packed(0.2, dependence="anticorrelated", set_size=2)
    active = (x > 0).double()
    assert not (active[0] * active[1]).any()
    assert not (active[2] * active[3]).any()
    assert active.mean(1).tolist() == pytest.approx([0.2] * 4, abs=0.006)
    assert x[x > 0].mean() == pytest.approx(0.5, abs=0.01)
    assert x[x > 0].square().mean() == pytest.approx(1 / 3, abs=0.01)


def test_inputs_of_the_absolute_value_are_of_both_signs():
    x = draw_packed(0.2, target="absolute", tied=False)
    active = x[x != 0]
    assert active.numel() / x.numel() == pytest.approx(0.2, abs=0.006)
    assert active.mean() == pytest.approx(0, abs=0.01)
    assert active.square().mean() == pytest.approx(1 / 3, abs=0.01)
