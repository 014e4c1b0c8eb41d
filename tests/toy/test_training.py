"""Training: what it refuses, what it returns, and that it does what the plain loop does."""

import dataclasses
from collections.abc import Iterable

import pandas as pd
import pytest
import torch
from torch import Generator, Tensor

from superposition.core.store import schema
from superposition.toy import tables, theory
from superposition.toy.data import draw_uniforms, sample_features
from superposition.toy.models import ToyModel
from superposition.toy.training import (
    FittedToy,
    ToyConfig,
    fit,
    held_out_loss,
    initial_model,
    random_stream,
)

CPU = torch.device("cpu")
TINY = ToyConfig(
    n_features=5,
    d_hidden=2,
    output="relu",
    importance_base=0.9,
    feature_probabilities=(1.0, 0.1),
    n_seeds=3,
    seed=0,
    n_steps=40,
    batch_size=128,
    n_held_out=1000,
)


def fit_tiny(**changes) -> FittedToy:
    return fit(dataclasses.replace(TINY, **changes), device=CPU)


REFUSED = [
    ({"d_hidden": 6}, "d_hidden=6 exceeds n_features=5"),
    ({"feature_probabilities": (0.5, 1.2)}, r"holds \[1.2\]; allowed: above 0, at most 1"),
    ({"feature_probabilities": (0.0,)}, r"holds \[0.0\]; allowed: above 0"),
    ({"feature_probabilities": (float("nan"),)}, "holds .nan.; allowed: above 0"),
    ({"feature_probabilities": ()}, r"holds \(\); allowed: above 0"),
    ({"feature_probabilities": (0.5, 0.5)}, "repeats a density"),
    ({"n_seeds": 0}, "n_seeds=0; allowed: 1 and more"),
    ({"importance_base": 0.0}, "importance_base=0.0; allowed: above 0"),
    ({"lr": -1.0}, "lr=-1.0; allowed: above 0"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1; allowed: 0 and more"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_impossible_parameters_are_refused_with_what_is_allowed(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **changes)


def test_tables_have_the_columns_of_the_schema_and_a_row_for_everything():
    toy = fit_tiny()
    for name, frame in [("instances", toy.instances), ("features", toy.features)]:
        assert list(frame) == list(schema()[f"toy/{name}.parquet"])
    assert list(toy.history) == list(schema()["toy/history.parquet"])
    assert (len(toy.instances), len(toy.features), len(toy.history)) == (6, 30, 6 * 40)
    assert toy.instances.feature_probability.tolist() == [1.0] * 3 + [0.1] * 3
    assert toy.instances.seed.tolist() == [0, 1, 2] * 2


def test_the_features_table_repeats_the_weights():
    toy = fit_tiny()
    row = toy.features.query("instance == 4 and feature == 3").iloc[0]
    assert [row.x, row.y] == toy.W[4, 3].tolist()
    assert row.norm == pytest.approx(toy.W[4, 3].norm().item())
    assert row.bias == toy.b[4, 3].item()
    assert row.importance == pytest.approx(0.9**3)
    assert (row.seed, row.feature_probability) == (1, 0.1)


def test_summary_has_the_mean_over_all_models_and_over_the_best_of_each_density():
    toy = fit_tiny()
    summary = tables.summary(toy.instances)
    losses = toy.instances.loss.to_numpy().reshape(2, 3)
    assert summary["n_instances"] == 6
    assert summary["mean_loss"] == pytest.approx(losses.mean())
    assert summary["mean_best_loss"] == pytest.approx(losses.min(axis=1).mean())


def test_models_outside_the_plane_have_no_coordinates_and_no_arrangement():
    toy = fit_tiny(d_hidden=3)
    assert toy.features[["x", "y"]].isna().to_numpy().all()
    assert set(toy.instances.geometry) == {""}


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_does_not():
    first, second, other = fit_tiny(), fit_tiny(), fit_tiny(seed=1)
    assert torch.equal(first.W, second.W)
    assert torch.equal(first.b, second.b)
    assert first.instances.equals(second.instances)
    assert not torch.equal(first.W, other.W)


def test_a_density_does_not_depend_on_those_trained_beside_it():
    alone, beside = fit_tiny(feature_probabilities=(0.1,)), fit_tiny()
    torch.testing.assert_close(alone.W, beside.W[3:])
    assert alone.instances.loss.tolist() == pytest.approx(beside.instances.loss[3:].tolist())


def test_densities_keep_their_order_on_any_number_of_cores():
    densities = (0.05, 1.0, 0.3)
    one = fit_tiny(feature_probabilities=densities)
    torch.set_num_threads(2)
    two = fit_tiny(feature_probabilities=densities)
    assert torch.get_num_threads() == 2
    torch.testing.assert_close(one.W, two.W)
    pd.testing.assert_frame_equal(one.instances, two.instances)
    pd.testing.assert_frame_equal(one.history, two.history)


def test_seeds_differ_in_their_start_and_densities_do_not():
    W = initial_model(TINY, device=CPU).W
    assert torch.equal(W[:3], W[3:])
    assert not torch.equal(W[0], W[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_lowers_the_loss_of_every_instance(seed):
    config = dataclasses.replace(TINY, seed=seed, n_steps=200, lr=1e-2)
    before = held_out_loss(config, initial_model(config, device=CPU))
    after = fit(config, device=CPU).instances.loss
    assert (after.to_numpy() < before.numpy()).all()


def test_held_out_loss_is_that_of_the_plain_model_on_plain_samples():
    config = dataclasses.replace(TINY, n_held_out=100_000)
    model = initial_model(config, device=CPU)
    probability = torch.tensor(config.instances().feature_probability, dtype=torch.float32)
    generator = Generator().manual_seed(0)
    x = sample_features(100_000, probability, n_features=5, generator=generator)
    plain = model.loss(x, config.importance()).detach()
    torch.testing.assert_close(held_out_loss(config, model), plain, rtol=0.03, atol=0)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_schedule_ends_with_smaller_steps(schedule):
    constant, falling = fit_tiny(), fit_tiny(lr_schedule=schedule)
    start = initial_model(TINY, device=CPU).W.detach()
    assert (falling.W - start).norm() < (constant.W - start).norm()


def test_a_linear_model_reaches_the_loss_of_principal_components():
    toy = fit_tiny(output="linear", n_steps=1500, lr=1e-2, lr_schedule="cosine", n_held_out=50_000)
    for p, losses in toy.instances.groupby("feature_probability").loss:
        expected = theory.linear_loss(TINY.importance(), float(str(p)), d_hidden=2) / 5
        assert losses.tolist() == pytest.approx([expected] * 3, rel=0.03)


def test_a_diverging_model_is_named_with_its_step():
    message = r"step \d+: the loss of the instance with feature_probability=\S+ and seed=0 is not"
    with pytest.raises(ValueError, match=message):
        fit_tiny(lr=1e30, output="linear")


def train_plainly(config: ToyConfig, batches: Iterable[Tensor]) -> ToyModel:
    """The models of `config` trained by autograd, as in the notebook, on dense batches."""
    model = initial_model(config, device=CPU)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
    for x in batches:
        optimizer.zero_grad()
        model.loss(x, config.importance()).sum().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("output", ["relu", "linear"])
def test_on_the_same_samples_the_plain_loop_gives_the_same_weights(output):
    config = dataclasses.replace(TINY, output=output, n_steps=40)
    generator = random_stream(config, "training", CPU)
    u = draw_uniforms(40 * config.batch_size, 5, generator=generator).u
    p = torch.tensor(config.instances().feature_probability, dtype=torch.float32)
    x = (1 - u.T[:, None] / p[:, None]).clamp(min=0)
    plain = train_plainly(config, x.split(config.batch_size))
    ours = fit(config, device=CPU)
    torch.testing.assert_close(ours.W, plain.W.detach(), rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.b, plain.b.detach(), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_on_other_samples_the_plain_loop_reaches_the_same_loss():
    config = dataclasses.replace(
        TINY, feature_probabilities=(1.0, 0.2, 0.05), n_seeds=8, n_steps=3000, lr=3e-3
    )
    config = dataclasses.replace(config, n_held_out=100_000)
    p = torch.tensor(config.instances().feature_probability, dtype=torch.float32)
    generator = Generator().manual_seed(1)
    batches = (
        sample_features(config.batch_size, p, n_features=5, generator=generator)
        for _ in range(config.n_steps)
    )
    plain = held_out_loss(config, train_plainly(config, batches)).view(3, 8)
    ours = torch.tensor(fit(config, device=CPU).instances.loss).view(3, 8)
    torch.testing.assert_close(ours.amin(1), plain.amin(1), rtol=0.03, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_of_many_goes_from_an_orthogonal_pair_over_digons_to_a_pentagon(seed):
    config = dataclasses.replace(
        TINY,
        feature_probabilities=(1.0, 0.2, 0.05),
        n_seeds=24,
        seed=seed,
        n_steps=3000,
        batch_size=512,
        lr=3e-3,
        n_held_out=100_000,
    )
    instances = fit(config, device=CPU).instances
    best = instances.loc[instances.groupby("feature_probability", sort=False).loss.idxmin()]
    assert best.geometry.tolist() == ["orthogonal pair", "digons", "pentagon"]
