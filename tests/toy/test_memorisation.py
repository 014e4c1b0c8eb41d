"""Training on finite data sets: the schedule, the seeds, and what small sets lead to."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from superposition.toy import memorisation
from superposition.toy import memorisation_tables as tables
from superposition.toy.memorisation import fit, initial_weights, rate, train
from superposition.toy.memorisation_config import MemorisationConfig
from superposition.toy.point_sets import PointSet

CPU = torch.device("cpu")
SMALL = MemorisationConfig(
    n_features=60,
    feature_probabilities=(0.1,),
    n_points=(4, 6),
    d_hidden=(2,),
    n_data_sets=2,
    n_starts=2,
    n_steps=(120,),
    lr=1e-2,
    seed=0,
    n_test=50,
    keep_vectors=True,
)


def quiet(blocks: Iterable[range], _: str) -> Iterator[range]:
    return iter(blocks)


def dense_run(config: MemorisationConfig, points: PointSet) -> torch.Tensor:
    """The first model's weights, trained by autograd and plain AdamW with torch's schedulers."""
    x, W0 = points.dense(), initial_weights(config, config.models()[:1])[0]
    W, b = nn.Parameter(W0[:-1].clone()), nn.Parameter(W0[-1].clone())
    optimizer = torch.optim.AdamW([W, b], lr=config.lr, weight_decay=config.weight_decays[0])
    for step in range(config.n_steps[0]):
        optimizer.param_groups[0]["lr"] = config.lr * rate(config, step, config.n_steps[0])
        optimizer.zero_grad()
        ((x @ W.mT @ W + b).relu() - x).square().sum(1).mean().backward()
        optimizer.step()
    return torch.cat([W, b[None]]).detach()


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_training_is_that_of_plain_autograd_and_adamw(weight_decay: float) -> None:
    config = replace(SMALL, weight_decays=(weight_decay,), n_steps=(40,))
    world, team = memorisation.World(config, CPU), config.models()[:2]
    sets = [world.data_set(model) for model in team]
    ticks = iter(memorisation._blocks(40))
    trained = train(config, team, sets, device=CPU, ticks=ticks)
    wanted = dense_run(config, sets[0])
    torch.testing.assert_close(trained.weights[0], wanted, rtol=1e-3, atol=1e-4)


def test_the_rate_rises_to_its_peak_and_falls_to_zero_as_in_the_paper() -> None:
    steps = range(0, 50_000, 10)
    rates = [rate(SMALL, step, 50_000) for step in steps]
    assert max(rates) == pytest.approx(1)
    assert steps[rates.index(max(rates))] == 2_500
    assert rates[0] == pytest.approx(0, abs=1e-3)
    assert rates[-1] == pytest.approx(0, abs=1e-6)
    assert rate(SMALL, 26_250, 50_000) == pytest.approx(0.5)


def test_a_constant_rate_stays() -> None:
    assert rate(replace(SMALL, lr_schedule="constant"), 119, 120) == 1


def test_starts_have_the_standard_deviation_of_xavier() -> None:
    config = replace(SMALL, n_features=5000)
    W = initial_weights(config, config.models()[:1])[0]
    assert W[:-1].std().item() == pytest.approx(math.sqrt(2 / 5002), rel=0.03)
    assert not W[-1].any()


def test_the_same_seed_gives_the_same_weights_on_any_number_of_cores() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = fit(SMALL, device=CPU, progress=quiet)
        torch.set_num_threads(1)
        one = fit(SMALL, device=CPU, progress=quiet)
    finally:
        torch.set_num_threads(before)
    assert one.features.equals(two.features)
    assert one.models.equals(two.models)
    other = fit(replace(SMALL, seed=1), device=CPU, progress=quiet)
    assert not one.features.equals(other.features)


def test_the_tables_have_a_row_for_every_model_feature_and_point() -> None:
    found = fit(SMALL, device=CPU, progress=quiet)
    assert found.models.model.tolist() == list(range(8))
    assert len(found.features) == 8 * 60
    assert found.points.groupby("model").size().tolist() == [4] * 4 + [6] * 4
    assert set(found.history["step"]) >= {0, 119}
    assert found.points.groupby("model").error.mean().tolist() == pytest.approx(
        found.models.train_loss.tolist(), rel=1e-4
    )


def test_vectors_are_left_out_unless_they_are_kept() -> None:
    found = fit(replace(SMALL, keep_vectors=False), device=CPU, progress=quiet)
    assert len(found.features) == len(found.points) == 0
    assert [*found.features.columns] == ["model", *tables.FEATURES]


def test_a_few_points_are_memorised_and_lie_on_a_regular_polygon() -> None:
    config = replace(
        SMALL,
        n_features=2000,
        feature_probabilities=(0.005,),
        n_points=(5,),
        n_data_sets=1,
        n_steps=(1500,),
    )
    found = fit(config, device=CPU, progress=quiet)
    assert found.models.train_loss.min() < 0.01
    assert found.models.point_dimensionality.tolist() == pytest.approx([0.4, 0.4], abs=0.01)


def test_many_points_are_not_memorised_and_five_features_stand_out() -> None:
    config = replace(
        SMALL, n_points=(600,), n_data_sets=1, n_starts=3, n_steps=(1500,), weight_decays=(0.01,)
    )
    found = fit(config, device=CPU, progress=quiet)
    best = found.models.train_loss.idxmin()
    norms = found.features[found.features.model == best].norm.nlargest(6).tolist()
    assert found.models.test_loss.max() < 1
    assert norms[4] > 1.5 * norms[5]


@pytest.mark.parametrize(("n_points", "few"), [(4, True), (500, False)])
def test_fewer_and_larger_updates_end_at_the_same_losses(n_points: int, few: bool) -> None:
    usual = replace(SMALL, n_points=(n_points,), n_data_sets=1, n_starts=3, n_steps=(4_000,))
    small = fit(replace(usual, lr=1e-3), device=CPU, progress=quiet).models
    large = fit(replace(usual, lr=1e-2, n_steps=(400,)), device=CPU, progress=quiet).models
    for loss in ("train_loss", "test_loss"):
        ends = [min(models[loss].tolist()) for models in (small, large)]
        assert ends[0] == pytest.approx(ends[1], rel=0.02, abs=0.02 if few else 0)


def test_a_model_that_diverges_is_reported_and_its_losses_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = initial_weights(SMALL, SMALL.models()[:1])[0]

    def broken(config: MemorisationConfig, team: memorisation.Team) -> torch.Tensor:
        weights = initial_weights(config, team)
        weights[[model.model == 0 for model in team]] = first * torch.inf
        return weights

    monkeypatch.setattr(memorisation, "initial_weights", broken)
    models = fit(SMALL, device=CPU, progress=quiet).models
    assert models.diverged.tolist() == [True] + [False] * 7
    assert models.test_loss.isna().tolist() == [True] + [False] * 7
    assert tables.summary(models)["n_diverged"] == 1


def test_a_condition_in_which_all_models_diverge_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"all 4 models diverged at n_points=4, .*lr=1e\+30"):
        fit(replace(SMALL, lr=1e30), device=CPU, progress=quiet)


def test_batches_must_divide_the_data_sets() -> None:
    message = re.escape("batch_size=4; allowed: 0, or a divisor of all n_points (4, 6)")
    with pytest.raises(ValueError, match=message):
        replace(SMALL, batch_size=4)


def test_batches_lead_elsewhere_than_all_points_at_once() -> None:
    whole = fit(SMALL, device=CPU, progress=quiet).models
    halves = fit(replace(SMALL, batch_size=2), device=CPU, progress=quiet).models
    assert halves.train_loss.max() < 1
    assert not halves.train_loss.equals(whole.train_loss)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_points": ()}, "n_points holds ()"),
        ({"n_points": (4, 4)}, "repeats a value"),
        ({"feature_probabilities": (0.0,)}, "above 0, at most 1"),
        ({"lr": 0.0}, "lr=0.0; allowed: above 0"),
        ({"warm_up": 1.0}, "warm_up=1.0"),
        ({"d_hidden": (3,)}, "keep_vectors with d_hidden=(3,)"),
    ],
)
def test_a_mistake_is_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(SMALL, **changes)


def test_vectors_of_a_regular_polygon_share_the_plane_evenly() -> None:
    angles = torch.arange(7) * 2 * torch.pi / 7
    corners = 3 * torch.stack([angles.cos(), angles.sin()], dim=1)
    torch.testing.assert_close(tables.shares(corners), torch.full((7,), 2 / 7))
    assert tables.shares(torch.zeros(2, 2)).tolist() == [0, 0]
