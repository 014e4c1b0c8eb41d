"""Claims about attacks and compressed sensing come out as the tables say."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.charts.synthetic import frame
from tests.claims.world import results

from superposition.claims import compression, core, measures_robustness, robustness
from superposition.claims.core import Claim, Verdict
from superposition.results import Results

DENSITIES = (1.0, 0.5, 0.25, 0.12, 0.08, 0.05)
SPARSE = (0.03, 0.01, 0.003, 0.001)
NORMS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8)
N_SEEDS = 3


@pytest.fixture
def r(tmp_path: Path) -> Results:
    found = results(tmp_path)
    rows = {"uniform": {}, "uniform-sparse": {}}
    found.params.tree["toy"] |= {"uniform-200-in-20": {}, "uniform-200-in-20-sparse": {}}
    found.params.tree.update(robustness=rows, sparse_recovery=rows)
    found.params.tree["adversarial"] = {"fifty-in-five": {}}
    return found


def verdict(claim: Claim, r: Results) -> Verdict:
    return core.judge(claim, r).verdict


def add_attacks(
    r: Results,
    row: str,
    features: Mapping[float, float],
    vulnerability: Callable[[float], float],
    *,
    gradient: float = 1.0,
    silent: float = 0.99,
    error: float = 0.01,
) -> None:
    """Models with so many features per dimension by density, and what attacks do to them."""
    rows = [
        {
            "instance": len(features) * seed + index,
            "seed": seed,
            "feature_probability": p,
            "attack": kind,
            "vulnerability": vulnerability(found) * factor * (1 + 0.001 * seed),
            "features_per_dimension": found,
        }
        for seed in range(N_SEEDS)
        for index, (p, found) in enumerate(features.items())
        for kind, factor in (("feature", 1.0), ("gradient", gradient), ("random", 0.1))
    ]
    columns = pd.DataFrame(rows).to_dict("list")
    fixed = {"standard_error": error, "silent_share": silent, "no_gradient_share": 0.5}
    n = len(rows)
    table = frame(
        "robustness/attacks.parquet", n, **columns, **{k: [v] * n for k, v in fixed.items()}
    )
    r.store.save_table(table, "robustness", row, "attacks.parquet")


def growing(most: float) -> dict[float, float]:
    return dict(zip(DENSITIES, np.linspace(1, most, len(DENSITIES)).tolist(), strict=True))


@pytest.mark.parametrize(
    ("most", "error", "holds"),
    [(9.0, 0.01, "replicated"), (4.0, 0.3, "partly"), (2.0, 0.01, "not replicated")],
)
def test_vulnerability_must_rise_by_more_than_three_with_its_interval(
    r: Results, most: float, error: float, holds: str
) -> None:
    add_attacks(r, "uniform", growing(most), lambda found: found, error=error)
    found = verdict(robustness.vulnerability_rises, r)
    assert found.holds == holds
    assert found.interval is not None
    assert found.interval[0] < float(str(found.measured)) < found.interval[1]


@pytest.mark.parametrize(
    ("law", "holds"),
    [
        (lambda found: 1 + 2 * found, "replicated"),
        (lambda found: (found - 0.9) ** 3, "partly"),
        (lambda found: 10 - found, "not replicated"),
        (lambda found: 1.0, "not replicated"),
    ],
    ids=["line", "cube", "falling", "flat"],
)
def test_vulnerability_must_follow_features_per_dimension(
    r: Results, law: Callable[[float], float], holds: str
) -> None:
    add_attacks(r, "uniform", growing(8.0), law, error=0.0)
    assert verdict(robustness.vulnerability_tracks, r).holds == holds


@pytest.mark.parametrize(
    ("gradient", "silent", "holds"),
    [(0.5, 0.99, "replicated"), (1.4, 0.99, "partly"), (0.5, 0.9, "not replicated")],
)
def test_gradients_are_masked_if_outputs_are_silent_and_ascent_does_less_harm(
    r: Results, gradient: float, silent: float, holds: str
) -> None:
    features = dict(zip(SPARSE, (8.0, 10.0, 10.0, 10.0), strict=True))
    kinds = {"gradient": gradient, "silent": silent}
    add_attacks(r, "uniform-sparse", features, lambda found: found, **kinds)
    found = verdict(robustness.gradients_are_masked, r)
    assert found.holds == holds
    assert found.measured == pytest.approx(silent)


def add_training(r: Results, means: Sequence[float], *, lost: int = 0) -> None:
    """Features per dimension by attack norm, the same at two densities; some models diverged."""
    keys = [(p, i, seed) for p in (0.1, 0.03) for i in range(len(NORMS)) for seed in range(4)]
    table = frame(
        "adversarial/instances.parquet",
        len(keys),
        feature_probability=[p for p, _, _ in keys],
        attack_norm=[NORMS[i] for _, i, _ in keys],
        seed=[seed for _, _, seed in keys],
        features_per_dimension=[means[i] + 0.01 * (seed - 1.5) for _, i, seed in keys],
        diverged=[index < lost for index in range(len(keys))],
    )
    r.store.save_table(table, "adversarial", "fifty-in-five", "instances.parquet")


@pytest.mark.parametrize(
    ("means", "holds"),
    [
        ((4.0, 3.5, 3.0, 2.0, 1.5, 1.02), "replicated"),
        ((4.0, 3.0, 1.5, 0.9, 0.5, 0.1), "partly"),
        ((4.0, 3.5, 3.0, 2.0, 1.5, 0.2), "partly"),
        ((4.0, 3.5, 3.0, 2.8, 2.6, 2.4), "not replicated"),
        ((4.0, 4.5, 3.0, 2.0, 1.5, 1.02), "not replicated"),
        ((1.0, 1.0, 1.0, 1.0, 1.0, 1.0), "not replicated"),
    ],
    ids=["published", "too early", "everything goes", "not removed", "rises", "none to remove"],
)
def test_training_removes_superposition_only_under_strong_attacks(
    r: Results, means: tuple[float, ...], holds: str
) -> None:
    add_training(r, means)
    assert verdict(robustness.training_removes, r).holds == holds


def test_where_superposition_goes_is_read_between_the_norms_that_were_trained(r: Results) -> None:
    add_training(r, (4.0, 3.0, 2.1, 0.1, 0.0, 0.0))
    found = verdict(robustness.training_removes, r)
    assert found.measured == pytest.approx(0.3)
    assert found.interval is not None
    assert found.interval[0] <= 0.3 <= found.interval[1]


def test_models_that_diverged_are_counted_and_left_out(r: Results) -> None:
    add_training(r, (4.0, 3.5, 3.0, 2.0, 1.5, 1.02), lost=3)
    found = verdict(robustness.training_removes, r)
    assert "3 of 48 models diverged" in found.detail
    assert found.holds == "replicated"


def add_recoveries(r: Results, power: float, gain: float, *, n_represented: int = 50) -> None:
    """Ratios m / bound that go as 1/p to this power, and what matching pursuit gains."""
    for row, densities in (("uniform", DENSITIES), ("uniform-sparse", SPARSE)):
        p = np.repeat(densities, N_SEEDS)
        n = len(p)
        table = frame(
            "sparse_recovery/instances.parquet",
            n,
            seed=np.tile(range(N_SEEDS), len(densities)),
            feature_probability=p,
            n_represented=np.full(n, n_represented),
            d_hidden=np.full(n, 20),
            bound=np.where(p < 1, 20 * p**power, 0.0),
            gain=np.where(p <= 0.01, gain, -1.0),
            gain_error=np.full(n, 0.01),
        )
        r.store.save_table(table, "sparse_recovery", row, "instances.parquet")


@pytest.mark.parametrize(
    ("power", "gain", "holds"),
    [
        (0.5, 0.1, "replicated"),
        (0.0, 0.1, "replicated"),
        (0.5, 0.005, "partly"),
        (0.5, -0.1, "partly"),
        (-0.5, 0.1, "not replicated"),
    ],
)
def test_the_bound_must_not_be_undercut_and_matching_pursuit_must_win_when_sparse(
    r: Results, power: float, gain: float, holds: str
) -> None:
    add_recoveries(r, power, gain)
    found = verdict(compression.needs_dimensions, r)
    assert found.holds == holds
    assert "cannot confirm" in found.detail


def test_models_that_represent_nothing_neither_confirm_nor_contradict_the_bound(
    r: Results,
) -> None:
    add_recoveries(r, 0.5, 0.1, n_represented=0)
    found = verdict(compression.needs_dimensions, r)
    assert found.holds == "not run at this scale"
    assert "no model of the densities of the bound represents a feature" in found.detail


def test_the_densest_density_at_which_matching_pursuit_wins_is_found(r: Results) -> None:
    add_recoveries(r, 0.5, 0.1)
    assert compression.crossover(compression.recoveries(r)) == 0.01
    add_recoveries(Results(r.params, r.store), 0.5, -0.1)
    assert np.isnan(compression.crossover(compression.recoveries(Results(r.params, r.store))))


def test_a_scale_without_the_rows_runs_none_of_these_claims(tmp_path: Path) -> None:
    bare = results(tmp_path)
    for claim in (robustness.vulnerability_rises, compression.needs_dimensions):
        assert verdict(claim, bare).holds == "not run at this scale"


def test_the_slope_of_a_power_of_p_is_its_exponent() -> None:
    p = np.array([0.3, 0.1, 0.03, 0.01])
    table = pd.DataFrame({"feature_probability": p, "ratio": 3 * p**-0.7})
    found, interval = measures_robustness.slope(measures_robustness.by_density(table, "ratio"))
    assert found == pytest.approx(0.7)
    assert interval == pytest.approx((0.7, 0.7))


def test_the_error_over_shared_inputs_does_not_shrink_with_the_number_of_models() -> None:
    table = pd.DataFrame({"feature_probability": [0.1] * 50, "value": 1.0, "error": 0.2})
    found = measures_robustness.by_density(table, "value", error="error")
    assert found.resampled.std() == pytest.approx(0.2, rel=0.1)
