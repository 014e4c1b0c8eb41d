"""Pentagon and digons are told apart, polished, and followed to where their losses cross."""

import pandas as pd
import pytest
import torch
from tests.claims.world import polygon

from superposition.toy import branches, crossings, expected_loss
from superposition.toy.branches import DIGONS, IDEAL, PENTAGON, PerturbationConfig, Polished

CONFIG = PerturbationConfig(
    models="perturbed-pentagon",
    relative_densities=(1.0, 0.3, 0.2),
    n_starts=2,
    n_steps=60,
    n_points=64,
    n_repeats=2,
    seed=0,
)


def digons() -> torch.Tensor:
    return polygon(4).roll(1, dims=0)


def trained(*models: torch.Tensor) -> branches.Trained:
    n = len(models)
    columns = {"seed": range(n), "feature_probability": 0.05, "relative_density": 1.0, "loss": 0.1}
    return branches.Trained(pd.DataFrame(columns), torch.stack(models), torch.zeros(n, 5))


def table(difference: list[float], *, error: float = 0.0) -> pd.DataFrame:
    """Losses at relative densities 1, 0.4, 0.2: those of digons, and those plus `difference`."""
    rows = [
        {"relative_density": relative, "branch": branch, "loss": loss, "standard_error": error}
        for relative, more in zip((1.0, 0.4, 0.2), difference, strict=True)
        for branch, loss in ((PENTAGON, 2.0 + more), (DIGONS, 2.0), (DIGONS, 2.01))
    ]
    return pd.DataFrame(rows)


def test_a_branch_is_told_by_which_features_are_represented() -> None:
    assert branches.branch_of(polygon(5)) == PENTAGON
    assert branches.branch_of(digons()) == DIGONS
    assert branches.branch_of(polygon(4)) == branches.OTHER
    assert branches.branch_of(polygon(3)) == branches.OTHER


def test_polishing_lowers_the_loss_and_keeps_the_branch() -> None:
    at, densities = expected_loss.points(5, 64, seed=0), torch.full((5,), 0.05).double()
    options = {"densities": densities, "importance": torch.ones(5).double()}
    start = Polished(polygon(5), torch.zeros(5))
    found = branches.polish(start, at, densities=densities, n_steps=60)
    before = expected_loss.expected_loss(start.W.double(), start.b.double(), at, **options)
    after = expected_loss.expected_loss(*found, at, **options)
    assert after < 0.9 * before
    assert branches.branch_of(found.W) == PENTAGON
    assert (found.b < 0).all()


def test_the_pentagon_wins_among_equals_and_the_digons_beside_a_rare_feature() -> None:
    found = branches.follow(trained(polygon(5), digons()), CONFIG)
    assert set(found["seed"]) == {0, 1, IDEAL}
    advantage = crossings.difference(found)["advantage"].tolist()
    assert advantage[0] < 0
    assert advantage[-1] > 0.5
    crossing = crossings.crossing(found, seed=0)
    assert crossing.ratio is not None
    assert 10 / 3 < crossing.ratio < 5


def test_an_arrangement_that_no_trained_model_shows_is_followed_from_its_ideal_shape() -> None:
    found = branches.follow(trained(polygon(5), polygon(3)), CONFIG)
    found_pairs = set(zip(found["branch"], found["seed"], strict=True))
    assert found_pairs == {(PENTAGON, 0), (PENTAGON, IDEAL), (DIGONS, IDEAL)}


def test_the_ideal_shape_finds_a_guess_that_a_dead_bias_cannot() -> None:
    dead = trained(polygon(5), digons())
    dead.b[1, 0] = -0.3
    found = branches.follow(dead, CONFIG)
    losses = found.loc[(found["branch"] == DIGONS) & (found["relative_density"] == 0.2)]
    lowest = dict(zip(losses["seed"], losses["loss"], strict=True))
    assert lowest[IDEAL] < lowest[1]


def test_the_crossing_is_interpolated_on_a_logarithmic_scale() -> None:
    crossing = crossings.crossing(table([-1.0, -0.1, 0.1]), seed=0)
    assert crossing.ratio == pytest.approx((2.5 * 5) ** 0.5)
    assert crossing.ratio is not None
    assert crossing.interval is not None
    low, high = crossing.interval
    assert low <= crossing.ratio <= high


def test_noisy_losses_widen_the_interval() -> None:
    sure = crossings.crossing(table([-1.0, -0.1, 0.1]), seed=0).interval
    unsure = crossings.crossing(table([-1.0, -0.1, 0.1], error=0.03), seed=0).interval
    assert sure is not None
    assert unsure is not None
    assert unsure[1] - unsure[0] > 2 * (sure[1] - sure[0])


@pytest.mark.parametrize("difference", [[-1.0, -0.5, -0.1], [1.0, 0.5, 0.1]])
def test_losses_that_do_not_cross_have_no_crossing(difference: list[float]) -> None:
    assert crossings.crossing(table(difference), seed=0) == crossings.Crossing(None, None)
    assert crossings.summary(table(difference), seed=0)["crossing_ratio"] is None


def test_settings_that_cannot_work_are_refused() -> None:
    options = {**vars(CONFIG)}
    for name, value in {"n_starts": 0, "n_repeats": 1, "relative_densities": (1.0,)}.items():
        with pytest.raises(ValueError, match=name):
            PerturbationConfig(**options | {name: value})
