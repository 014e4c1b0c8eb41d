"""The world that toy autoencoders are compared on."""

import math
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from superposition.saes.toy_world import DataConfig, ToyWorld, world

P = 0.3


def made(n_features: int = 4, **data: Any) -> ToyWorld:
    return world(torch.eye(n_features).repeat(2, 1, 1), P, DataConfig(**data))


def drawn(of: ToyWorld, n: int = 20_000) -> Tensor:
    return of.sample(n, generator=torch.Generator().manual_seed(0)).x


def test_features_occur_with_probability_p_and_are_uniform_then() -> None:
    x = drawn(made())
    assert (x > 0).double().mean().item() == pytest.approx(P, rel=0.03)
    assert x[x > 0].mean().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("copied", [0.5, 1.0])
def test_a_copied_feature_keeps_its_density_and_strength_and_follows_the_one_before(
    copied: float,
) -> None:
    x = drawn(made(copied=copied))
    present = (x > 0).double()
    assert present.mean((0, 1)).tolist() == pytest.approx([P] * 4, rel=0.05)
    together = (present[..., 0] * present[..., 1]).mean().item()
    assert together == pytest.approx(copied * P + (1 - copied) * P**2, rel=0.05)
    apart = (present[..., 1] * present[..., 2]).mean().item()
    assert apart == pytest.approx(P**2, rel=0.1)
    assert x[..., 1][x[..., 1] > 0].mean().item() == pytest.approx(0.5, rel=0.03)


def test_hidden_states_are_sums_of_directions_around_the_centre() -> None:
    of = made(offset=2.0)
    sample = of.sample(100, generator=torch.Generator().manual_seed(0))
    assert of.centre.norm().item() == pytest.approx(2.0)
    torch.testing.assert_close(sample.h, sample.x + of.centre)


def test_batches_come_again_only_if_the_data_says_so() -> None:
    endless, repeated = (list(islice(made(n_batches=n).source(8)(0), 5)) for n in (None, 2))
    assert torch.equal(repeated[0], repeated[2])
    assert torch.equal(repeated[1], repeated[3])
    assert not torch.equal(repeated[0], repeated[1])
    assert not torch.equal(endless[0], endless[2])
    assert torch.equal(endless[0], repeated[0])


def test_a_stream_may_begin_anywhere() -> None:
    of = made()
    assert torch.equal(next(of.source(8)(3)), list(islice(of.source(8)(0), 4))[3])


def test_the_judging_inputs_are_others_than_those_trained_on() -> None:
    of = made()
    h = of.judged().h
    assert not torch.equal(next(of.source(h.shape[1])(0)), h)


def test_the_true_l0_counts_represented_features_only() -> None:
    W = torch.eye(4).repeat(2, 1, 1)
    W[0, 3] = 0.1
    of = world(W, P, DataConfig())
    assert of.l0.tolist() == pytest.approx([3 * P, 4 * P])


def test_directions_by_hand_replace_the_models_and_copies_multiply_them() -> None:
    of = world(torch.randn(3, 5, 2), P, DataConfig(turns=[0.0, 0.25], n_copies=2))
    assert of.W.shape == (6, 2, 2)
    torch.testing.assert_close(of.W[4], torch.eye(2), atol=1e-6, rtol=0)
    assert math.isclose(of.feature_probability, P)
    other = world(torch.eye(2)[None], P, DataConfig(feature_probability=0.02))
    assert other.feature_probability == 0.02


@pytest.mark.parametrize(
    ("field", "value"),
    [("copied", 1.5), ("offset", -1.0), ("n_batches", 0), ("n_copies", 0)],
)
def test_what_no_data_can_be_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{field}={value}"):
        DataConfig(**{field: value})
