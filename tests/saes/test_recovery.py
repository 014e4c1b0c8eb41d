"""Toy autoencoders against the features of the toy model."""

import math
from itertools import islice

import pandas as pd
import pytest
import torch
from tests.saes import rows
from torch import Tensor

from superposition.core import store
from superposition.saes import base, recovery

CPU = torch.device("cpu")


def pentagons(n_instances: int) -> Tensor:
    """Five features at equal angles in the plane, turned a little in every instance."""
    turns = torch.arange(5) / 5 + 0.11 * torch.arange(n_instances)[:, None]
    return 1.2 * torch.stack([(math.tau * turns).cos(), (math.tau * turns).sin()], -1)


def hidden(W: Tensor, probability: float, n: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return recovery.hidden_states(
        W, feature_probability=probability, batch_size=n, generator=generator
    )


@pytest.mark.parametrize("probability", [0.05, 0.5, 1.0])
def test_features_are_uniform_and_absent_with_one_minus_p(probability: float) -> None:
    x = hidden(torch.eye(4).repeat(2, 1, 1), probability, 20_000)
    assert (x > 0).double().mean() == pytest.approx(probability, rel=0.03)
    active = x[x > 0].double()
    assert active.mean() == pytest.approx(1 / 2, rel=0.02)
    assert active.square().mean() == pytest.approx(1 / 3, rel=0.03)
    assert active.max() <= 1


def test_a_batch_depends_on_the_seed_and_on_its_number_alone() -> None:
    make = lambda seed: recovery.toy_source(  # noqa: E731
        pentagons(2), feature_probability=0.3, batch_size=8, seed=seed
    )
    run = list(islice(make(0)(0), 5))
    assert torch.equal(next(make(0)(3)), run[3])
    assert not torch.equal(run[0], run[1])
    assert not torch.equal(next(make(1)(0)), run[0])


def test_an_autoencoder_of_the_true_directions_recovers_all_features() -> None:
    W, order = pentagons(3), torch.tensor([4, 2, 0, 1, 3])
    sae = base.build(rows.row("l1", d_sae=5), d_in=2, n_instances=3)
    with torch.no_grad():
        sae.W_dec.copy_(W[:, order])
        sae.W_enc.copy_(W[:, order].mT)
    sae.normalise_decoder_()
    found = recovery.recovery(sae, W, hidden(W, 0.02, 5000), seed=7)
    assert list(found.columns) == list(store.schema()["toy_sae/recovery.parquet"])
    assert found.recovered.all()
    assert order[found.latent.tolist()].tolist() == found.feature.tolist()
    assert (found.seed == 7).all()


def test_a_latent_that_never_fires_recovers_nothing() -> None:
    W = pentagons(1)
    sae = base.build(rows.row("l1", d_sae=5), d_in=2, n_instances=1)
    with torch.no_grad():
        sae.W_dec.copy_(W)
        sae.W_enc.copy_(W.mT)
        sae.b_enc[0, 3] = -100
    sae.normalise_decoder_()
    found = recovery.recovery(sae, W, hidden(W, 0.02, 5000), seed=0)
    assert found.recovered.tolist() == [True, True, True, False, True]
    assert found.density[3] == 0


def test_the_summary_counts_complete_instances_and_distinct_latents() -> None:
    found = pd.DataFrame(
        {
            "instance": [0, 0, 1, 1],
            "seed": 0,
            "feature": [0, 1, 0, 1],
            "latent": [1, 0, 2, 2],
            "cosine": [1.0, 0.98, 0.97, 0.2],
            "density": [0.01, 0.01, 0.01, 0.01],
            "recovered": [True, True, True, False],
        }
    )
    assert recovery.summary(found) == {
        "n_instances": 2,
        "instances_complete": 1,
        "mean_recovered": 1.5,
        "mean_best_cosine": pytest.approx(0.7875),
        "mean_distinct_latents": 1.5,
    }


def test_an_autoencoder_needs_a_toy_row_of_one_density() -> None:
    assert recovery.only_density(pd.DataFrame({"feature_probability": [0.01, 0.01]})) == 0.01
    with pytest.raises(ValueError, match=r"feature_probabilities=\[0.1, 0.5\]; .* exactly one"):
        recovery.only_density(pd.DataFrame({"feature_probability": [0.5, 0.1]}))


def test_unseen_hidden_states_are_other_ones_than_those_trained_on() -> None:
    W = torch.eye(2).unsqueeze(0)
    x = recovery.unseen(W, feature_probability=0.5, seed=0)
    source = recovery.toy_source(W, feature_probability=0.5, batch_size=x.shape[1], seed=0)
    trained_on = next(source(0))
    assert x.shape == (1, recovery.UNSEEN, 2)
    assert float((x > 0).double().mean()) == pytest.approx(0.5, abs=0.01)
    assert not torch.equal(x, trained_on)
