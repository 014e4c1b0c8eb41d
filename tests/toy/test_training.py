"""Training: what it refuses, what it returns, and that it does what the plain loop does."""

import dataclasses
from collections.abc import Iterable

import pandas as pd
import pytest
import torch
from torch import Generator, Tensor

from superposition.core.store import schema
from superposition.toy import parallel, tables, theory, training
from superposition.toy.config import ToyConfig
from superposition.toy.data import draw_uniforms, sample_features
from superposition.toy.models import ToyModel, xavier_start
from superposition.toy.training import (
    FittedToy,
    everything,
    fit,
    gradient_of,
    held_out_loss,
    initial_model,
    random_stream,
    snapshot_steps,
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


def start(config: ToyConfig) -> ToyModel:
    return initial_model(config, everything(config), device=CPU)


def held_out(config: ToyConfig, model: ToyModel) -> Tensor:
    share = everything(config)
    return held_out_loss(config, share, gradient_of(config, share, model))


REFUSED = [
    ({"d_hidden": 6}, "d_hidden=6 exceeds n_features=5; allowed with tied: false"),
    ({"feature_probabilities": (0.5, 1.2)}, r"holds \[1.2\]; allowed: above 0, at most 1"),
    ({"feature_probabilities": (0.0,)}, r"holds \[0.0\]; allowed: above 0"),
    ({"feature_probabilities": (float("nan"),)}, "holds .nan.; allowed: above 0"),
    ({"feature_probabilities": ()}, r"holds \(\); allowed: above 0"),
    ({"feature_probabilities": (0.5, 0.5)}, "repeats a value"),
    ({"n_seeds": 0}, "n_seeds=0; allowed: 1 and more"),
    ({"importance_base": 0.0}, "importance_base=0.0; allowed: above 0"),
    ({"lr": -1.0}, "lr=-1.0; allowed: above 0"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1; allowed: 0 and more"),
    ({"relative_importances": (-1.0,)}, r"relative_importances holds \[-1.0\]; allowed: above 0"),
    ({"relative_densities": (3.0,)}, r"holds 3; allowed at density 1: at most 1"),
    ({"l1_coefficients": (-1.0,)}, r"l1_coefficients holds \[-1.0\]; allowed: 0 and more"),
    ({"set_size": 2}, "set_size=2 does not divide n_features=5"),
    ({"set_size": 6}, "set_size=6 does not divide n_features=5"),
    ({"target": "absolute"}, "target=absolute with tied=true; allowed: tied: false"),
    (
        {"n_features": 6, "set_size": 2, "dependence": "anticorrelated"},
        "holds 1; allowed for anticorrelated sets of 2: at most 0.5",
    ),
    (
        {"dependence": "correlated", "relative_densities": (0.5,)},
        "dependence=correlated; allowed with relative_densities",
    ),
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
    assert [row.x, row.y] == toy.weights["W"][4, 3].tolist()
    assert row.norm == pytest.approx(toy.weights["W"][4, 3].norm().item())
    assert row.bias == toy.weights["b"][4, 3].item()
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
    assert torch.equal(first.weights["W"], second.weights["W"])
    assert torch.equal(first.weights["b"], second.weights["b"])
    assert first.instances.equals(second.instances)
    assert not torch.equal(first.weights["W"], other.weights["W"])


def test_a_density_does_not_depend_on_those_trained_beside_it():
    alone, beside = fit_tiny(feature_probabilities=(0.1,)), fit_tiny()
    torch.testing.assert_close(alone.weights["W"], beside.weights["W"][3:])
    assert alone.instances.loss.tolist() == pytest.approx(beside.instances.loss[3:].tolist())


def test_densities_keep_their_order_on_any_number_of_cores():
    densities = (0.05, 1.0, 0.3)
    one = fit_tiny(feature_probabilities=densities)
    torch.set_num_threads(2)
    two = fit_tiny(feature_probabilities=densities)
    assert torch.get_num_threads() == 2
    torch.testing.assert_close(one.weights["W"], two.weights["W"])
    pd.testing.assert_frame_equal(one.instances, two.instances)
    pd.testing.assert_frame_equal(one.history, two.history)


@pytest.mark.skipif(not parallel.can_fork(), reason="no forks here")
def test_forks_and_threads_give_the_same_bits(monkeypatch):
    torch.set_num_threads(2)
    forks = fit_tiny()
    monkeypatch.setattr(parallel, "can_fork", lambda: False)
    threads = fit_tiny()
    for name, weights in forks.weights.items():
        assert torch.equal(weights, threads.weights[name])
    pd.testing.assert_frame_equal(forks.history, threads.history)


def test_seeds_differ_in_their_start_and_densities_do_not():
    W = start(TINY).W
    assert torch.equal(W[:3], W[3:])
    assert not torch.equal(W[0], W[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_lowers_the_loss_of_every_instance(seed):
    config = dataclasses.replace(TINY, seed=seed, n_steps=200, lr=1e-2)
    before = held_out(config, start(config))
    after = fit(config, device=CPU).instances.loss
    assert (after.to_numpy() < before.numpy()).all()


def test_held_out_loss_is_that_of_the_plain_model_on_plain_samples():
    config = dataclasses.replace(TINY, n_held_out=100_000)
    model = start(config)
    probability = torch.tensor(config.instances().feature_probability, dtype=torch.float32)
    generator = Generator().manual_seed(0)
    x = sample_features(100_000, probability, n_features=5, generator=generator)
    plain = model.loss(x, config.importance()).detach()
    torch.testing.assert_close(held_out(config, model), plain, rtol=0.03, atol=0)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_schedule_ends_with_smaller_steps(schedule):
    constant, falling = fit_tiny(), fit_tiny(lr_schedule=schedule)
    begin = start(TINY).W.detach()
    assert (falling.weights["W"] - begin).norm() < (constant.weights["W"] - begin).norm()


def test_a_warmup_begins_with_small_steps():
    config = dataclasses.replace(TINY, n_steps=100, lr_warmup=0.2, lr_schedule="constant")
    rates = [training._rate(config, step) for step in range(100)]
    assert rates[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
    assert rates[20:] == [1.0] * 80


def test_a_linear_model_reaches_the_loss_of_principal_components():
    toy = fit_tiny(output="linear", n_steps=1500, lr=1e-2, lr_schedule="cosine", n_held_out=50_000)
    for p, losses in toy.instances.groupby("feature_probability").loss:
        expected = theory.linear_loss(TINY.importance()[0], float(str(p)), d_hidden=2) / 5
        assert losses.tolist() == pytest.approx([expected] * 3, rel=0.03)


def test_a_diverging_model_is_marked_and_leaves_the_others_as_they_are(monkeypatch):
    def broken(*shape, generator):
        starts = xavier_start(*shape, generator=generator)
        starts[1] = torch.inf
        return starts

    whole = fit_tiny()
    monkeypatch.setattr(training, "xavier_start", broken)
    toy = fit_tiny()
    assert toy.instances.diverged.tolist() == [False, True, False] * 2
    assert toy.instances.loss.isna().tolist() == toy.instances.diverged.tolist()
    assert tables.summary(toy.instances)["n_diverged"] == 2
    assert torch.equal(toy.weights["W"][[0, 2, 3, 5]], whole.weights["W"][[0, 2, 3, 5]])


def test_a_condition_in_which_every_start_diverges_is_named():
    message = r"all 3 random starts diverged at feature_probability=1, .*\(lr=1e\+30\)"
    with pytest.raises(ValueError, match=message):
        fit_tiny(lr=1e30, output="linear")


def test_snapshots_run_from_the_start_to_the_end():
    toy = fit_tiny(n_snapshots=5)
    config = dataclasses.replace(TINY, n_snapshots=5)
    assert toy.snapshots["steps"].tolist() == snapshot_steps(config) == [0, 10, 20, 30, 40]
    torch.testing.assert_close(toy.snapshots["W"][0], start(TINY).W.detach())
    torch.testing.assert_close(toy.snapshots["W"][-1], toy.weights["W"])
    torch.testing.assert_close(toy.snapshots["b"][-1], toy.weights["b"])
    assert fit_tiny().snapshots["steps"].tolist() == []


def test_every_combination_of_the_axes_is_a_condition():
    toy = fit_tiny(relative_importances=(0.5, 2.0), l1_coefficients=(0.0, 0.1), n_seeds=2)
    assert len(toy.instances) == 2 * 2 * 2 * 2
    condition = toy.instances[list(tables.CONDITION)].drop_duplicates()
    assert len(condition) == 8
    last = toy.features.query("feature == 4")
    expected = 0.9**4 * last.relative_importance
    assert last.importance.tolist() == pytest.approx(expected.tolist())


def train_plainly(config: ToyConfig, batches: Iterable[Tensor]) -> ToyModel:
    """The models of `config` trained by autograd, as in the notebook, on dense batches."""
    model = start(config)
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
    u = draw_uniforms(config, 40, generator=generator).u
    u = torch.cat([batch[:, :-1] for batch in u.split(config.batch_size + 1, dim=1)], dim=1)
    p = torch.tensor(config.instances().feature_probability, dtype=torch.float32)
    x = (1 - u.T[:, None] / p[:, None]).clamp(min=0)
    plain = train_plainly(config, x.split(config.batch_size))
    ours = fit(config, device=CPU)
    torch.testing.assert_close(ours.weights["W"], plain.W.detach(), rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.weights["b"], plain.b.detach(), rtol=0, atol=1e-4)


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
    plain = held_out(config, train_plainly(config, batches)).view(3, 8)
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
