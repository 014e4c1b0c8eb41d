"""Adversarial training: its gradient, its attacks, its bits, and that it does what it is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from superposition.core.store import schema
from superposition.toy import adversarial
from superposition.toy.adversarial import AdversarialConfig
from superposition.toy.models import ToyModel

CPU = torch.device("cpu")
CONFIG = AdversarialConfig(
    n_features=12,
    d_hidden=4,
    feature_probabilities=(0.1,),
    attack_norms=(0.0, 0.6),
    test_norm=0.1,
    n_seeds=3,
    seed=0,
    n_steps=400,
    batch_size=64,
    lr=1e-2,
    weight_decay=0.01,
    n_held_out=512,
)


@pytest.fixture(scope="module")
def fitted() -> adversarial.Fitted:
    return adversarial.fit(CONFIG, device=CPU)


def test_the_gradient_is_that_of_autograd():
    generator = Generator().manual_seed(0)
    options = {"generator": generator, "dtype": torch.float64}
    W, b = torch.randn(2, 6, 3, **options), 0.1 * torch.randn(2, 6, **options)
    model = ToyModel(W, b, output="relu")
    wanted, change = torch.rand(2, 9, 6, **options), 0.3 * torch.randn(2, 9, 6, **options)
    adversarial.set_gradient_(model, wanted, wanted + change)
    found = model.W.grad, model.b.grad
    error = model((wanted + change).transpose(0, 1)) - wanted.transpose(0, 1)
    loss = error.square().mean((0, 2))
    torch.testing.assert_close(loss, adversarial.loss(model, wanted, wanted + change))
    for mine, theirs in zip(
        found, torch.autograd.grad(loss.sum(), [model.W, model.b]), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_every_instance_is_attacked_with_its_own_norm():
    W = torch.randn(3, 6, 3, generator=Generator().manual_seed(0))
    x = torch.rand(3, 9, 6, generator=Generator().manual_seed(1))
    model = ToyModel(W, torch.zeros(3, 6), output="relu")
    found = adversarial.attack(model, x, torch.tensor([0.0, 0.2, 1.5]))
    expected = torch.tensor([0.0, 0.2, 1.5])[:, None].expand(3, 9)
    torch.testing.assert_close(found.norm(dim=2), expected)


def test_training_under_attack_takes_superposition_away_in_every_start(fitted):
    wide = fitted.instances.pivot(
        index="seed", columns="attack_norm", values="features_per_dimension"
    )
    assert len(wide) == 3
    assert (wide[0.0] > 1.2 * wide[0.6]).all()


def test_the_table_has_a_row_for_every_density_norm_and_start(fitted):
    assert list(fitted.instances.columns) == list(schema()["adversarial/instances.parquet"])
    assert fitted.instances["seed"].tolist() == [0, 1, 2] * 2
    assert not fitted.instances["diverged"].any()
    assert (fitted.instances["attacked_loss"] >= fitted.instances["loss"]).all()
    assert adversarial.summary(fitted.instances)["n_diverged"] == 0


def test_the_same_seed_gives_the_same_bits_on_any_number_of_cores(fitted):
    torch.set_num_threads(2)
    again = adversarial.fit(CONFIG, device=CPU)
    assert again.instances.equals(fitted.instances)
    assert torch.equal(again.weights["W"], fitted.weights["W"])


def test_a_random_start_is_the_same_at_every_density_and_norm():
    config = replace(CONFIG, feature_probabilities=(0.5, 0.1))
    model = adversarial.initial_model(config, torch.arange(12), device=CPU)
    starts = model.W.detach().unflatten(0, (4, 3))
    assert torch.equal(starts, starts[:1].expand_as(starts))
    assert not torch.equal(starts[0, 0], starts[0, 1])


def test_a_model_that_diverged_is_marked_and_counted(fitted):
    W, loss = fitted.weights["W"], torch.ones(6)
    lost = loss.where(torch.arange(6) != 2, torch.inf)
    table = adversarial.instance_table(CONFIG, W, lost, loss)
    assert table["diverged"].tolist() == [False, False, True, False, False, False]
    assert np.isnan(table["loss"][2])
    assert np.isnan(table["attacked_loss"][2])
    assert adversarial.summary(table)["n_diverged"] == 1


def test_if_every_model_diverges_that_is_an_error():
    with pytest.raises(ValueError, match="all 6 models diverged"):
        adversarial.fit(replace(CONFIG, n_steps=20, lr=1e30), device=CPU)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_seeds": 0},
        {"d_hidden": 13},
        {"lr": 0.0},
        {"feature_probabilities": (1.5,)},
        {"attack_norms": (-0.1,)},
        {"attack_norms": ()},
        {"attack_norms": (0.1, 0.1)},
    ],
)
def test_a_wrong_parameter_is_refused_by_name(changes: dict):
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(CONFIG, **changes)
