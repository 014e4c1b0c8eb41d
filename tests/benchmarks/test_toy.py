"""The benchmark compares like with like and says when it does not."""

import numpy as np
import pandas as pd
import pytest
import torch

from superposition.benchmarks import toy
from superposition.toy.config import ToyConfig

CONFIG = ToyConfig(
    n_features=5,
    d_hidden=2,
    output="relu",
    importance_base=0.9,
    feature_probabilities=(1.0, 0.2),
    n_seeds=2,
    seed=0,
    n_steps=400,
    batch_size=256,
    lr=1e-2,
    lr_schedule="cosine",
    n_held_out=20_000,
)


def silent(blocks, _):
    return iter(blocks)


def test_both_ways_train_the_same_models():
    compared = toy.compare(CONFIG, device=torch.device("cpu"), progress=silent, n_steps=600)
    assert compared.losses["feature_probability"].tolist() == [1.0, 1.0, 0.2, 0.2]
    assert compared.plain_seconds > 0
    assert compared.seconds > 0
    ratio = compared.losses["ours"] / compared.losses["plain"]
    assert ratio.between(0.5, 1.2).all()


def losses(*ours):
    return pd.DataFrame({"feature_probability": 1.0, "plain": 1.0, "ours": [*ours]})


def test_a_worse_loss_is_not_called_the_same():
    worse = toy.Comparison(plain_seconds=10.0, seconds=1.0, losses=losses(1.1))
    assert not worse.same_loss
    assert "10.0 times faster, to NOT the same loss" in toy.report(worse)
    assert toy.Comparison(plain_seconds=10.0, seconds=1.0, losses=losses(1.02)).same_loss


def test_scatter_between_models_is_no_difference_and_no_excuse():
    scattered = toy.Comparison(plain_seconds=10.0, seconds=1.0, losses=losses(0.9, 1.2, 0.95))
    assert scattered.excess[0] == pytest.approx(np.log([0.9, 1.2, 0.95]).mean())
    assert scattered.same_loss
    worse = toy.Comparison(plain_seconds=10.0, seconds=1.0, losses=losses(0.9, 1.3, 1.0))
    assert worse.excess[0] < 2 * worse.excess[1]
    assert not worse.same_loss
